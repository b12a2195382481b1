package git

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrNoTag says that a repository has answered, and has no such tag.
var ErrNoTag = errors.New("there is no such tag")

var commitID = regexp.MustCompile(`^[0-9a-f]{40}$`)

// RemoteTag asks the repository at url for the id of the commit that a tag names, be it annotated or not. Nobody is asked for a password,
// and ctx bounds how long it takes. It fails with ErrNoTag, or with what git says.
// Source: https://git-scm.com/docs/git-ls-remote, and gitrevisions for the ^{} of what an annotated tag names.
func (r *Repo) RemoteTag(ctx context.Context, url, tag string) (string, error) {
	ref := "refs/tags/" + tag
	out, err := runRemote(ctx, r.root, askNobody(r.env), "ls-remote", "--quiet", "--", url, ref, ref+"^{}")
	if err != nil {
		return "", err
	}
	return tagCommit(string(out), ref)
}

// tagCommit reads the answer of git ls-remote, which may hold more than was asked for: its patterns match the ends of names.
func tagCommit(answer, ref string) (string, error) {
	named := make(map[string]string)
	for line := range strings.Lines(answer) {
		id, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if name != ref && name != ref+"^{}" {
			continue
		}
		if other, again := named[name]; again && other != id {
			return "", fmt.Errorf("%s is said to be both %q and %q", name, other, id)
		}
		if !commitID.MatchString(id) || strings.Trim(id, "0") == "" {
			return "", fmt.Errorf("%s is said to be %q, which is no commit's id", name, id)
		}
		named[name] = id
	}
	commit, found := named[ref]
	if !found {
		return "", ErrNoTag
	}
	if peeled, annotated := named[ref+"^{}"]; annotated {
		commit = peeled
	}
	return commit, nil
}
