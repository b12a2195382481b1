package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
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
	tests := []struct {
		name     string
		sums     string // "" for a commit without a release
		serve    string // "" for 404
		wants    string // what the program prints; "" where there is none
		says     string
		requests int
	}{
		{"release", good, program, "released", "", 1},
		{"wrong sum", good, program + "# changed", "", "does not have the checksum", 1},
		{"truncated", good, program[:10], "", "does not have the checksum", 1},
		{"release is gone", good, "", "built", "could not be downloaded: building it from source", 1},
		{"no release for this commit", "", program, "built", "", 0},
		{"no release for this platform", "version v1.2.3\n" + strings.Repeat("0", 64) + "  sluice_plan9_arm\n", program, "built", "", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				if test.serve == "" || r.URL.Path != "/v1.2.3/"+name {
					http.NotFound(w, r)
					return
				}
				w.Write([]byte(test.serve))
			}))
			defer server.Close()
			dir := t.TempDir()
			write := func(name, content string) string {
				file := filepath.Join(dir, name)
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
			run := func() string {
				cmd := exec.Command("sh", filepath.Join("..", "..", ".github", "action", "get.sh"))
				cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "GITHUB_OUTPUT="+output,
					"RUNNER_TOOL_CACHE="+filepath.Join(dir, "tools"), "SLUICE_CHECKSUMS="+sums, "SLUICE_RELEASES="+server.URL)
				out, err := cmd.CombinedOutput()
				if (err == nil) != (test.wants != "") {
					t.Fatalf("%v\n%s", err, out)
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
			if requests != test.requests {
				t.Errorf("%d requests, want %d", requests, test.requests)
			}
			if !found {
				return
			}
			out, err := exec.Command(path).Output()
			if err != nil || strings.TrimSpace(string(out)) != test.wants {
				t.Errorf("the program printed %q, %v, want %q", out, err, test.wants)
			}
			if test.name == "release" {
				run()
				if requests != 1 {
					t.Error("the tool cache was not used")
				}
			}
		})
	}
}
