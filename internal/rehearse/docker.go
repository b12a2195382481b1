package rehearse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// docker runs the command that kind runs too, for what kind does not do.
type docker struct{}

// run runs docker and gives what it prints. An error repeats its last words.
func (docker) run(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "docker", args...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) } // so that it tells the engine
	command.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		if last := lines[len(lines)-1]; last != "" {
			err = errors.New(shorten(last))
		}
		return "", fmt.Errorf("docker %s: %w", args[0], err)
	}
	return strings.TrimSpace(stdout.String()), nil
}

// available says what to do where Docker cannot be used.
func (d docker) available(ctx context.Context) error {
	if _, err := exec.LookPath("docker"); err != nil {
		return unavailable(nil, "Docker is not installed here (there is no docker command), and the provider kind needs it: install it, or rehearse on another "+
			"provider (envtest, kubeconfig). The image of sluice has none: run the action or the program on the machine itself (docs/image.md)")
	}
	if _, err := d.run(ctx, "version", "--format", "{{.Server.Version}}"); err != nil {
		return unavailable(err, "Docker does not answer: start it, and let this user or container reach its socket, or rehearse on another provider (envtest)")
	}
	return nil
}

// pull makes sure that an image is there.
func (d docker) pull(ctx context.Context, image string) error {
	if _, err := d.run(ctx, "image", "inspect", "--format", "{{.Id}}", image); err == nil {
		return nil
	}
	if _, err := d.run(ctx, "pull", "--quiet", image); err != nil {
		return unavailable(err, "the node image %s cannot be pulled: pull it before, or name one that can be with rehearse.image", image)
	}
	return nil
}

// kindNetwork is the network that kind puts its nodes into.
const kindNetwork = "kind"

func (d docker) hasNetwork(ctx context.Context) bool {
	_, err := d.run(ctx, "network", "inspect", "--format", "{{.Id}}", kindNetwork)
	return err == nil
}

var containerID = pattern(`/containers/([0-9a-f]{64})/`)

// self gives the container of this engine that this process runs in; "" where it runs in none.
func (d docker) self(ctx context.Context) string {
	var candidates []string
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
		if m := containerID().FindSubmatch(mounts); m != nil {
			candidates = append(candidates, string(m[1]))
		}
	}
	if _, err := os.Stat("/.dockerenv"); err == nil {
		if name, err := os.Hostname(); err == nil {
			candidates = append(candidates, name)
		}
	}
	for _, candidate := range candidates {
		if id, err := d.run(ctx, "inspect", "--type=container", "--format", "{{.Id}}", candidate); err == nil && id != "" {
			return id
		}
	}
	return ""
}

// created says when a container was made.
func (d docker) created(ctx context.Context, container string) (time.Time, error) {
	text, err := d.run(ctx, "inspect", "--type=container", "--format", "{{.Created}}", container)
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, text)
}
