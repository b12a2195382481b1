package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// bench measures over one repository.
type bench struct {
	options
	applications int
	large        bool // each row is measured once, and the scripts on a part only
	tools        *tools
	repo         *repository
	dir          string
}

// row is one line of the table.
type row struct {
	name string
	cost cost
	note string
	ours bool
}

// scenario is what sluice is asked to do. Everything is switched on: schemas, policies, difference, comment, JSON.
type scenario struct {
	name   string
	branch string
	all    bool   // look at every target, not just those that the change reaches
	filled string // with a cache that a run over this branch has filled; "" is none
	costly bool   // left out where the repository is large
}

var scenarios = []scenario{
	{name: "every overlay, cold", branch: "one-overlay", all: true},
	{name: "every overlay, the next commit, with a cache", branch: "next", all: true, filled: "one-overlay"},
	{name: "a base that every overlay shares", branch: "shared-base", costly: true},
	{name: "a base that three overlays share", branch: "one-base"},
	{name: "one overlay", branch: "one-overlay"},
	{name: "one overlay, the next commit, with a cache", branch: "next", filled: "one-overlay"},
	{name: "one overlay, the same again, with a cache", branch: "one-overlay", filled: "one-overlay"},
	{name: "nothing affected", branch: "nothing"},
}

// The rows of the alternatives.
const (
	naiveRow   = "naive shell loop"
	carefulRow = "careful shell script"
	knownRow   = "shell, by one who knows the overlay"
	floorRow   = "kustomize alone, in one process"
)

// carefulSample is how many overlays of a large repository the careful script is measured on.
const carefulSample = 300

func (b *bench) measure() ([]row, error) {
	var rows []row
	add := func(name, note string, ours bool, get func() (cost, error)) error {
		if !strings.Contains(name, b.only) {
			return nil
		}
		fmt.Fprintf(os.Stderr, "measuring: %s\n", name)
		measured, err := get()
		rows = append(rows, row{name, measured, note, ours})
		return err
	}
	part := func(script string, sample int) func() (cost, error) {
		return func() (cost, error) {
			c, err := b.shell(script, b.repo.overlays[:sample]).run(true) // looking at memory is nothing beside its time
			factor := float64(len(b.repo.overlays)) / float64(sample)
			c.wall, c.cpu = times(c.wall, factor), times(c.cpu, factor)
			return c, err
		}
	}
	multiplied := func(sample int) string { return fmt.Sprintf("measured on %d overlays, multiplied up", sample) }
	var err error
	if b.large {
		sample := min(carefulSample, len(b.repo.overlays))
		err = add(carefulRow, multiplied(sample), false, part(careful, sample))
	} else {
		sample := min(b.sample, len(b.repo.overlays))
		err = add(naiveRow, multiplied(sample), false, part(naive, sample))
		if err == nil {
			err = add(carefulRow, "", false, func() (cost, error) { return b.cost(b.shell(careful, b.repo.overlays)) })
		}
		if err == nil {
			err = add(knownRow, "no comparison with base", false, func() (cost, error) { return b.cost(b.shell(careful, b.repo.overlays[2:3])) })
		}
	}
	if err == nil {
		err = add(floorRow, "no checks, no comparison", false, func() (cost, error) { return b.cost(b.floor()) })
	}
	for _, s := range scenarios {
		if err != nil {
			return nil, err
		}
		if s.costly && b.large {
			continue
		}
		err = add(s.name, "", true, func() (cost, error) { return b.sluice(s) })
	}
	return rows, err
}

// cost runs a command as often as it takes: once where the repository is large.
func (b *bench) cost(c command) (cost, error) {
	if b.large {
		return c.run(true)
	}
	return measure(c, b.runs)
}

func times(d time.Duration, factor float64) time.Duration { return time.Duration(float64(d) * factor) }

func (b *bench) sluice(s scenario) (cost, error) {
	out := filepath.Join(b.dir, "out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return cost{}, err
	}
	check := func(branch, cache string) command {
		args := []string{
			filepath.Join(b.tools.bin, "sluice"), "check", "--base", "main", "--head", branch,
			"--output", "markdown=" + filepath.Join(out, "comment.md"), "--output", "json=" + filepath.Join(out, "report.json"),
		}
		if s.all {
			args = append(args, "--all")
		}
		if cache != "" {
			args = append(args, "--cache", cache)
		}
		return command{dir: b.repo.dir, args: args}
	}
	if s.filled == "" {
		return b.cost(check(s.branch, ""))
	}
	return b.cached(check, s)
}

// cached measures a run with the cache that another one has left: each time a fresh copy of it.
func (b *bench) cached(check func(branch, cache string) command, s scenario) (cost, error) {
	filled, used := filepath.Join(b.dir, "cache-filled"), filepath.Join(b.dir, "cache")
	if err := os.RemoveAll(filled); err != nil {
		return cost{}, err
	}
	if _, err := check(s.filled, filled).run(false); err != nil {
		return cost{}, err
	}
	var wall, cpu []time.Duration
	var peak int64
	for i := range b.runs + 1 {
		if err := os.RemoveAll(used); err != nil {
			return cost{}, err
		}
		if err := os.CopyFS(used, os.DirFS(filled)); err != nil {
			return cost{}, err
		}
		once, err := check(s.branch, used).run(b.large || i == b.runs)
		if err != nil || b.large {
			return once, err
		}
		if peak = max(peak, once.peak); i < b.runs {
			wall, cpu = append(wall, once.wall), append(cpu, once.cpu)
		}
	}
	return cost{median(wall), median(cpu), peak}, nil
}

// The shell scripts. Both render as sluice does: files anywhere in the repository. $1 is the directory of the outputs, $2
// kubeconform's schemas, $3 conftest's policies, $4 how many processes; the overlays come on standard input.
const (
	naive = `status=0
while read -r overlay; do
  kustomize build --load-restrictor LoadRestrictionsNone "$overlay" > "$1/manifest.yaml" || status=1
  kubeconform -strict -schema-location "$2" "$1/manifest.yaml" || status=1
  conftest test --policy "$3" --all-namespaces "$1/manifest.yaml" || status=1
done
exit $status`
	careful = `status=0
xargs -P "$4" -I '{}' sh -c 'kustomize build --load-restrictor LoadRestrictionsNone "$1" > "$2/$(echo "$1" | tr / _).yaml"' sh '{}' "$1" || status=1
kubeconform -strict -n "$4" -schema-location "$2" "$1" || status=1
conftest test --policy "$3" --all-namespaces "$1" || status=1
exit $status`
)

// shell gives a script over overlays, with empty outputs at each run.
func (b *bench) shell(script string, overlays []string) command {
	out := filepath.Join(b.dir, "manifests")
	list := filepath.Join(b.dir, "overlays")
	if err := os.WriteFile(list, []byte(strings.Join(overlays, "\n")+"\n"), 0o644); err != nil {
		return command{args: []string{"false"}}
	}
	prepare := fmt.Sprintf("rm -rf %q && mkdir -p %q && exec < %q > /dev/null\n", out, out, list)
	return command{
		dir: b.repo.dir, path: []string{b.tools.bin}, codes: []int{1},
		args: []string{"sh", "-c", prepare + script, "sh", out, b.tools.schemas, b.tools.policies, fmt.Sprint(runtime.NumCPU())},
	}
}

func (b *bench) floor() command {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return command{dir: b.repo.dir, args: append([]string{self, floorArgument}, b.repo.overlays...)}
}
