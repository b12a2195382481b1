package bundle

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// LoadPolicies makes the policy engine: the built-in policies, and those of the repository: in the directories dirs of
// the tree repo (nil: none), and from elsewhere. They are compiled together, as conftest does with several directories. Every *.rego file below a directory counts but tests (*_test.rego); the YAML and JSON
// files of its subdirectory "data" are data, as conftest --data loads them. What is wrong with the repository's Rego is
// in the findings, all of it; the engine then has the built-in policies only, so a caller must not call such a run
// complete. The error is for what broke here: a disk that is full.
func LoadPolicies(ctx context.Context, repo fs.FS, dirs []string, remote []Remote, opts policy.Options) (*policy.Engine, finding.List, error) {
	builtin, err := policy.Builtin()
	if err != nil {
		return nil, nil, err
	}
	sets := []*policy.Set{builtin}
	var problems finding.List
	if repo != nil && len(dirs)+len(remote) > 0 {
		own, found, err := loadRepositoryPolicies(ctx, repo, dirs, remote)
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
func loadRepositoryPolicies(ctx context.Context, repo fs.FS, dirs []string, remote []Remote) (*policy.Set, finding.List, error) {
	files, problems, err := readPolicies(ctx, repo, dirs, remote)
	if err != nil {
		return nil, nil, err
	}
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
		return nil, append(problems, placed(policy.Explain(err, root), remote)...), nil
	}
	place := func(pos finding.Pos) finding.Pos {
		if r, _, ok := holding(remote, pos.File); ok {
			return r.Pos
		}
		return pos
	}
	return policy.NewSet(policy.Compiled{Compiler: engine.Compiler(), Store: engine.Store(), Root: root, Place: place}), problems, nil
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
