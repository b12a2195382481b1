package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// print writes the table in Markdown: each row with its ratio to the careful script in time, and to the floor in CPU.
func (b *bench) print(w io.Writer, rows []row) {
	fmt.Fprintf(w, "%d applications in %d environments: %d overlays, %d objects. %s.\n%s; %s. Medians of %s.\n\n",
		b.applications, len(environments), len(b.repo.overlays), 8*len(b.repo.overlays), machine(),
		strings.Join(b.tools.versions, ", "), time.Now().UTC().Format("2 January 2006"), count(b.runs, "run"))
	fmt.Fprintln(w, "| | time | CPU | memory | times as fast as the careful script | CPU against kustomize alone | |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|---|")
	careful, floor := find(rows, carefulRow), find(rows, floorRow)
	for _, r := range rows {
		name := r.name
		if r.ours {
			name = "**sluice**: " + name
		}
		fmt.Fprintf(w, "| %s | %s | %s | %d MB | %s | %s | %s |\n", name, seconds(r.cost.wall), seconds(r.cost.cpu), r.cost.peak/1e6,
			ratio(careful.cost.wall, r.cost.wall), ratio(r.cost.cpu, floor.cost.cpu), r.note)
	}
}

// printGrowth compares two repositories, the second of which is larger.
func printGrowth(w io.Writer, first, second *bench, small, large []row) {
	n, m := len(first.repo.overlays), len(second.repo.overlays)
	fmt.Fprintf(w, "%d overlays against %d, %.0f times as many. Each row of the larger repository was measured once.\n\n", m, n, float64(m)/float64(n))
	fmt.Fprintf(w, "| | time, %d | time, %d | times as long | CPU, %d | CPU, %d | times as much | memory, %d | memory, %d | |\n", n, m, n, m, n, m)
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|")
	for _, r := range large {
		before := find(small, r.name)
		name := r.name
		if r.ours {
			name = "**sluice**: " + name
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %d MB | %d MB | %s |\n", name, seconds(before.cost.wall), seconds(r.cost.wall),
			ratio(r.cost.wall, before.cost.wall), seconds(before.cost.cpu), seconds(r.cost.cpu), ratio(r.cost.cpu, before.cost.cpu),
			before.cost.peak/1e6, r.cost.peak/1e6, r.note)
	}
	careful, floor := find(large, carefulRow), find(large, floorRow)
	all, one := find(large, scenarios[0].name), find(large, "one overlay")
	fmt.Fprintf(w, "\nAt %d overlays, sluice is %s times as fast as the careful script for every overlay, %s times for one, and takes %s times the CPU of kustomize alone.\n",
		m, ratio(careful.cost.wall, all.cost.wall), ratio(careful.cost.wall, one.cost.wall), ratio(all.cost.cpu, floor.cost.cpu))
}

func find(rows []row, name string) row {
	for _, r := range rows {
		if r.name == name {
			return r
		}
	}
	return row{}
}

func ratio(a, b time.Duration) string {
	if a == 0 || b == 0 {
		return ""
	}
	r := float64(a) / float64(b)
	switch {
	case r >= 100:
		return fmt.Sprintf("%.0f", r)
	case r >= 10:
		return fmt.Sprintf("%.1f", r)
	default:
		return fmt.Sprintf("%.2f", r)
	}
}

func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.3f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// machine says what this was measured on.
func machine() string {
	name := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				name = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %s, %s", runtime.GOOS, name, count(runtime.NumCPU(), "core"))
}

// replaceBetweenMarkers writes text between the comments "<!-- NAME -->" and "<!-- end NAME -->" of a file.
func replaceBetweenMarkers(file, name, text string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(data, []byte("<!-- "+name+" -->\n"))
	_, after, closed := bytes.Cut(rest, []byte("<!-- end "+name+" -->\n"))
	if !ok || !closed {
		return fmt.Errorf("%s has no markers <!-- %s --> and <!-- end %s -->", file, name, name)
	}
	out := fmt.Sprintf("%s<!-- %s -->\n%s<!-- end %s -->\n%s", before, name, text, name, after)
	return os.WriteFile(file, []byte(out), 0o644)
}
