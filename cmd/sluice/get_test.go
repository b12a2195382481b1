package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestGetProgram runs the script with which the action gets its program, against a local server: what does not have the
// checksum that the action's commit names is never run.
func TestGetProgram(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the action runs on Linux and macOS")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here: getting a release is not tested")
	}
	const program = "#!/bin/sh\necho released\n"
	sum := sha256.Sum256([]byte(program))
	name := "sluice_" + runtime.GOOS + "_" + runtime.GOARCH
	good := "version v1.2.3\n" + hex.EncodeToString(sum[:]) + "  " + name + "\n"
	send := func(content string) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, _ *http.Request, _ int) { io.WriteString(w, content) }
	}
	const toSource = ": building it from source"
	tests := []struct {
		name     string
		sums     string // "" for a commit without a release
		serve    func(w http.ResponseWriter, r *http.Request, nth int)
		cached   string // what somebody put into the tool cache
		blocked  bool   // the tool cache cannot be written
		wants    string // what the program prints; "" where there is none
		says     string
		requests int
	}{
		{name: "release", sums: good, serve: send(program), wants: "released", requests: 1},
		{name: "wrong sum", sums: good, serve: send(program + "# changed"), says: "does not have the checksum", requests: 1},
		{name: "truncated", sums: good, serve: send(program[:10]), says: "does not have the checksum", requests: 1},
		{name: "nothing", sums: good, serve: send(""), says: "does not have the checksum", requests: 1},
		{name: "release is gone", sums: good, serve: func(w http.ResponseWriter, r *http.Request, _ int) { http.NotFound(w, r) }, wants: "built", says: toSource, requests: 1},
		{name: "the connection breaks", sums: good, serve: func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, program) // the rest never comes
		}, wants: "built", says: toSource, requests: 1},
		{name: "a server that fails once", sums: good, serve: func(w http.ResponseWriter, _ *http.Request, nth int) {
			if nth == 1 {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			io.WriteString(w, program)
		}, wants: "released", requests: 2},
		{name: "slow", sums: good, serve: func(w http.ResponseWriter, _ *http.Request, _ int) {
			for _, part := range strings.SplitAfter(program, "o") {
				io.WriteString(w, part)
				http.NewResponseController(w).Flush()
				time.Sleep(300 * time.Millisecond)
			}
		}, wants: "released", requests: 1},
		{name: "stalled", sums: good, serve: func(w http.ResponseWriter, r *http.Request, _ int) {
			io.WriteString(w, program[:10])
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, wants: "built", says: toSource, requests: 4},
		{name: "another program in the tool cache", sums: good, serve: send(program), cached: "#!/bin/sh\necho planted\n", wants: "released", requests: 1},
		{name: "a tool cache that cannot be written", sums: good, serve: send(program), blocked: true, wants: "released", requests: 1},
		{name: "a tool cache that cannot be written, and no release", serve: send(program), blocked: true, wants: "built"},
		{name: "no release for this commit", serve: send(program), wants: "built"},
		{name: "no release for this platform", sums: "version v1.2.3\n" + strings.Repeat("0", 64) + "  sluice_plan9_arm\n", serve: send(program), wants: "built"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				nth := requests.Add(1)
				if r.URL.Path != "/v1.2.3/"+name {
					t.Errorf("asked for %s", r.URL.Path)
				}
				test.serve(w, r, int(nth))
			}))
			defer server.Close()
			dir := t.TempDir()
			write := func(name, content string) string {
				file := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
					t.Fatal(err)
				}
				return file
			}
			// Building the real program takes too long here: this stands for Go, which finds -o in its arguments.
			write("go", "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\nprintf '#!/bin/sh\\necho built\\n' >\"$2\"\nchmod 755 \"$2\"\n")
			output := write("output", "")
			sums := filepath.Join(dir, "absent")
			if test.sums != "" {
				sums = write("checksums.txt", test.sums)
			}
			if test.cached != "" {
				write("tools/sluice/"+hex.EncodeToString(sum[:])+"/sluice", test.cached)
			}
			if test.blocked {
				write("tools/sluice", "") // not by permissions: root has them all
			}
			run := func() string {
				cmd := exec.Command("sh", filepath.Join("..", "..", ".github", "action", "get.sh"))
				cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "GITHUB_OUTPUT="+output,
					"RUNNER_TOOL_CACHE="+filepath.Join(dir, "tools"), "RUNNER_TEMP="+filepath.Join(dir, "temp"), "SLUICE_CHECKSUMS="+sums,
					"SLUICE_RELEASES="+server.URL, "SLUICE_STALL=1")
				out, err := cmd.CombinedOutput()
				if (err == nil) != (test.wants != "") {
					t.Errorf("%v\n%s", err, out)
				}
				return string(out)
			}
			if said := run(); !strings.Contains(said, test.says) {
				t.Errorf("it said %q, want %q", said, test.says)
			}
			path, found := strings.CutPrefix(strings.TrimSpace(readFile(t, output)), "program=")
			if found != (test.wants != "") {
				t.Fatalf("output: %q", path)
			}
			if requests := int(requests.Load()); requests != test.requests {
				t.Errorf("%d requests, want %d", requests, test.requests)
			}
			if !found {
				return
			}
			out, err := exec.Command(path).Output()
			if err != nil || strings.TrimSpace(string(out)) != test.wants {
				t.Errorf("the program printed %q, %v, want %q", out, err, test.wants)
			}
			if test.wants == "built" && !strings.HasPrefix(path, filepath.Join(dir, "temp")+"/") {
				t.Errorf("what was built stays on the runner: %s", path)
			}

			if test.says == toSource {
				return // the next step asks again
			}
			// Two other steps, at once: they find what is there, or build it again in the same place.
			if err := os.Truncate(output, 0); err != nil {
				t.Fatal(err)
			}
			var steps sync.WaitGroup
			for range 2 {
				steps.Go(func() { run() })
			}
			steps.Wait()
			if again := readFile(t, output); again != strings.Repeat("program="+path+"\n", 2) {
				t.Errorf("other steps got %q, want %s", again, path)
			}
			if requests := int(requests.Load()); test.wants == "released" && requests != test.requests {
				t.Errorf("%d requests for three steps, want %d", requests, test.requests)
			}
		})
	}
}

// TestGetProgramAtOnce has the jobs of several runners fill one tool cache at the same time, where somebody has left half a program.
func TestGetProgramAtOnce(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here: getting a release is not tested")
	}
	const program = "#!/bin/sh\necho released\n"
	sum := sha256.Sum256([]byte(program))
	var waiting sync.WaitGroup
	waiting.Add(3)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		waiting.Done()
		waiting.Wait() // until all have found the cache without it
		io.WriteString(w, program)
	}))
	defer server.Close()
	dir := t.TempDir()
	writeTo(t, dir, "checksums.txt", "version v1.2.3\n"+hex.EncodeToString(sum[:])+"  sluice_"+runtime.GOOS+"_"+runtime.GOARCH+"\n")
	writeTo(t, dir, "tools/sluice/"+hex.EncodeToString(sum[:])+"/sluice", program) // which nobody may execute
	var runners sync.WaitGroup
	for i := range 3 {
		runners.Go(func() {
			output := filepath.Join(dir, "output"+strconv.Itoa(i))
			cmd := exec.Command("sh", filepath.Join("..", "..", ".github", "action", "get.sh"))
			cmd.Env = append(os.Environ(), "GITHUB_OUTPUT="+output, "RUNNER_TOOL_CACHE="+filepath.Join(dir, "tools"),
				"RUNNER_TEMP="+filepath.Join(dir, "temp"+strconv.Itoa(i)), "SLUICE_CHECKSUMS="+filepath.Join(dir, "checksums.txt"), "SLUICE_RELEASES="+server.URL)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
				return
			}
			path := strings.TrimPrefix(strings.TrimSpace(readFile(t, output)), "program=")
			if out, err := exec.Command(path).Output(); err != nil || string(out) != "released\n" {
				t.Errorf("%s printed %q, %v", path, out, err)
			}
		})
	}
	runners.Wait()
	if left, err := filepath.Glob(filepath.Join(dir, "tools", "sluice", "*", "*")); err != nil || len(left) != 1 {
		t.Errorf("left are %q, %v", left, err)
	}
}
