// Bench measures sluice against what people build such checks of today: shell scripts around kustomize, kubeconform and
// conftest, and kustomize alone as the floor. It generates a repository, builds every program from the module versions
// in go.mod, runs all of them on the same machine and prints ratios; then it does the same, with less runs and without what takes
// hours, for a repository ten times as large.
//
//	go run ./internal/bench -write docs/performance.md   # 200 applications in three environments, then 2,000; up to half an hour
//	go run ./internal/bench -scale 0 -runs 1             # 200 only, measured once
//	go run ./internal/bench -scale 0 -only overlay       # some rows only
//
// Run it in the root of the repository, on a machine that has nothing else to do. It needs Linux, git, xargs and sh.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

type options struct {
	apps, scale, runs, sample int
	only                      string
	keep, write               string
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == floorArgument {
		exit(floor(os.Args[2:]))
	}
	var o options
	flag.IntVar(&o.apps, "apps", 200, "applications to generate; each has three overlays")
	flag.IntVar(&o.scale, "scale", 2000, "applications of the large repository; 0 leaves it out")
	flag.IntVar(&o.runs, "runs", 3, "runs of each program over the first repository; the table has medians")
	flag.IntVar(&o.sample, "sample", 30, "overlays that the naive loop is measured on; its figures are multiplied up")
	flag.StringVar(&o.only, "only", "", "measure only the rows whose name holds this text")
	flag.StringVar(&o.keep, "dir", "", "keep programs, repositories and outputs in this directory")
	flag.StringVar(&o.write, "write", "", "write the tables between the markers of this file as well")
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
	first, err := prepare(o, programs, dir, o.apps)
	if err != nil {
		return err
	}
	rows, err := first.measure()
	if err != nil {
		return err
	}
	if err := o.put("benchmark", func(w io.Writer) { first.print(w, rows) }); err != nil || o.scale == 0 {
		return err
	}
	second, err := prepare(o, programs, dir, o.scale)
	if err != nil {
		return err
	}
	second.large = true
	grown, err := second.measure()
	if err != nil {
		return err
	}
	return o.put("growth", func(w io.Writer) { printGrowth(w, first, second, rows, grown) })
}

func prepare(o options, programs *tools, dir string, apps int) (*bench, error) {
	where := filepath.Join(dir, fmt.Sprintf("repository-%d", apps))
	if err := os.RemoveAll(where); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "generating %d applications\n", apps)
	repo, err := generate(where, apps)
	if err != nil {
		return nil, err
	}
	return &bench{options: o, applications: apps, tools: programs, repo: repo, dir: dir}, nil
}

// put prints a table, and writes it where it was asked for.
func (o options) put(name string, print func(io.Writer)) error {
	var table strings.Builder
	print(&table)
	fmt.Println(table.String())
	if o.write == "" {
		return nil
	}
	return replaceBetweenMarkers(o.write, name, table.String())
}
