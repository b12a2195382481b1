// Goldbench runs the promotion engine on promotions that people made, and says how its results compare with theirs.
//
//	go run ./internal/promote/goldbench [-v] [-newer-builds] [-case COMMIT] [GOLD]
//
// GOLD is a directory with cases.json and git bundles; the default is ../shared/gold. Each case is a commit that put into a
// higher environment what a lower one had. The engine gets the parent commit and the two directories, with the history of
// both, and nothing else. The verdicts: exact (same bytes, nothing else changed), same (same values), more (the person's
// change, and more that was behind), less, different.
//
// Of the 121 cases marked reproducible 114 are good, and no value of a target's own is overwritten in any of the 200. In the other seven the target
// has a value that its source never had, in no commit, file or form of the repository:
//
//	4c602801f6, e648d7b8cd, 3823572c5c   both sides left a common build, the target first, by a build of its own: a conflict
//	a96361293f                           the same with a hotfix: 1.26.7.cms1, then cms2 in the target and 1.26.8 in the source
//	ab0f82c354, 34956a823f               the target is on releases, or builds, of its own, and comes back to the source's
//	11a5dfd712                           a number of replicas that the target owns, set to what the source happens to have
//
// The history alone does not settle them: with -newer-builds four are good, and nine values are overwritten that people kept. dhstore, of the same
// repository, has the history of the first three in June 2023; there the target's build was an experiment, and stayed.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sort"
	"text/tabwriter"

	"github.com/sluice-dev/sluice/internal/git"
)

// goldCase is one entry of cases.json.
type goldCase struct {
	Repo, Commit, Before, Date, Subject string
	ReproducibleBy                      []string `json:"reproducible_by"`
	Moves                               []move
}

type move struct {
	FromDir string `json:"from_dir"`
	ToDir   string `json:"to_dir"`
	Files   []struct{ From, To, Status string }
}

func main() {
	verbose := flag.Bool("v", false, "print the difference of each case that is not exact, not only of those that are not good")
	only := flag.String("case", "", "run only the case of this commit (a prefix of its id), and print all of it")
	builds := flag.Bool("newer-builds", false, "let a newer build of the source replace an older one that the source never had")
	flag.Parse()
	dir := flag.Arg(0)
	if dir == "" {
		dir = filepath.Join("..", "shared", "gold")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, dir, *only, *verbose, *builds, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "goldbench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir, only string, verbose, newerBuilds bool, w io.Writer) error {
	cases, err := readCases(dir)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "goldbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	repos := map[string]*git.Repo{}
	totals := map[string]*total{}
	for _, c := range cases {
		if only != "" && (len(c.Commit) < len(only) || c.Commit[:len(only)] != only) {
			continue
		}
		if repos[c.Repo] == nil {
			if repos[c.Repo], err = clone(ctx, filepath.Join(dir, c.Repo+".bundle"), filepath.Join(scratch, c.Repo)); err != nil {
				return err
			}
			defer repos[c.Repo].Close()
		}
		o, err := try(ctx, repos[c.Repo], c, newerBuilds)
		if err != nil {
			return fmt.Errorf("%s %s: %w", c.Repo, c.Commit, err)
		}
		o.print(w, c, verbose, only != "")
		if totals[c.Repo] == nil {
			totals[c.Repo] = &total{count: map[verdict]int{}}
		}
		totals[c.Repo].add(c, o)
	}
	printTotals(w, totals)
	return nil
}

func readCases(dir string) ([]goldCase, error) {
	data, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	if err != nil {
		return nil, err
	}
	var cases []goldCase
	if err := json.Unmarshal(data, &cases); err != nil {
		return nil, fmt.Errorf("cases.json: %w", err)
	}
	return cases, nil
}

func clone(ctx context.Context, bundle, dir string) (*git.Repo, error) {
	if out, err := exec.CommandContext(ctx, "git", "clone", "--quiet", "--bare", bundle, dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("clone %s: %w: %s", bundle, err, out)
	}
	return git.Open(ctx, dir, git.Options{})
}

// total are the figures of one repository.
type total struct {
	count            map[verdict]int
	cases            int
	known, knownGood int // those marked reproducible
	overwritten      int
}

func (t *total) add(c goldCase, o outcome) {
	t.cases++
	t.count[o.verdict]++
	t.overwritten += len(o.overwritten)
	if len(c.ReproducibleBy) > 0 {
		t.known++
		if o.verdict.good() {
			t.knownGood++
		}
	}
}

func printTotals(w io.Writer, totals map[string]*total) {
	names := make([]string, 0, len(totals))
	for name := range totals {
		names = append(names, name)
	}
	sort.Strings(names)
	all := &total{count: map[verdict]int{}}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\nrepository\tcases\texact\tsame\tmore\tless\tdifferent\treproducible\tgood of these\toverwritten")
	row := func(name string, t *total) {
		percent := 100.0
		if t.known > 0 {
			percent = 100 * float64(t.knownGood) / float64(t.known)
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d = %.1f %%\t%d\n", name, t.cases,
			t.count[exact], t.count[same], t.count[more], t.count[less], t.count[different], t.known, t.knownGood, percent, t.overwritten)
	}
	for _, name := range names {
		t := totals[name]
		row(name, t)
		all.cases, all.known, all.knownGood, all.overwritten = all.cases+t.cases, all.known+t.known, all.knownGood+t.knownGood, all.overwritten+t.overwritten
		for v, n := range t.count {
			all.count[v] += n
		}
	}
	row("all", all)
	tw.Flush()
}
