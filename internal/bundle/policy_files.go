package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// policyFiles are the files of a repository's policies, by the path that they are loaded as.
type policyFiles struct {
	rego, data map[string][]byte
	dataDirs   []string
	size       int
}

// readPolicies reads the directories of the repository, and what comes from elsewhere. An error is for a run that was stopped.
func readPolicies(ctx context.Context, repo fs.FS, dirs []string, remote []Remote) (policyFiles, finding.List, error) {
	files := policyFiles{rego: make(map[string][]byte), data: make(map[string][]byte)}
	var problems finding.List
	for _, dir := range dirs {
		if !fs.ValidPath(dir) {
			problems = append(problems, notRego(finding.Pos{}, "the policy directory %q is not a path inside the repository", dir))
			continue
		}
		at := func(name string) (finding.Pos, string) { return finding.Pos{File: name}, "" }
		problems = append(problems, files.read(repo, dir, "", at)...)
	}
	for _, r := range remote {
		opened, err := r.Open(ctx)
		switch {
		case ctx.Err() != nil:
			return files, nil, ctx.Err()
		case err != nil:
			problems = append(problems, finding.Finding{
				Rule: "policy/remote", Severity: finding.Error, Pos: r.Pos,
				Message: fmt.Sprintf("the policies %s could not be fetched, so nothing is held to them: %v", r.Name, err),
			})
			continue
		}
		at := func(string) (finding.Pos, string) { return r.Pos, r.Name + ": " }
		dir := path.Clean(cmp.Or(r.Dir, opened.Dir))
		found := files.read(opened.Files, dir, r.mount(), at)
		for i := range found {
			found[i].Severity = finding.Error // who names policies from elsewhere wants to be held to them
		}
		problems = append(problems, found...)
		problems = append(problems, files.unread(r, opened, dir)...)
	}
	return files, problems, nil
}

// unread tells of data that policies from elsewhere do not see.
func (p *policyFiles) unread(r Remote, opened Opened, dir string) finding.List {
	var names []string
	for _, name := range opened.Data {
		if _, read := p.data[path.Join(r.mount(), name)]; !read {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return finding.List{{
		Rule: "policy/remote", Severity: finding.Notice, Pos: r.Pos,
		Message: fmt.Sprintf("%s: policies do not see %d of its data files, %s first: they are not below %s", r.Name, len(names), names[0], path.Join(dir, "data")),
	}}
}

// read adds the files below a directory of a tree, loaded as if they were below mount. at gives the place of what is wrong with a file,
// and what its message begins with.
func (p *policyFiles) read(tree fs.FS, dir, mount string, at func(name string) (finding.Pos, string)) finding.List {
	var problems finding.List
	report := func(file, format string, args ...any) {
		pos, prefix := at(file)
		problems = append(problems, notRego(pos, "%s", prefix+fmt.Sprintf(format, args...)))
	}
	before := len(p.rego)
	dataDir := path.Join(dir, "data")
	err := fs.WalkDir(tree, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var into map[string][]byte
		ext := path.Ext(name)
		switch {
		case entry.IsDir():
			return nil
		case ext == ".rego" && !strings.HasSuffix(name, "_test.rego"):
			into = p.rego
		case strings.HasPrefix(name, dataDir+"/") && (ext == ".yaml" || ext == ".yml" || ext == ".json"):
			into = p.data
			if mounted := path.Join(mount, dataDir); len(p.dataDirs) == 0 || p.dataDirs[len(p.dataDirs)-1] != mounted {
				p.dataDirs = append(p.dataDirs, mounted)
			}
		default:
			return nil
		}
		if !entry.Type().IsRegular() {
			report(name, "%s is not a regular file; policies are not read through links", name)
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if p.size += len(text); p.size > maxPolicyBytes || len(p.rego)+len(p.data) >= maxPolicyFiles {
			return errTooManyPolicies
		}
		into[path.Join(mount, name)] = text
		return nil
	})
	switch {
	case errors.Is(err, errTooManyPolicies):
		report(dir, "the policies are more than %d files or %d MB", maxPolicyFiles, maxPolicyBytes>>20)
	case errors.Is(err, fs.ErrNotExist):
		report(dir, "the policy directory %s does not exist", dir)
	case err != nil:
		report(dir, "the policy directory %s cannot be read: %v", dir, err)
	case len(p.rego) == before:
		pos, prefix := at(dir)
		problems = append(problems, finding.Finding{
			Rule: "policy/no-rego", Severity: finding.Notice, Message: fmt.Sprintf("%sthe policy directory %s holds no .rego file", prefix, dir), Pos: pos,
		})
	}
	return problems
}

func notRego(pos finding.Pos, format string, args ...any) finding.Finding {
	return finding.Finding{Rule: "policy/rego", Severity: finding.Error, Message: fmt.Sprintf(format, args...), Pos: pos}
}

var errTooManyPolicies = errors.New("too many policies")
