package git

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FileVersion is what a commit made of a file.
type FileVersion struct {
	Seq     int    // the commit's place in the history read: from 1, larger is newer, the same for all files of one commit
	Commit  string // its id
	Data    []byte // nil for a deletion
	Deleted bool
}

// History is the versions of the files below some directories, up to one commit. It is safe for concurrent use.
type History struct {
	// Complete is false where the history was not read to its beginning: it goes past the bound, or the clone is shallow.
	Complete bool

	files   map[string][]fileVersion // newest first
	commits int                      // how many were read
	shallow bool
	objects *batch
}

type fileVersion struct {
	age         int    // 1 for the newest commit
	commit, oid string // no oid for a deletion
	added       bool   // no parent had the file
}

// Bound says how far back a history is read. What it cuts off depends on the commits alone, never on the machine.
type Bound struct {
	Commits int       // at most so many
	Since   time.Time // and none committed before; zero for no such bound
}

// History reads which commits changed the files below the given directories (paths from the repository's root), up to and
// including a commit, as far as a bound lets it. Merges count where they differ from all their parents.
func (r *Repo) History(ctx context.Context, commit string, dirs []string, bound Bound) (*History, error) {
	limit := bound.Commits
	args := []string{"log", "--format=%x01%H", "--raw", "--no-abbrev", "--no-renames", "--date-order", "-z", "--diff-merges=combined",
		"--max-count=" + strconv.Itoa(limit+1)}
	older := false
	if !bound.Since.IsZero() {
		var err error
		if older, err = r.isOlder(ctx, commit, dirs, bound.Since); err != nil {
			return nil, err
		}
		args = append(args, fmt.Sprintf("--since=@%d", bound.Since.Unix()))
	}
	args = append(args, commit, "--")
	for _, dir := range dirs {
		args = append(args, ":(top,literal)"+dir)
	}
	out, err := run(ctx, r.root, r.env, args...)
	if err != nil {
		return nil, err
	}
	shallow := r.Shallow(ctx)
	h := &History{Complete: !older && !shallow, shallow: shallow, files: map[string][]fileVersion{}, objects: r.objects}
	commits, id, entry := 0, "", ""
	defer func() { h.commits = commits }()
	for _, token := range strings.Split(string(out), "\x00") {
		token = strings.TrimLeft(token, "\n")
		switch {
		case entry != "": // a path, which may begin with anything
			v, err := parseRaw(entry)
			if err != nil {
				return nil, err
			}
			v.age, v.commit = commits, id
			h.files[token], entry = append(h.files[token], v), ""
		case strings.HasPrefix(token, "\x01"):
			if commits == limit {
				h.Complete = false
				return h, nil
			}
			commits, id = commits+1, token[1:]
		case strings.HasPrefix(token, ":"):
			entry = token
		}
	}
	return h, nil
}

// Whole reports whether all versions of a file are known: the history was read to its beginning, or to where the file was made.
func (h *History) Whole(path string) bool {
	list := h.files[path]
	return h.Complete || !h.shallow && len(list) > 0 && list[len(list)-1].added
}

// isOlder reports whether a commit that changed something below the directories was committed before a time. Most repositories have no commit
// at all from before, which is soon told.
func (r *Repo) isOlder(ctx context.Context, commit string, dirs []string, since time.Time) (bool, error) {
	args := []string{"rev-list", "--max-count=1", fmt.Sprintf("--until=@%d", since.Unix()-1), commit, "--"}
	for _, paths := range [][]string{nil, dirs} {
		for _, dir := range paths {
			args = append(args, ":(top,literal)"+dir)
		}
		if found, err := r.git(ctx, args...); err != nil || found == "" {
			return false, err
		}
	}
	return true, nil
}

// parseRaw reads a line of git's raw diff, a colon for each parent: ":mode mode oid oid M", "::mode mode mode oid oid oid MM".
func parseRaw(line string) (fileVersion, error) {
	parents := len(line) - len(strings.TrimLeft(line, ":"))
	fields := strings.Fields(line[parents:])
	if len(fields) != 2*parents+3 {
		return fileVersion{}, fmt.Errorf("git log: unexpected line %q", line)
	}
	mode, oid := fields[parents], fields[2*parents+1]
	if mode == "000000" || mode == "160000" { // removed, or a submodule
		oid = ""
	}
	was := slices.ContainsFunc(fields[:parents], func(mode string) bool { return mode != "000000" })
	return fileVersion{oid: oid, added: !was}, nil
}

// Versions gives the versions of a file, oldest first.
func (h *History) Versions(path string) ([]FileVersion, error) {
	list := h.files[path]
	out := make([]FileVersion, 0, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		v := FileVersion{Seq: h.commits - list[i].age + 1, Commit: list[i].commit, Deleted: list[i].oid == ""}
		if !v.Deleted {
			var err error
			if v.Data, err = h.objects.Read(list[i].oid); err != nil {
				return nil, err
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// Mainline gives the commits of a branch as it grew: a commit and its first parents, the newest first, at most limit.
func (r *Repo) Mainline(ctx context.Context, commit string, limit int) ([]string, error) {
	out, err := r.git(ctx, "rev-list", "--first-parent", "--max-count="+strconv.Itoa(limit), commit, "--")
	return strings.Fields(out), err
}

// DirChange is the newest change below a directory.
type DirChange struct{ Dir, Commit string }

// LastChanged gives, for each directory in which something has changed, the newest commit of a branch as it grew (a commit and its
// first parents, at most limit of them) that changed something below it; the newest first. Unlike the commits of History, it holds
// everything that the branch had by then.
func (r *Repo) LastChanged(ctx context.Context, commit string, dirs []string, limit int) (last []DirChange, err error) {
	args := []string{"log", "--first-parent", "--diff-merges=first-parent", "--no-renames", "--name-only", "--format=%x01%H", "-z",
		"--max-count=" + strconv.Itoa(limit), "--end-of-options", commit, "--"}
	wanted := make(map[string]bool, len(dirs))
	for _, dir := range dirs {
		wanted[dir] = true
		args = append(args, ":(top,literal)"+dir)
	}
	out, err := run(ctx, r.root, r.env, args...)
	if err != nil {
		return nil, err
	}
	id := ""
	for _, token := range strings.Split(string(out), "\x00") {
		token = strings.TrimLeft(token, "\n")
		if after, ok := strings.CutPrefix(token, "\x01"); ok {
			id, token, _ = strings.Cut(after, "\n")
			token = strings.TrimLeft(token, "\n")
		}
		for dir := token; dir != "." && dir != ""; {
			dir = path.Dir(dir)
			if wanted[dir] {
				wanted[dir] = false
				last = append(last, DirChange{dir, id})
			}
		}
	}
	return last, nil
}

// MainlineOf gives those of a branch's commits, as it grew, that changed something below any of some directories: the
// newest first, at most limit.
func (r *Repo) MainlineOf(ctx context.Context, commit string, limit int, dirs ...string) ([]string, error) {
	args := []string{"rev-list", "--first-parent", "--max-count=" + strconv.Itoa(limit), commit, "--"}
	for _, dir := range dirs {
		args = append(args, ":(top,literal)"+dir)
	}
	out, err := r.git(ctx, args...)
	return strings.Fields(out), err
}
