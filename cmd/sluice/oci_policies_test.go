package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/oci/ocitest"
)

// TestPoliciesOfARegistry holds a repository to policies that were pushed to a registry as conftest push does it: fetched once, only
// because base names their digest, and never passed over.
func TestPoliciesOfARegistry(t *testing.T) {
	t.Parallel()
	registry := ocitest.New(t)
	data := map[string]string{
		"policy/data/label.yaml": "application/vnd.cncf.openpolicyagent.data.layer.v1+json",
		"policy/fixture.yaml":    "application/vnd.cncf.openpolicyagent.data.layer.v1+json",
	}
	good := registry.Push(t, "acme/policies", map[string]string{
		"policy/team.rego":       "package team\n\ndeny_owner contains msg if {\n\tnot input.metadata.labels[data.wanted]\n\tmsg := sprintf(\"no label %s\", [data.wanted])\n}\n",
		"policy/team_test.rego":  "this is no Rego\n",
		"policy/data/label.yaml": "wanted: owner\n",
		"policy/fixture.yaml":    "kind: ConfigMap\n",
	}, data)
	hostile := registry.Push(t, "acme/policies", map[string]string{"policy/bad.rego": "package bad\n\ndeny contains msg if { msg := http.send({}) }\n"}, nil)
	broken := registry.Push(t, "acme/policies", map[string]string{"policy/bad.rego": "package bad\n\ndeny contains {\n"}, nil)
	failing := registry.Push(t, "acme/policies", map[string]string{"policy/bad.rego": "package bad\n\ndeny contains msg if { msg := to_number(input.kind) }\n"}, nil)
	without := registry.Push(t, "acme/policies", map[string]string{"policy/README.md": "# Policies\n"}, nil)
	nowhere := registry.Host + "/acme/policies@sha256:" + strings.Repeat("0", 64)

	home, cache, repo := t.TempDir(), t.TempDir(), t.TempDir()
	configured := func(name, directory string) {
		if directory != "" {
			directory = ", directory: " + directory
		}
		writeTo(t, repo, ".sluice.yaml", fmt.Sprintf("policies:\n  bundles: []\n  remote:\n  - {oci: \"%s\"%s}\n", name, directory))
	}
	for run, out := range policiesBind(t, repo, home, cache, func() { configured(good, "") }, registry.Asked) {
		if !strings.Contains(out, "policies do not see 1 of its data files, policy/fixture.yaml first: they are not below policy/data") {
			t.Errorf("run %d does not tell of data that is not read:\n%s", run, out)
		}
	}

	// Another digest gives other verdicts, whatever was kept; what looks at the clock is asked each time.
	second := registry.Push(t, "acme/policies", map[string]string{"policy/team.rego": "package team\n\ndeny_owner contains \"none is allowed\"\n"}, nil)
	clock := registry.Push(t, "acme/policies", map[string]string{"policy/team.rego": "package team\n\ndeny_owner contains sprintf(\"at %d\", [time.now_ns()])\n"}, nil)
	runs := ""
	verdict := func(name string) string {
		configured(name, "")
		runs += "another run\n"
		commitFiles(t, repo, map[string]string{"runs.txt": runs})
		out, code := sluice(t, repo, home, "check", "--base", "HEAD", "--all", "--findings", "all", "--cache", cache)
		if code > 1 {
			t.Fatalf("exit code %d:\n%s", code, out)
		}
		return out
	}
	for name, want := range map[string]string{good: "no label owner", second: "none is allowed"} {
		if out := verdict(name); !strings.Contains(out, want) {
			t.Errorf("%s: no %q in\n%s", name, want, out)
		}
	}
	if one, two := verdict(clock), verdict(clock); !strings.Contains(one, "error: at 1") || one == two {
		t.Errorf("the clock stands still:\n%s\n%s", one, two)
	}

	// What cannot be had or read is at the line that names it, and the run is not complete.
	for label, test := range map[string]struct{ name, directory, want string }{
		"no such digest":    {nowhere, "", "could not be fetched, so nothing is held to them: fetch the manifest: the registry does not have it"},
		"no such directory": {good, "elsewhere", "the policy directory elsewhere does not exist"},
		"no policies":       {without, "", "holds no .rego file"},
		"hostile":           {hostile, "", "policy/bad.rego:3:31: policies must not use http.send"},
		"failing":           {failing, "", "this expression fails for ConfigMap other"},
		"broken":            {broken, "policy", "policy/bad.rego:4: this Rego is not valid"},
	} {
		configured(test.name, test.directory)
		base := commitFiles(t, repo, nil)
		out, code := sluice(t, repo, home, "check", "--base", base, "--all", "--findings", "all")
		if code != 3 || !strings.Contains(out, test.want) || !strings.Contains(out, ".sluice.yaml:4:5") {
			t.Errorf("%s: exit code %d:\n%s", label, code, out)
		}
	}

	// A tag can move.
	configured(registry.Host+"/acme/policies:v1", "")
	commitFiles(t, repo, nil)
	if out, code := sluice(t, repo, home, "check", "--all"); code != 2 || !strings.Contains(out, ".sluice.yaml:4:11") || !strings.Contains(out, "a tag can move") {
		t.Errorf("a tag: exit code %d:\n%s", code, out)
	}
}
