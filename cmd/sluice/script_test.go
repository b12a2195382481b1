package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sluice-dev/sluice/internal/rehearse"
	"github.com/sluice-dev/sluice/internal/render"
	"github.com/sluice-dev/sluice/testdata"
)

var update = flag.Bool("update", false, "write the expected output of scripts anew")

func TestMain(m *testing.M) {
	if render.IsWorker(os.Args) { // the program re-executes itself, and here it is the test binary
		os.Exit(run())
	}
	testscript.Main(m, map[string]func(){"sluice": main})
}

// TestScript runs the program as a user does: each file of testdata/script is a repository and what is typed in it.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, gitEnvironment...)
			env.Setenv("HOME", env.WorkDir)
			if assets, err := rehearse.FindAssets("1.37"); err == nil {
				env.Setenv("KUBEBUILDER_ASSETS", assets)
			}
			return nil
		},
		Condition: func(condition string) (bool, error) {
			if condition != "kube" {
				return false, fmt.Errorf("unknown condition %q", condition)
			}
			_, err := rehearse.FindAssets("1.37")
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"commit": commit,
			"code":   code,
			"sample": sample,
			"bulk":   bulk,
			"damage": damage,
		},
	})
}

// gitEnvironment makes commits that are the same in every run.
var gitEnvironment = []string{
	"GIT_AUTHOR_NAME=Author", "GIT_AUTHOR_EMAIL=author@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
	"GIT_COMMITTER_NAME=Author", "GIT_COMMITTER_EMAIL=author@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
	"GIT_CONFIG_NOSYSTEM=1",
}

// commit [BRANCH] commits all files of the current directory, on a new branch if one is named.
func commit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: commit [branch]")
	}
	if _, err := os.Stat(ts.MkAbs(".git")); err != nil {
		ts.Check(ts.Exec("git", "init", "--quiet", "--initial-branch=main"))
	}
	if len(args) == 1 {
		ts.Check(ts.Exec("git", "checkout", "--quiet", "-b", args[0]))
	}
	ts.Check(ts.Exec("git", "add", "--all"))
	ts.Check(ts.Exec("git", "commit", "--quiet", "--allow-empty", "--message=a change"))
}

// code N COMMAND... runs a command and demands its exit code.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// sample before|change writes the sample repository, or the pull request to it, into the current directory.
func sample(ts *testscript.TestScript, neg bool, args []string) {
	files := testdata.Before()
	if len(args) == 1 && args[0] == "change" {
		files = testdata.Change()
	}
	ts.Check(fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		file := ts.MkAbs(filepath.FromSlash(name))
		if err != nil || entry.IsDir() {
			return errors.Join(err, os.MkdirAll(file, 0o755))
		}
		data, err := fs.ReadFile(files, name)
		return errors.Join(err, os.WriteFile(file, data, 0o644))
	}))
}

// bulk FILE BYTES writes a ConfigMap with that much data.
func bulk(ts *testscript.TestScript, neg bool, args []string) {
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b bytes.Buffer
	b.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bulk\ndata:\n")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "  key-%d: %q\n", i, strings.Repeat("x", 200))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o644))
}

// damage DIR cuts every file below a directory short.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	damaged := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		damaged++
		return os.Truncate(name, 60)
	}))
	if neg || damaged == 0 {
		ts.Fatalf("usage: damage DIR, with files in it")
	}
}
