// Bench measures sluice against what people build such checks of today: shell scripts around kustomize, kubeconform and
// conftest, and kustomize alone as the floor. It generates a repository, builds every program from the module versions
// in go.mod, runs all of them on the same machine and prints ratios.
//
//	go run ./internal/bench                          # 200 applications in three environments
//	go run ./internal/bench -apps 2000 -runs 1       # scale
//	go run ./internal/bench -write docs/performance.md
//
// Run it in the root of the repository. It needs Linux, git, xargs and sh.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

type options struct {
	apps, runs, sample int
	only               string
	keep, write        string
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == floorArgument {
		exit(floor(os.Args[2:]))
	}
	var o options
	flag.IntVar(&o.apps, "apps", 200, "applications to generate; each has three overlays")
	flag.IntVar(&o.runs, "runs", 3, "runs of each program; the table has medians")
	flag.IntVar(&o.sample, "sample", 30, "overlays that the naive loop is measured on; its figures are multiplied up")
	flag.StringVar(&o.only, "only", "", "measure only the rows whose name holds this text")
	flag.StringVar(&o.keep, "dir", "", "keep programs, repository and outputs in this directory")
	flag.StringVar(&o.write, "write", "", "write the table between the markers of this file as well")
	flag.Parse()
	exit(run(o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(o options) error {
	dir := o.keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "sluice-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "building the programs")
	programs, err := install(dir)
	if err != nil {
		return err
	}
	where := filepath.Join(dir, fmt.Sprintf("repository-%d", o.apps))
	if err := os.RemoveAll(where); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "generating %d applications\n", o.apps)
	repo, err := generate(where, o.apps)
	if err != nil {
		return err
	}
	b := &bench{options: o, tools: programs, repo: repo, dir: dir}
	rows, err := b.measure()
	if err != nil {
		return err
	}
	var table strings.Builder
	b.print(&table, rows)
	fmt.Print(table.String())
	if o.write == "" {
		return nil
	}
	return replaceBetweenMarkers(o.write, fmt.Sprintf("benchmark %d", o.apps), table.String())
}
