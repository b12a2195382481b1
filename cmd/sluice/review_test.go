package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/report"
)

// edit replaces text in a file of a repository.
type edit struct{ file, old, text string }

// reviews are changes to real config repositories, each of a size that people make.
var reviews = []struct {
	name, corpus string
	edits        []edit
}{
	{"an image in a base, and a new major version in production", "podinfo-deploy", []edit{
		{"base/podinfo/deployment.yaml", "memory: 64Mi", "memory: 96Mi"},
		{"overlays/production/kustomization.yaml", "newTag: 3.2.1", "newTag: 4.0.0"},
	}},
	{"a tenant who gets another role", "flux2-multi-tenancy", []edit{
		{"tenants/base/dev-team/rbac.yaml", "  name: cluster-admin\n", "  name: admin\n"},
	}},
	{"a base that cannot be fetched", "storetheindex", []edit{{"deploy/manifests/dev/us-east-2/tenant/storetheindex/dhstore-ago5/pvc.yaml", "storage: 16Ti", "storage: 8Ti"}}},
	{"a request in a base that every overlay uses", "nexodus", []edit{{"deploy/nexodus/base/apiserver/deployment.yaml", "cpu: 100m", "cpu: 250m"}}},
	{"a container that may run as root in all environments", "bank-of-anthos", []edit{
		{"src/ledger/balancereader/k8s/base/balancereader.yaml", "runAsNonRoot: true", "runAsNonRoot: false"},
		{"src/frontend/k8s/base/frontend.yaml", "type: LoadBalancer", "type: NodePort"},
	}},
	{"a database that stops in development", "bank-of-anthos", []edit{{"src/ledger/ledger-db/k8s/overlays/development/ledger-db.yaml", "replicas: 1", "replicas: 0"}}},
}

// TestReviews holds the reviews to what they say in short: what changes where, which risks and findings are new. The text of
// other people's repositories stays out of the expectation.
func TestReviews(t *testing.T) {
	t.Parallel()
	corpora := filepath.Join("..", "..", "..", "shared", "corpora")
	if _, err := os.Stat(corpora); err != nil {
		t.Skip("no corpora here: changes of real repositories are not reviewed")
	}
	for _, review := range reviews {
		t.Run(review.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join(corpora, review.corpus))); err != nil {
				t.Fatal(err)
			}
			runGit(t, dir, "init", "--quiet", "--initial-branch=main")
			commitAll(t, dir)
			runGit(t, dir, "checkout", "--quiet", "-b", "change")
			for _, e := range review.edits {
				file := filepath.Join(dir, filepath.FromSlash(e.file))
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Contains(data, []byte(e.old)) {
					t.Fatalf("%s does not hold %q", e.file, e.old)
				}
				if err := os.WriteFile(file, bytes.ReplaceAll(data, []byte(e.old), []byte(e.text)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			commitAll(t, dir)
			got := summary(reviewOf(t, dir))
			golden := filepath.Join("testdata", "review", strings.NewReplacer(" ", "-", ",", "").Replace(review.name)+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("review (-want +got):\n%s", d)
			}
		})
	}
}

func commitAll(t *testing.T, dir string) {
	t.Helper()
	runGit(t, dir, "add", "--all", "--force")
	runGit(t, dir, "commit", "--quiet", "--message=a change")
}

func runGit(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), gitEnvironment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// reviewOf compares the branch with main.
func reviewOf(t *testing.T, dir string) (r report.Report) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args = []string{"sluice", "check", "--base", "main", "--output", "json"}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout.Bytes(), stderr.Bytes())
	}
	return r
}

// summary says what a report says, without its texts.
func summary(r report.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d targets\n", r.Verdict, len(r.Targets))
	for _, target := range r.Targets {
		fmt.Fprintf(&b, "%s: %s, base %s, %d objects\n", target.ID, target.Status, target.Base, target.Objects)
	}
	groups := make(map[string]int)
	for _, c := range r.Changes {
		if groups[c.GroupID] == 0 {
			groups[c.GroupID] = len(groups) + 1
		}
		fmt.Fprintf(&b, "group %d: %s %s in %s +%d -%d %s\n", groups[c.GroupID], c.Action, c.ID(), c.Target, c.Added, c.Removed, strings.Join(c.Risks, " "))
	}
	rules := make(map[string]int)
	for _, f := range r.Findings {
		if f.Has(finding.New) {
			rules[fmt.Sprintf("%s %s", f.Severity, f.Rule)]++
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		fmt.Fprintf(&b, "new: %d × %s\n", rules[rule], rule)
	}
	return b.String()
}
