package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/promote"
)

// maxCommits bounds the history that is read.
const maxCommits = 5000

// history adapts git's to the engine's.
type history struct{ *git.History }

func (h history) Versions(name string) ([]promote.Version, bool, error) {
	list, err := h.History.Versions(name)
	out := make([]promote.Version, len(list))
	for i, v := range list {
		out[i] = promote.Version{Seq: v.Seq, Commit: v.Commit, Data: v.Data, Deleted: v.Deleted}
	}
	return out, h.Whole(name), err
}

// outcome is what the engine made of a case.
type outcome struct {
	verdict     verdict
	overwritten []string // of these: values that the source never had
	diff        string   // of the files that the case names, from the person's to the engine's
	others      []string // files that the engine changed besides
	extras      []string // what the engine changed and the person did not
	result      promote.Result
}

// try runs the engine on the parent of a person's commit and compares.
func try(ctx context.Context, repo *git.Repo, c goldCase, newerBuilds bool) (outcome, error) {
	before, err := repo.Tree(ctx, c.Before)
	if err != nil {
		return outcome{}, err
	}
	after, err := repo.Tree(ctx, c.Commit)
	if err != nil {
		return outcome{}, err
	}
	var o outcome
	for _, mv := range c.Moves {
		h, err := repo.History(ctx, c.Before, []string{mv.FromDir, mv.ToDir}, git.Bound{Commits: maxCommits})
		if err != nil {
			return outcome{}, err
		}
		from := promote.Side{Dir: mv.FromDir, Env: environment(mv.FromDir, mv.Files[0].From)}
		to := promote.Side{Dir: mv.ToDir, Env: environment(mv.ToDir, mv.Files[0].To)}
		theirs, err := files(before, mv.FromDir)
		if err != nil {
			return outcome{}, err
		}
		ours, err := files(before, mv.ToDir)
		if err != nil {
			return outcome{}, err
		}
		pairs := promote.PairFiles(from, to, theirs, ours)
		result, err := promote.Merge(promote.Edge{From: from, To: to, Pairs: pairs, NewerBuilds: newerBuilds}, promote.BaseFromHistory(history{h}), ours, theirs)
		if err != nil {
			return outcome{}, err
		}
		person, err := files(after, mv.ToDir)
		if err != nil {
			return outcome{}, err
		}
		var named []string
		for _, f := range mv.Files {
			named = append(named, f.To)
		}
		if err := o.compare(ours, person, result, named, pairs, history{h}); err != nil {
			return outcome{}, err
		}
	}
	return o, nil
}

// environment is what a side's environment is called: the last part of its directory, or of the file's name where both
// sides share a directory.
func environment(dir, file string) string {
	if base := path.Base(dir); base != "overrides" {
		return base
	}
	name, _, _ := strings.Cut(path.Base(file), ".")
	return name
}

func files(tree *git.Tree, dir string) (promote.Files, error) {
	out := promote.Files{}
	err := fs.WalkDir(tree, dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir():
			return err
		case entry.Type() == fs.ModeSymlink:
			target, err := tree.ReadLink(name)
			out[name] = promote.File{Data: []byte(target), Mode: fs.ModeSymlink}
			return err
		case !entry.Type().IsRegular():
			return nil
		}
		data, err := tree.ReadFile(name)
		out[name] = promote.File{Data: data}
		return err
	})
	return out, err
}

func (o outcome) print(w io.Writer, c goldCase, verbose, all bool) {
	fmt.Fprintf(w, "%-9s %s %s %.10s %.70s %v\n", o.verdict, c.Repo, c.Date, c.Commit, c.Subject, c.ReproducibleBy)
	for _, f := range o.result.Findings {
		fmt.Fprintf(w, "    finding: %s\n", f)
	}
	for _, path := range o.overwritten {
		fmt.Fprintf(w, "    overwritten: %s\n", path)
	}
	if all || (verbose && o.verdict != exact) || (!o.verdict.good() && len(c.ReproducibleBy) > 0) || len(o.overwritten) > 0 {
		fmt.Fprint(w, indent(o.diff))
		if len(o.others) > 0 {
			fmt.Fprintf(w, "    and changed besides: %s\n", strings.Join(o.others, " "))
		}
	}
	if !all {
		return
	}
	for _, x := range o.extras {
		fmt.Fprintf(w, "    extra: %s\n", x)
	}
	for _, e := range o.result.Edits {
		fmt.Fprintf(w, "    edit: %s %s\n", e.Action, e.Path)
	}
	for _, x := range o.result.Withheld {
		fmt.Fprintf(w, "    withheld: %s %s: target %.60q source %.60q: %s\n", x.File, x.Path, x.Target, x.Source, x.Why)
	}
	for _, x := range o.result.Conflicts {
		fmt.Fprintf(w, "    conflict: %s:%d %s: base %.60q ours %.60q theirs %.60q: %s\n", x.File, x.Line, x.Path, x.Base, x.Ours, x.Theirs, x.Why)
	}
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if len(line) > 200 {
			line = line[:200] + "…\n"
		}
		b.WriteString("    " + line)
	}
	return b.String()
}

func unified(name, from, to string) string {
	return udiff.Unified("person/"+name, "engine/"+name, from, to)
}

func sortedUnion(a, b promote.Files) []string {
	var out []string
	for name := range a {
		out = append(out, name)
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
