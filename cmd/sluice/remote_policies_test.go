package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestRemotePoliciesOverHTTPS holds a repository to policies of another one, with their data: fetched once, only because base names
// their commit, and never passed over.
func TestRemotePoliciesOverHTTPS(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	files := map[string]string{
		"kubernetes/team.rego":       "package team\n\ndeny_owner contains msg if {\n\tnot input.metadata.labels[data.wanted]\n\tmsg := sprintf(\"no label %s\", [data.wanted])\n}\n",
		"kubernetes/team_test.rego":  "this is no Rego\n",
		"kubernetes/data/label.yaml": "wanted: owner\n",
		"broken/bad.rego":            "package broken\n\ndeny contains msg if { msg := http.send({}) }\n",
	}
	commit := commitFiles(t, filepath.Join(root, "acme", "rules.git"), files)
	server, asked := serveGit(t, root, "rules")
	home, cache, repo := t.TempDir(), t.TempDir(), t.TempDir()
	trust(t, home, server)
	name := strings.TrimPrefix(server.URL, "https://") + "/acme/rules@"
	configured := func(commit, directory string) {
		writeTo(t, repo, ".sluice.yaml", fmt.Sprintf("policies:\n  bundles: []\n  remote:\n  - {git: \"%s%s\", directory: %s}\n", name, commit, directory))
	}
	policiesBind(t, repo, home, cache, func() { configured(commit, "kubernetes") }, func() int { return int(asked.Load()) })

	// What cannot be had or read is at the line that names it, and the run is not complete.
	tests := map[string]struct {
		commit, directory, home, want string
	}{
		"no such commit":    {strings.Repeat("0", 40), "kubernetes", home, "could not be fetched, so nothing is held to them"},
		"no trust":          {commit, "kubernetes", t.TempDir(), "could not be fetched, so nothing is held to them"},
		"no such directory": {commit, "elsewhere", home, "the policy directory elsewhere does not exist"},
		"hostile":           {commit, "broken", home, "broken/bad.rego:3:31: policies must not use http.send"},
	}
	for label, test := range tests {
		configured(test.commit, test.directory)
		base := commitFiles(t, repo, nil)
		out, code := sluice(t, repo, test.home, "check", "--base", base, "--all")
		if code != 3 || !strings.Contains(out, test.want) || !strings.Contains(out, ".sluice.yaml:4:5") {
			t.Errorf("%s: exit code %d:\n%s", label, code, out)
		}
	}
}

// policiesBind holds a repository to policies from elsewhere that deny what has no label owner. A change that brings the setting has nothing
// fetched, and is told so; base's setting binds, whatever a change makes of it; what was fetched is kept. It gives what the bound runs said.
func policiesBind(t *testing.T, repo, home, cache string, configure func(), asked func() int) (said []string) {
	t.Helper()
	writeTo(t, repo, "apps/a/overlays/prod/kustomization.yaml", "resources: [cm.yaml]\n")
	writeTo(t, repo, "apps/a/overlays/prod/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n")
	base := commitFiles(t, repo, nil)
	before := asked()
	configure()
	first := commitFiles(t, repo, nil)
	out, code := sluice(t, repo, home, "check", "--base", base, "--all")
	if code != 0 || !strings.Contains(out, ".sluice.yaml:4:5") || !strings.Contains(out, "not fetched before the base branch names them") || asked() > before {
		t.Errorf("exit code %d, %d requests before base says anything:\n%s", code, asked()-before, out)
	}
	writeTo(t, repo, ".sluice.yaml", "policies: {bundles: []}\n")
	writeTo(t, repo, "apps/a/overlays/prod/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n")
	commitFiles(t, repo, nil)
	for run := range 3 {
		before := asked()
		args := []string{"check", "--base", first, "--all", "--cache", cache}
		if run == 2 {
			args = append(args, "--env", "prod") // another run, with the verdicts that were kept
		}
		out, code := sluice(t, repo, home, args...)
		if code != 1 || !strings.Contains(out, "no label owner") || !strings.Contains(out, "policy/team/deny_owner") {
			t.Errorf("run %d: exit code %d:\n%s", run, code, out)
		}
		if fetched := asked() - before; (fetched > 0) != (run == 0) {
			t.Errorf("run %d: %d requests", run, fetched)
		}
		said = append(said, out)
	}
	return said
}
