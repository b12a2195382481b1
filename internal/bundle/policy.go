package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	conftest "github.com/open-policy-agent/conftest/policy"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/policy"
)

// Bounds of a repository's policies.
const (
	maxPolicyFiles = 2_000
	maxPolicyBytes = 16 << 20 // all files together
	maxCompile     = 30 * time.Second
)

// LoadPolicies makes the policy engine: the built-in policies, and those of the repository in the directories dirs of
// the tree repo (nil: none). Every *.rego file below a directory counts but tests (*_test.rego); the YAML and JSON
// files of its subdirectory "data" are data, as conftest --data loads them. What is wrong with the repository's Rego is
// in the findings, all of it; the engine then has the built-in policies only, so a caller must not call such a run
// complete. The error is for what broke here: a disk that is full.
func LoadPolicies(ctx context.Context, repo fs.FS, dirs []string, opts policy.Options) (*policy.Engine, finding.List, error) {
	builtin, err := policy.Builtin()
	if err != nil {
		return nil, nil, err
	}
	sets := []*policy.Set{builtin}
	var problems finding.List
	if repo != nil && len(dirs) > 0 {
		own, found, err := loadRepositoryPolicies(ctx, repo, dirs)
		if err != nil {
			return nil, nil, fmt.Errorf("load policies: %w", err)
		}
		problems = append(problems, found...)
		if own != nil {
			sets = append(sets, own)
		}
	}
	engine, found, err := policy.New(ctx, opts, sets...)
	if err != nil {
		return nil, nil, err
	}
	if worst, _ := problems.Worst(); worst == finding.Error {
		return engine, problems, nil // what of the options matches no rule may be for those that are missing
	}
	return engine, append(problems, found...), nil
}

// loadRepositoryPolicies copies the Rego to a private directory, because conftest's loader reads files, and compiles it.
func loadRepositoryPolicies(ctx context.Context, repo fs.FS, dirs []string) (*policy.Set, finding.List, error) {
	files, problems := readPolicies(repo, dirs)
	if worst, _ := problems.Worst(); worst == finding.Error || len(files.rego) == 0 {
		return nil, problems, nil
	}
	root, err := os.MkdirTemp("", "sluice-policy-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(root)
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, nil, err
	}
	for _, group := range []map[string][]byte{files.rego, files.data} {
		for name, text := range group {
			target := filepath.Join(root, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
				return nil, nil, err
			}
			if err := os.WriteFile(target, text, 0o600); err != nil {
				return nil, nil, err
			}
		}
	}
	var dataDirs []string
	for _, dir := range files.dataDirs {
		dataDirs = append(dataDirs, filepath.Join(root, filepath.FromSlash(dir)))
	}
	var regoFiles []string
	for name := range files.rego {
		regoFiles = append(regoFiles, filepath.Join(root, filepath.FromSlash(name)))
	}
	engine, err := compile(ctx, regoFiles, dataDirs)
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case err != nil:
		return nil, append(problems, policy.Explain(err, root)...), nil
	}
	return policy.NewSet(policy.Compiled{Compiler: engine.Compiler(), Store: engine.Store(), Root: root}), problems, nil
}

// compile gives up on Rego that takes too long. Rego's compiler cannot be stopped, so it is left behind: some rules
// take it time that grows with the square of their number.
func compile(ctx context.Context, regoFiles, dataDirs []string) (*conftest.Engine, error) {
	type result struct {
		engine *conftest.Engine
		err    error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- result{nil, fmt.Errorf("compiling the policies panicked: %v", p)}
			}
		}()
		engine, err := conftest.LoadWithData(regoFiles, dataDirs, conftest.CompilerOptions{RegoVersion: "v1", Capabilities: policy.Capabilities()})
		done <- result{engine, err}
	}()
	limit := time.NewTimer(maxCompile)
	defer limit.Stop()
	select {
	case r := <-done:
		return r.engine, r.err
	case <-limit.C:
		return nil, fmt.Errorf("compiling the policies takes more than %s: simplify them", maxCompile)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// policyFiles are the files of a repository's policies, by path.
type policyFiles struct {
	rego, data map[string][]byte
	dataDirs   []string
}

func readPolicies(repo fs.FS, dirs []string) (policyFiles, finding.List) {
	files := policyFiles{rego: make(map[string][]byte), data: make(map[string][]byte)}
	var problems finding.List
	report := func(file, format string, args ...any) {
		problems = append(problems, finding.Finding{
			Rule: "policy/rego", Severity: finding.Error, Message: fmt.Sprintf(format, args...), Pos: finding.Pos{File: file},
		})
	}
	size := 0
	for _, dir := range dirs {
		before := len(files.rego)
		if !fs.ValidPath(dir) {
			report("", "the policy directory %q is not a path inside the repository", dir)
			continue
		}
		dataDir := path.Join(dir, "data")
		err := fs.WalkDir(repo, dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			var into map[string][]byte
			ext := path.Ext(name)
			switch {
			case entry.IsDir():
				return nil
			case ext == ".rego" && !strings.HasSuffix(name, "_test.rego"):
				into = files.rego
			case strings.HasPrefix(name, dataDir+"/") && (ext == ".yaml" || ext == ".yml" || ext == ".json"):
				into = files.data
				if len(files.dataDirs) == 0 || files.dataDirs[len(files.dataDirs)-1] != dataDir {
					files.dataDirs = append(files.dataDirs, dataDir)
				}
			default:
				return nil
			}
			if !entry.Type().IsRegular() {
				report(name, "this is not a regular file; policies are not read through links")
				return nil
			}
			text, err := fs.ReadFile(repo, name)
			if err != nil {
				return err
			}
			if size += len(text); size > maxPolicyBytes || len(files.rego)+len(files.data) >= maxPolicyFiles {
				return errTooManyPolicies
			}
			into[name] = text
			return nil
		})
		switch {
		case errors.Is(err, errTooManyPolicies):
			report(dir, "the policies are more than %d files or %d MB", maxPolicyFiles, maxPolicyBytes>>20)
		case errors.Is(err, fs.ErrNotExist):
			report(dir, "the policy directory %s does not exist", dir)
		case err != nil:
			report(dir, "the policy directory %s cannot be read: %v", dir, err)
		case len(files.rego) == before:
			problems = append(problems, finding.Finding{
				Rule: "policy/no-rego", Severity: finding.Notice, Message: fmt.Sprintf("the policy directory %s holds no .rego file", dir), Pos: finding.Pos{File: dir},
			})
		}
	}
	return files, problems
}

var errTooManyPolicies = errors.New("too many policies")
