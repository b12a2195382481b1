package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// askingVariables name programs that would ask a person for a password.
var askingVariables = []string{"GIT_ASKPASS", "SSH_ASKPASS"}

// askNobody lets git and ssh fail where they would have asked for a password, or whether a host is known.
func askNobody(env []string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(askingVariables, name)
	})
	env = append(env, "GIT_ASKPASS=") // set and empty: core.askPass is not used either
	if os.Getenv("GIT_SSH_COMMAND") == "" && os.Getenv("GIT_SSH") == "" {
		env = append(env, "GIT_SSH_COMMAND=ssh -oBatchMode=yes")
	}
	return env
}

// maxAnswer bounds, in bytes, what a git command that talks to another machine may print.
const maxAnswer = 1 << 20

// runRemote is run for a command that talks to another machine: it ends with its context, whatever the other side does, and the
// helpers that git has started end with it. Its environment must have it ask nobody.
func runRemote(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = dir, env
	inOwnGroup(cmd)
	cmd.WaitDelay = time.Second
	var stdout, stderr bounded
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case stdout.full || stderr.full:
		return nil, fmt.Errorf("git %s: the answer is longer than %d bytes", args[0], maxAnswer)
	case err == nil:
		return stdout.kept.Bytes(), nil
	case errors.Is(err, exec.ErrNotFound):
		return nil, ErrNoGit
	case ctx.Err() != nil:
		return nil, fmt.Errorf("git %s: %w", args[0], ctx.Err())
	default:
		return nil, failed(args[0], err, stderr.kept.String())
	}
}

// bounded keeps what is written to it, up to maxAnswer. It embeds no buffer, whose ReadFrom would go past Write.
type bounded struct {
	kept bytes.Buffer
	full bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.kept.Len()+len(p) > maxAnswer {
		b.full = true
		return 0, errors.New("too long")
	}
	return b.kept.Write(p)
}
