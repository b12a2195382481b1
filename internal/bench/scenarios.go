package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// bench is one run of the benchmark.
type bench struct {
	options
	tools *tools
	repo  *repository
	dir   string
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
	all    bool // look at every target, not just those that the change reaches
	cached bool // with a cache that the run before has filled
}

var scenarios = []scenario{
	{name: "every overlay, cold", branch: "one-overlay", all: true},
	{name: "every overlay, warm", branch: "one-overlay", all: true, cached: true},
	{name: "a base that every overlay shares", branch: "shared-base"},
	{name: "a base that three overlays share", branch: "one-base"},
	{name: "one overlay", branch: "one-overlay"},
	{name: "one overlay, warm", branch: "one-overlay", cached: true},
	{name: "nothing affected", branch: "nothing"},
}

// The rows of the alternatives.
const (
	naiveRow   = "naive shell loop"
	carefulRow = "careful shell script"
	knownRow   = "shell, by one who knows the overlay"
	floorRow   = "kustomize alone, in one process"
)

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
	sample := min(b.sample, len(b.repo.overlays))
	err := add(naiveRow, fmt.Sprintf("measured on %d overlays, multiplied up", sample), false, func() (cost, error) {
		c, err := b.shell(naive, b.repo.overlays[:sample]).run(true) // looking at memory is nothing beside its time
		factor := float64(len(b.repo.overlays)) / float64(sample)
		c.wall, c.cpu = times(c.wall, factor), times(c.cpu, factor)
		return c, err
	})
	if err == nil {
		err = add(carefulRow, "", false, func() (cost, error) { return measure(b.shell(careful, b.repo.overlays), b.runs) })
	}
	if err == nil {
		err = add(knownRow, "no comparison with base", false, func() (cost, error) { return measure(b.shell(careful, b.repo.overlays[2:3]), b.runs) })
	}
	if err == nil {
		err = add(floorRow, "no checks, no comparison", false, func() (cost, error) { return measure(b.floor(), b.runs) })
	}
	cache := filepath.Join(b.dir, "cache")
	for _, s := range scenarios {
		if err != nil {
			return nil, err
		}
		if s.cached && !b.hasCache() {
			continue
		}
		err = add(s.name, "", true, func() (cost, error) { return b.sluice(s, cache) })
	}
	return rows, err
}

func times(d time.Duration, factor float64) time.Duration { return time.Duration(float64(d) * factor) }

// hasCache reports whether sluice has a result cache yet.
func (b *bench) hasCache() bool {
	out, _ := exec.Command(filepath.Join(b.tools.bin, "sluice"), "check", "--help").Output()
	return strings.Contains(string(out), "--cache")
}

func (b *bench) sluice(s scenario, cache string) (cost, error) {
	out := filepath.Join(b.dir, "out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return cost{}, err
	}
	args := []string{
		filepath.Join(b.tools.bin, "sluice"), "check", "--base", "main", "--head", s.branch,
		"--output", "markdown=" + filepath.Join(out, "comment.md"), "--output", "json=" + filepath.Join(out, "report.json"),
	}
	if s.all {
		args = append(args, "--all")
	}
	c := command{dir: b.repo.dir, args: args}
	if s.cached {
		c.args = append(c.args, "--cache", cache)
		if _, err := c.run(false); err != nil { // fills it
			return cost{}, err
		}
	}
	return measure(c, b.runs)
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
