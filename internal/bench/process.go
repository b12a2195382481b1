package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cost is what one run of a program takes, with all the processes that it starts.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // bytes: the most that all its processes hold at once, shared pages counted once
}

// command is a program to measure.
type command struct {
	dir   string
	path  []string
	args  []string
	codes []int // exit codes that are fine; nil: 0
}

// measure runs a command a number of times and gives the median of wall time and CPU. Memory comes from one more run,
// because looking at it costs time.
func measure(c command, runs int) (cost, error) {
	var wall, cpu []time.Duration
	for range runs {
		once, err := c.run(false)
		if err != nil {
			return cost{}, err
		}
		wall, cpu = append(wall, once.wall), append(cpu, once.cpu)
	}
	watched, err := c.run(true)
	return cost{median(wall), median(cpu), watched.peak}, err
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

func (c command) run(watch bool) (cost, error) {
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "PATH="+strings.Join(append(c.path, os.Getenv("PATH")), ":"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // so that its processes can be told from others
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return cost{}, err
	}
	stop, peak := make(chan struct{}), make(chan int64, 1)
	go func() { peak <- watchMemory(cmd.Process.Pid, watch, stop) }()
	err := cmd.Wait()
	took := time.Since(began)
	close(stop)
	most := <-peak
	if code := cmd.ProcessState.ExitCode(); code != 0 && !slices.Contains(c.codes, code) {
		return cost{}, fmt.Errorf("%s: %w: %s", strings.Join(c.args[:min(4, len(c.args))], " "), err, tail(stderr.String()))
	}
	return cost{took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), most}, nil
}

func tail(text string) string { return text[max(0, len(text)-500):] }

// watchMemory samples the memory of a session until it is told to stop.
func watchMemory(session int, watch bool, stop <-chan struct{}) (most int64) {
	if !watch {
		return 0
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		most = max(most, sessionMemory(session))
		select {
		case <-stop:
			return most
		case <-tick.C:
		}
	}
}

// sessionMemory adds up the proportional set sizes of all processes of a session: pages that several share, such as those
// of the program itself, count once (proc_pid_smaps(5)). A process that was just forked and has not become another program
// yet is its parent, with the same stack at the same place: it counts once too (proc_pid_stat(5)).
func sessionMemory(session int) (sum int64) {
	seen := make(map[string]bool)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		// pid (command) state parent group session …
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 26 || fields[3] != strconv.Itoa(session) || seen[fields[25]] {
			continue
		}
		seen[fields[25]] = fields[25] != "0" // which says that it may not be known
		rollup, err := os.ReadFile(filepath.Join(filepath.Dir(name), "smaps_rollup"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(rollup)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
				kilobytes, _ := strconv.ParseInt(fields[1], 10, 64)
				sum += kilobytes << 10
			}
		}
	}
	return sum
}
