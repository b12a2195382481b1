package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// clones fetches by cloning, for tests.
type clones struct {
	t     *testing.T
	trees map[string]Tree
	asked int
}

func (c *clones) Commit(ctx context.Context, url, commit string) (Tree, error) {
	c.asked++
	if tree := c.trees[url+commit]; tree != nil {
		return tree, nil
	}
	dir := c.t.TempDir()
	if out, err := exec.CommandContext(ctx, "git", "clone", "--quiet", url, dir).CombinedOutput(); err != nil {
		return nil, errors.New(string(out))
	}
	if out, err := exec.CommandContext(ctx, "git", "-C", dir, "checkout", "--quiet", commit).CombinedOutput(); err != nil {
		return nil, errors.New(string(out))
	}
	if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
		return nil, err
	}
	c.trees[url+commit] = newTestTree(os.DirFS(dir))
	return c.trees[url+commit], nil
}

// commitFiles makes a repository of files; it gives its URL and its commit.
func commitFiles(t *testing.T, files map[string]string) (url, commit string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo.git")
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet")
	git("add", "--all")
	git("commit", "--quiet", "--message=files")
	return "file://" + dir, git("rev-parse", "HEAD")
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {a: b}\n"

// remoteFixture is a repository with a base, a component and a reference to a third repository.
func remoteFixture(t *testing.T) (url, commit, third, thirdCommit string) {
	third, thirdCommit = commitFiles(t, map[string]string{
		"kustomization.yaml": "resources: [third.yaml]\n", "third.yaml": fmt.Sprintf(configMap, "third"),
	})
	url, commit = commitFiles(t, map[string]string{
		"deploy/base/kustomization.yaml":         "resources:\n- ../common\n- file.yaml\nconfigMapGenerator: [{name: generated, files: [data/file.txt]}]\ncommonLabels: {from: remote}\n",
		"deploy/base/file.yaml":                  fmt.Sprintf(configMap, "base"),
		"deploy/base/data/file.txt":              "text\n",
		"deploy/common/kustomization.yaml":       "resources: [common.yaml]\n",
		"deploy/common/common.yaml":              fmt.Sprintf(configMap, "common"),
		"component/kustomization.yaml":           "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: c-\n",
		"kustomization.yaml":                     "resources: [deploy/common]\nnameSuffix: -root\n",
		"nested/kustomization.yaml":              fmt.Sprintf("resources:\n- %s?ref=%s\n", third, thirdCommit),
		"outside/kustomization.yaml":             "resources: [../../../../../../../../../../etc]\n",
		"above/kustomization.yaml":               "resources: [../../app/own.yaml]\n",
		"far/kustomization.yaml":                 "resources: [../../../../../app/own.yaml, ../../../../app/own.yaml, ../../../.tree/app/own.yaml]\n",
		"broken/kustomization.yaml":              "resources: [missing.yaml]\n",
		"deprecated/kustomization.yaml":          "bases: [../deploy/common]\nimages: [{name: none, newTag: '1'}]\n",
		"deploy/unused/kustomization.yaml":       "resources: [../base]\n",
		"deploy/strange name/other.yaml":         fmt.Sprintf(configMap, "x"),
		"deploy/strange name/kustomization.yaml": "resources: [other.yaml]\n",
	})
	return url, commit, third, thirdCommit
}

// TestRemoteSameAsCLI renders remote bases with the CLI, which clones them, and with a pool.
func TestRemoteSameAsCLI(t *testing.T) {
	url, commit, third, thirdCommit := remoteFixture(t)
	name, thirdName := RepositoryName(url), RepositoryName(third)
	remotes := &clones{t: t, trees: map[string]Tree{}}
	pool := newPool(t, Options{Workers: 1, Remotes: remotes, Remote: []string{name + "@" + commit, thirdName + "@" + thirdCommit}})
	own := "own.yaml"
	for label, kustomization := range map[string]string{
		"base and component": fmt.Sprintf("# über\nresources:\n- own.yaml\n- %[1]s//deploy/base?ref=%[2]s # comment\ncomponents: ['%[1]s//component?ref=%[2]s']\nnamespace: x\n", url, commit),
		"root":               fmt.Sprintf("resources: [own.yaml, \"%s?ref=%s\"]\n", url, commit),
		"nested":             fmt.Sprintf("resources:\n- '%s//nested?ref=%s'\n- own.yaml\n", url, commit),
		"patched":            fmt.Sprintf("resources:\n- %s//deploy/common?ref=%s&timeout=90s\n- own.yaml\npatches: [{patch: '{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"common\"}, \"data\": {\"c\": \"d\"}}'}]\n", url, commit),
		"deprecated":         fmt.Sprintf("resources: [own.yaml, '%s//deprecated?ref=%s']\n", url, commit),
	} {
		files := fstest.MapFS{"app/kustomization.yaml": {Data: []byte(kustomization)}, "app/" + own: {Data: fmt.Appendf(nil, configMap, "own")}}
		f := fixture{files: files}
		program, err := cli()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, "build", filepath.Join(f.write(t), "app"))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		want, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", label, err, stderr.String())
		}
		result, err := pool.Render(t.Context(), newTestTree(files), target("app"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(result.Manifest, want) {
			t.Errorf("%s: %s\ngot\n%s\nwant\n%s", label, result.Findings, result.Manifest, want)
		}
		if len(result.Findings) > 0 {
			t.Errorf("%s: findings about another's files: %s", label, result.Findings)
		}
		if len(result.Remotes) == 0 || !strings.HasPrefix(result.Remotes[0], "file:///") {
			t.Errorf("%s: remotes are %q", label, result.Remotes)
		}
		for _, input := range result.Inputs {
			if strings.Contains(input.Path, ".git") {
				t.Errorf("%s: an input is %s", label, input.Path)
			}
		}
		for _, o := range result.Objects {
			if from := o.Origin.File + o.Origin.Kustomization; from != "app/own.yaml" && from != "app/kustomization.yaml" {
				t.Errorf("%s: %s comes from %q", label, o.ID, from)
			}
		}
	}
}

// TestRemoteRefused asks for what is not allowed, and reaches out of what is.
func TestRemoteRefused(t *testing.T) {
	url, commit, third, thirdCommit := remoteFixture(t)
	name := RepositoryName(url)
	remotes := &clones{t: t, trees: map[string]Tree{}}
	gone := strings.Repeat("0", 40)
	pool := newPool(t, Options{Workers: 1, Remotes: remotes, Remote: []string{name + "@" + commit, name + "@" + gone}})
	for label, test := range map[string]struct{ kustomization, rule, says string }{
		"not allowed":  {fmt.Sprintf("resources: ['https://git.example/org/repo.git//x?ref=%s']\n", commit), "render/remote-base", "in .sluice.yaml, render: {remote: [git.example/org/repo@" + commit + "]}"},
		"a path":       {fmt.Sprintf("resources: ['%s?ref=%s']\n", third, thirdCommit), "render/remote-base", "a directory of one machine"},
		"nested":       {fmt.Sprintf("resources: ['%s//nested?ref=%s']\n", url, commit), "render/remote-base", "a directory of one machine"},
		"a branch":     {"resources: ['https://git.example/org/repo?ref=main']\n", "render/remote-base", `its ref "main" can move`},
		"no ref":       {"resources: ['git@git.example:org/repo']\n", "render/remote-base", "it names no ref"},
		"short ref":    {fmt.Sprintf("resources: ['https://git.example/org/repo?ref=%s']\n", commit[:12]), "render/remote-base", "can move"},
		"gone":         {fmt.Sprintf("resources: ['%s?ref=%s']\n", url, gone), "render/remote-base", "could not be fetched"},
		"outside":      {fmt.Sprintf("resources: ['%s//outside?ref=%s']\n", url, commit), "render/outside-repository", "leaves the repository"},
		"above":        {fmt.Sprintf("resources: ['%s//above?ref=%s', own.yaml]\n", url, commit), "render/outside-repository", "leaves the repository"},
		"far":          {fmt.Sprintf("resources: ['%s//far?ref=%s', own.yaml]\n", url, commit), "render/outside-repository", "leaves the repository"},
		"broken":       {fmt.Sprintf("resources: ['%s//broken?ref=%s']\n", url, commit), "render/missing-file", "missing.yaml"},
		"no directory": {fmt.Sprintf("resources: ['%s//nothing?ref=%s']\n", url, commit), "render/missing-file", "nothing"},
		"a file":       {"resources: ['https://raw.example.com/org/repo/main/file.yaml']\n", "render/remote-base", "files are not fetched"},
		"plain http":   {fmt.Sprintf("resources: ['http://github.com/org/repo?ref=%s']\n", commit), "render/remote-base", ""},
		"annotations":  {fmt.Sprintf("resources: ['%s//deploy/common?ref=%s']\nbuildMetadata: [originAnnotations]\n", url, commit), "render/remote-base", "annotations of origins"},
		"folded":       {fmt.Sprintf("resources:\n- >-\n  %s//deploy/common?ref=%s\n", url, commit), "render/remote-base", "write it plainly"},
		"by its mount": {"resources: ['../.git/remote/x/y']\n", "render/missing-file", ""},
	} {
		files := fstest.MapFS{"app/kustomization.yaml": {Data: []byte(test.kustomization)}, "app/own.yaml": {Data: fmt.Appendf(nil, configMap, "own")}}
		result, err := pool.Render(t.Context(), newTestTree(files), target("app"))
		if err != nil {
			t.Fatal(err)
		}
		if !result.Failed || len(result.Findings) == 0 || len(result.Findings) > 1 && label != "far" || result.Findings[0].Rule != test.rule || !strings.Contains(result.Findings[0].Message, test.says) {
			t.Errorf("%s: got %s", label, result.Findings)
			continue
		}
		f := result.Findings[0]
		if f.File != "app/kustomization.yaml" || strings.Contains(f.Message, ".git/remote/") && label != "by its mount" || strings.Contains(f.Message, mount) {
			t.Errorf("%s: got %s", label, f)
		}
	}
	// Without the setting nothing is asked for.
	before := remotes.asked
	off := newPool(t, Options{Workers: 1, Remotes: remotes})
	result, err := off.Render(t.Context(), newTestTree(fstest.MapFS{"app/kustomization.yaml": {Data: fmt.Appendf(nil, "resources: ['%s?ref=%s']\n", url, commit)}}), target("app"))
	if err != nil || !result.Failed || remotes.asked != before {
		t.Errorf("%v, failed: %t, asked for %d", err, result.Failed, remotes.asked-before)
	}
}

func TestRepositoryName(t *testing.T) {
	names := map[string]string{
		"https://github.com/org/repo.git":      "github.com/org/repo",
		"https://GitHub.com/org/repo":          "github.com/org/repo",
		"https://user@host.example:8443/a/b/c": "host.example:8443/a/b/c",
		"ssh://git@host.example/org/repo.git":  "host.example/org/repo",
		"git@github.com:org/repo.git":          "github.com/org/repo",
		"file:///srv/repo.git":                 "file:///srv/repo",
	}
	for url, want := range maps.All(names) {
		if got := RepositoryName(url); got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
	for _, url := range []string{"", "http://github.com/org/repo", "ext::sh", "--upload-pack=x", "https://-x/org/repo", "https://host", "git://host/x", "/srv/repo", "host/org/repo", "https://user:token@host/org/repo"} {
		if got := RepositoryName(url); got != "" {
			t.Errorf("%s: got %q, want nothing", url, got)
		}
	}
}
