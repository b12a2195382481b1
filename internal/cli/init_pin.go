package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/git"
)

// homeAction is where sluice is released.
const homeAction = "sluice-dev/sluice"

// action is what a workflow uses of sluice. The commit of a release names the checksums of its programs, so a program cannot know the
// commit that it was released with: it is asked for.
type action struct {
	host   string // that is asked
	name   string // owner/name
	tag    string // the release; "" where only a commit was given
	commit string // "" where it is not known
	asked  bool   // whether the tag was given by whoever runs this, and is to be there
	why    error  // why the commit is not known
}

// released is the version of a release, and of no build between two of them.
var released = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)

// given is [https://HOST/]OWNER/NAME[@REF]. A name of GitHub has no other characters, and a ref no others that a tag of a release needs.
var given = regexp.MustCompile(`^(?:https://([A-Za-z0-9.-]+(?::\d+)?)/)?([A-Za-z0-9_-]+/[A-Za-z0-9._-]+?)(?:@([A-Za-z0-9][A-Za-z0-9._-]*))?$`)

// parseAction reads --action, for a program of some version. Without a version in it, a released program means its own release, and any
// other the newest of the major version 1, at whatever commit that may be.
func parseAction(text, version string) (action, error) {
	if text == "" {
		text = homeAction
	}
	m := given.FindStringSubmatch(text)
	if m == nil {
		return action{}, usage(fmt.Errorf("--action %q: want [https://HOST/]OWNER/NAME[@VERSION], such as acme/sluice or https://github.example.com/acme/sluice@v1.2.3", text))
	}
	a := action{host: m[1], name: m[2], tag: m[3], asked: m[3] != ""}
	if a.host == "" {
		a.host = "github.com"
	}
	switch {
	case fullCommit.MatchString(a.tag):
		a.tag, a.commit = "", a.tag
	case a.tag != "":
	case released.MatchString(version):
		a.tag = version
	default:
		a.tag, a.why = "v1", errors.New("this program is no release, which would pin its own commit")
	}
	return a, nil
}

// askFor bounds how long a person waits for the commit of a release.
const askFor = 15 * time.Second

// pin asks for the commit of the release. It fails only where whoever runs this has named a version that there is not; where nobody
// answers, the commit stays unknown, which note tells.
func (a action) pin(ctx context.Context, repo *git.Repo) (action, error) {
	if a.commit != "" || a.why != nil {
		return a, nil
	}
	bound, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	commit, err := repo.RemoteTag(bound, a.address(), a.tag)
	switch {
	case err == nil:
		a.commit = commit
	case ctx.Err() != nil:
		return a, ctx.Err()
	case bound.Err() != nil:
		a.why = fmt.Errorf("%s has not told its commit within %s", a.address(), askFor)
	case errors.Is(err, git.ErrNoTag) && a.asked:
		return a, usage(fmt.Errorf("--action: %s has no tag %s", a.address(), a.tag))
	default:
		a.why = fmt.Errorf("%s does not tell its commit: %w", a.address(), err)
	}
	return a, nil
}

func (a action) address() string { return "https://" + a.host + "/" + a.name }

// String is what stands behind "uses:".
func (a action) String() string {
	switch {
	case a.commit != "" && a.tag != "":
		return a.name + "@" + a.commit + " # " + a.tag
	case a.commit != "":
		return a.name + "@" + a.commit
	default:
		return a.name + "@" + a.tag + " # a tag, which can be moved: pin the commit of a release"
	}
}

// note says what is to be done where the workflows do not name a commit; "" where they do.
func (a action) note() string {
	if a.commit != "" {
		return ""
	}
	why := "its commit was not asked for, because of --offline"
	if a.why != nil {
		why = strings.Join(strings.Fields(a.why.Error()), " ") // git and ssh say it in several lines
	}
	return fmt.Sprintf("the workflows use %s@%s, a tag, which can be moved: %s. To pin it: sluice init --force --action %s@COMMIT, or @VERSION where the "+
		"repository can be asked. A mirror is named as https://HOST/OWNER/NAME@VERSION.", a.name, a.tag, why, a.name)
}
