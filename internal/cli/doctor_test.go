package cli

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestOwners(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, file string
		want          bool
	}{
		{"*", ".github/workflows/sluice.yml", true},
		{"*.yaml", ".sluice.yaml", true},
		{"*.yaml", "policies/any.rego", false},
		{"/.sluice.yaml", ".sluice.yaml", true},
		{"/.sluice.yaml", "apps/.sluice.yaml", false},
		{".sluice.yaml", "apps/.sluice.yaml", true},
		{"policies/", "policies/any.rego", true},
		{"policies/", "teams/policies/any.rego", true},
		{"/policies/", "teams/policies/any.rego", false},
		{"/policies", "policies/any.rego", true},
		{"policies/*", "policies/any.rego", true},
		{"policies/*", "policies/more/any.rego", false},
		{".github/**", ".github/workflows/sluice.yml", true},
		{".github/workflows", ".github/workflows/sluice.yml", true},
		{"**/workflows/*.yml", ".github/workflows/sluice.yml", true},
		{"workflows/*.yml", ".github/workflows/sluice.yml", false},
		{"polic?es", "policies/any.rego", true},
		{"a.c", "abc", false},
		{"\xff(", "x", false},
	} {
		if got := ownerPattern(test.pattern).MatchString(test.file); got != test.want {
			t.Errorf("%s on %s: %t, want %t", test.pattern, test.file, got, test.want)
		}
	}
	rules := readOwners("* @a # all\n\n# none\n/policies/\n/policies/team/ @b\n!x @c\n")
	for file, want := range map[string]bool{"x": true, "policies/any.rego": false, "policies/team/any.rego": true} {
		if rules.own(file) != want {
			t.Errorf("%s: owned %t", file, !want)
		}
	}
}

// good is a repository that is set up well, as far as its files go.
func good(t *testing.T) fstest.MapFS {
	t.Helper()
	tree := fstest.MapFS{".github/CODEOWNERS": {Data: []byte("/.github/ @platform\n/.sluice.yaml @platform\n/policies/ @platform\n")}}
	for _, name := range []string{"sluice.yml", "sluice-promote.yml", "sluice-commands.yml", "sluice-report.yml"} {
		data, err := workflow(name, action{name: homeAction, commit: strings.Repeat("5", 40)})
		if err != nil {
			t.Fatal(err)
		}
		tree[workflowDir+"/"+name] = &fstest.MapFile{Data: data}
	}
	return tree
}

// TestDoctorReadsFiles spoils one thing at a time.
func TestDoctorReadsFiles(t *testing.T) {
	t.Parallel()
	const main = ".github/workflows/sluice.yml"
	const commands = ".github/workflows/sluice-commands.yml"
	const promotions = ".github/workflows/sluice-promote.yml"
	for _, test := range []struct {
		name, file, old, new string
		level                level
		says                 string
	}{
		{"nothing", "", "", "", "", ""},
		{"no pull_request", main, "  pull_request:\n", "", wrong, "no workflow runs sluice on pull requests"},
		{"pull_request_target", main, "  pull_request:", "  pull_request_target:\n  pull_request:", wrong, "a stranger's files"},
		{"no merge_group", main, "  merge_group:\n", "", advice, "does not run on merge_group"},
		{"a path filter", main, "  pull_request:", "  pull_request:\n    paths: [apps/**]", wrong, "waits for ever"},
		{"types without synchronize", main, "types: [opened, synchronize,", "types: [opened,", wrong, "lacks the type synchronize"},
		{"types without edited", main, ", edited]", "]", advice, "lacks the type edited"},
		{"the usual types", main, "    types: [opened, synchronize, reopened, edited]\n", "", advice, "lacks the type edited"},
		{"one type", main, "[opened, synchronize, reopened, edited]", "edited", wrong, "lacks the type opened"},
		{"no write for checks", main, "  checks: write # the check run\n", "", wrong, "lacks the permission checks: write"},
		{"no permissions", main, "permissions:\n  contents: read\n  pull-requests: write # the comment\n  checks: write # the check run\n", "", advice, "says no permissions"},
		{"all permissions", main, "permissions:\n  contents: read\n  pull-requests: write # the comment\n  checks: write # the check run\n", "permissions: read-all\n", wrong, "checks: write"},
		{"continue-on-error", main, "    runs-on:", "    continue-on-error: true\n    runs-on:", wrong, "makes a failed check green"},
		{"a condition", main, "    runs-on:", "    if: github.actor != 'x'\n    runs-on:", advice, "skipped counts as green"},
		{"a job of another name", main, "jobs:\n  sluice:", "jobs:\n  gate:", advice, "Call both the same"},
		{"a job that is shown under another name", main, "    runs-on:", "    name: Gate\n    runs-on:", advice, `"Gate" and the check "sluice"`},
		{"fail-on never", main, "          reports:", "          fail-on: never\n          reports:", wrong, "fails nothing"},
		{"a shallow checkout without credentials", main, "fetch-depth: 2", "persist-credentials: false", wrong, "cannot be fetched|can then not be fetched"},
		{"a checkout of the head", main, "fetch-depth: 2", "fetch-depth: 2\n          ref: ${{ github.head_ref }}", advice, "without ref"},
		{"not pinned", main, "sluice-dev/sluice@" + strings.Repeat("5", 40), "sluice-dev/sluice@v1", advice, `"sluice-dev/sluice@v1" can change what it names`},
		{"pinned by a part of the id", main, "sluice-dev/sluice@" + strings.Repeat("5", 40), "sluice-dev/sluice@5555555", advice, `"sluice-dev/sluice@5555555" can change what it names`},
		{"another action not pinned", main, "actions/cache@55cc8345863c7cc4c66a329aec7e433d2d1c52a9 # v6.1.0", "actions/cache@v6", advice, `"actions/cache@v6" can change what it names`},
		{"a mirror", main, "sluice-dev/sluice@", "mirrors/sluice-dev_sluice@", fine, "sluice.yml, job \"sluice\": runs sluice on pull requests"},
		{"what sets it up before it", main, "      - uses: sluice-dev/sluice@" + strings.Repeat("5", 40), "      - uses: acme/sluice-config@" + strings.Repeat("5", 40) +
			"\n      - uses: sluice-dev/sluice@" + strings.Repeat("5", 40) + "\n        if: false", advice, "has a condition"},
		{"only what sets it up", main, "sluice-dev/sluice@", "acme/setup-sluice@", wrong, "no workflow runs sluice on pull requests"},
		{"not YAML", main, "name:", "\tname:", unknown, "cannot be read"},
		{"a second stage with the head", ".github/workflows/sluice-report.yml", "    steps:", "    steps:\n      - uses: actions/checkout@v7\n        with: {ref: x}", wrong, "in a run that may write"},
		{"commands without write for checks", commands, "  checks: write # the check run\n", "", wrong, "lacks the permission checks: write"},
		{"commands with the head checked out", commands, "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "actions/checkout@v7\n        with: {ref: x}", wrong, "in a run that may write"},
		{"commands in one group", commands, "github.event.comment.id || github.run_id", "github.event.issue.number", advice, "keeps only the newest"},
		{"commands that prepare exceptions without write for contents", commands, "          reports:", "          ignore-button: true\n          reports:", wrong, "lacks the permission contents: write"},
		{"commands that promote", commands, "          reports:", "          promote: true\n          reports:", fine, "runs sluice on pull requests"},
		{"commands that promote in one group", commands, "github.event.comment.id || github.run_id", "github.event.issue.number", advice, "keeps only the newest"},
		{"promotions without write for contents", promotions, "  contents: write # the commits and branches of promotions\n", "  contents: read\n", wrong, "lacks the permission contents: write"},
		{"promotions without write for statuses", promotions, "  statuses: write # sluice/gate; gates read them\n", "", wrong, "lacks the permission statuses: write"},
		{"promotions without pushes", promotions, "  push:\n", "", wrong, "does not run on push"},
		{"promotions without a schedule", promotions, "  schedule:\n    - cron: \"17,47 * * * *\" # gates open as time passes\n", "", advice, "does not run on a schedule"},
		{"promotions without the history", promotions, "fetch-depth: 0 # what", "fetch-depth: 2 # what", wrong, "say fetch-depth: 0"},
		{"the gate promotes instead", main, "          reports:", "          promote: true\n          reports:", wrong, "no workflow runs sluice on pull requests"},
		{"nobody owns the policies", ".github/CODEOWNERS", "/policies/ @platform\n", "", wrong, "nobody owns policies/"},
		{"nobody owns the workflow", ".github/CODEOWNERS", "/.github/ @platform\n", "", wrong, "nobody owns .github/workflows/sluice.yml"},
	} {
		tree := good(t)
		if test.file != "" {
			text := string(tree[test.file].Data)
			if !strings.Contains(text, test.old) {
				t.Fatalf("%s: %s lacks %q", test.name, test.file, test.old)
			}
			tree[test.file].Data = []byte(strings.Replace(text, test.old, test.new, 1))
		}
		var d diagnosis
		if _, err := d.files(tree); err != nil {
			t.Fatal(err)
		}
		found := test.level == "" && !d.has(wrong) && !d.has(unknown) && !d.has(advice)
		for _, line := range d {
			for says := range strings.SplitSeq(test.says, "|") {
				found = found || line.level == test.level && strings.Contains(line.text, says)
			}
		}
		if !found {
			t.Errorf("%s: want %s: %q in %q", test.name, test.level, test.says, d)
		}
	}
}
