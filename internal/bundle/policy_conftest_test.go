package bundle_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/bundle"
	"github.com/sluice-dev/sluice/internal/policy"
)

// conftestVersion is the version of the library in go.mod.
const conftestVersion = "v0.71.1"

// conftestBinary builds the conftest program once, into the user's cache.
func conftestBinary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("building conftest takes minutes")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	dir := filepath.Join(cache, "sluice-test", "conftest-"+conftestVersion+"-"+runtime.Version())
	binary := filepath.Join(dir, "conftest")
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	install := exec.CommandContext(t.Context(), "go", "install", "github.com/open-policy-agent/conftest@"+conftestVersion)
	install.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("conftest cannot be built: %v\n%s", err, out)
	}
	return binary
}

// conftestResult is what conftest test --output json gives for a file and namespace.
type conftestResult struct {
	Namespace  string             `json:"namespace"`
	Failures   []conftestMessage  `json:"failures"`
	Warnings   []conftestMessage  `json:"warnings"`
	Exceptions []conftestMetadata `json:"exceptions"`
}

type conftestMessage struct {
	Msg      string           `json:"msg"`
	Metadata conftestMetadata `json:"metadata"`
}

type conftestMetadata struct {
	Query string `json:"query"` // data.main.deny
}

// runConftest gives a line for each failure and warning, and the number of exceptions.
func runConftest(t *testing.T, binary string, files map[string]string, input string, combine bool) (lines []string, exceptions int) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "input.yaml"), []byte(input), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"test", "--all-namespaces", "--output", "json", "--policy", "policies", "input.yaml"}
	if combine {
		args = append(args, "--combine")
	}
	if _, err := os.Stat(filepath.Join(dir, "policies", "data")); err == nil {
		args = append(args, "--data", "policies/data")
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run() // exit code 1 for failures
	var results []conftestResult
	if json.Unmarshal(stdout.Bytes(), &results) != nil {
		t.Fatalf("conftest: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	for _, r := range results {
		for _, m := range r.Failures {
			lines = append(lines, fmt.Sprintf("error %s: %s", m.Metadata.Query, m.Msg))
		}
		for _, m := range r.Warnings {
			lines = append(lines, fmt.Sprintf("warning %s: %s", m.Metadata.Query, m.Msg))
		}
		exceptions += len(r.Exceptions)
	}
	slices.Sort(lines)
	return lines, exceptions
}

// TestAgreesWithConftest holds verdicts and messages to those of the conftest program.
//
// Where sluice differs on purpose, and so the cases keep away from: it keeps integers exact, which conftest turns into
// floating point (9007199254740993 ends in 2 there, and 1234567 prints as 1.234567e+06); keys of mappings
// stay as written (on, yes); a builtin that fails is an error (conftest: with --show-builtin-errors only), and so is a
// result that conftest passes over in silence (deny if …, a number).
func TestAgreesWithConftest(t *testing.T) {
	binary := conftestBinary(t)
	files, err := filepath.Glob(filepath.Join("testdata", "conftest", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	input, err := os.ReadFile(filepath.Join("testdata", "conftest.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range files {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			files := make(map[string]string)
			err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				text, err := os.ReadFile(name)
				rel, _ := filepath.Rel(dir, name)
				files["policies/"+filepath.ToSlash(rel)] = string(text)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			combine := strings.HasPrefix(filepath.Base(dir), "combine")
			want, exceptions := runConftest(t, binary, files, string(input), combine)
			got, gotExceptions := runSluice(t, files, string(input), combine)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-conftest +sluice)\n%s", diff)
			}
			if exceptions != gotExceptions {
				t.Errorf("%d exceptions, conftest has %d", gotExceptions, exceptions)
			}
			t.Logf("%d results, %d exceptions", len(want), exceptions)
		})
	}
}

func runSluice(t *testing.T, files map[string]string, input string, combine bool) (lines []string, exceptions int) {
	t.Helper()
	engine, problems, err := bundle.LoadPolicies(t.Context(), tree(files), []string{"policies"}, nil, policy.Options{Bundles: []string{}, Combine: combine})
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	result, err := engine.Check(t.Context(), objects(t, input))
	if err != nil {
		t.Fatal(err)
	}
	if result.Incomplete {
		t.Errorf("incomplete: %s", result.Findings)
	}
	counting, _ := result.Findings.Split()
	for _, f := range counting {
		parts := strings.Split(f.Rule, "/")
		lines = append(lines, fmt.Sprintf("%s data.%s.%s: %s", f.Severity, parts[1], parts[2], f.Message))
	}
	slices.Sort(lines)
	return lines, len(result.Exceptions)
}
