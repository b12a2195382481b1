package cli

import (
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"
)

// TestWorkflowsAreValid has actionlint read what init writes.
func TestWorkflowsAreValid(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sluice.yml", "sluice-commands.yml", "sluice-promote.yml", "sluice-report.yml"} {
		data, err := workflow(name, action{name: homeAction, tag: "v1"})
		if err != nil {
			t.Fatal(err)
		}
		linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		problems, err := linter.Lint(name, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems {
			t.Errorf("%s: %v\n%s", name, problem, data)
		}
	}
}

// TestPromotionWorkflow holds the workflow to what promotions need: every event that may open a gate, and no more permissions than what it
// writes and reads.
func TestPromotionWorkflow(t *testing.T) {
	t.Parallel()
	data, err := workflow("sluice-promote.yml", action{name: homeAction, tag: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		On          map[string]any    `yaml:"on"`
		Permissions map[string]string `yaml:"permissions"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	events := []string{"check_suite", "deployment_status", "pull_request_review", "push", "repository_dispatch", "schedule", "status", "workflow_dispatch"}
	if got := slices.Sorted(maps.Keys(file.On)); !slices.Equal(got, events) {
		t.Errorf("events: got %v, want %v", got, events)
	}
	permissions := map[string]string{"contents": "write", "pull-requests": "write", "checks": "write", "statuses": "write", "deployments": "read"}
	if !maps.Equal(file.Permissions, permissions) {
		t.Errorf("permissions: got %v, want %v", file.Permissions, permissions)
	}
}

// TestActionOfInit reads what init is told to use, and says what it writes of that where no commit is known.
func TestActionOfInit(t *testing.T) {
	t.Parallel()
	commit := strings.Repeat("0123456789", 4)
	const moves = " # a tag, which can be moved: pin the commit of a release"
	for _, test := range []struct{ given, version, address, writes string }{
		{"", "v1.4.2", "https://github.com/sluice-dev/sluice", "sluice-dev/sluice@v1.4.2" + moves},
		{"", "v2.0.0-rc.1", "https://github.com/sluice-dev/sluice", "sluice-dev/sluice@v1" + moves},
		{"", "v0.0.0-20261121200000-0123456789ab", "https://github.com/sluice-dev/sluice", "sluice-dev/sluice@v1" + moves},
		{"", "", "https://github.com/sluice-dev/sluice", "sluice-dev/sluice@v1" + moves},
		{"", "v1.4.2\nx", "https://github.com/sluice-dev/sluice", "sluice-dev/sluice@v1" + moves},
		{"acme/sluice", "v1.4.2", "https://github.com/acme/sluice", "acme/sluice@v1.4.2" + moves},
		{"acme/my.sluice_2@v1.3.0", "v1.4.2", "https://github.com/acme/my.sluice_2", "acme/my.sluice_2@v1.3.0" + moves},
		{"https://ghe.example.com:8443/acme/sluice", "v1.4.2", "https://ghe.example.com:8443/acme/sluice", "acme/sluice@v1.4.2" + moves},
		{"acme/sluice@" + commit, "v1.4.2", "https://github.com/acme/sluice", "acme/sluice@" + commit},
		{"sluice", "v1.4.2", "", ""},
		{"acme/sluice/more", "v1.4.2", "", ""},
		{"http://ghe.example.com/acme/sluice", "v1.4.2", "", ""},
		{"https://user@ghe.example.com/acme/sluice", "v1.4.2", "", ""},
		{"acme/sluice@--upload-pack=x", "v1.4.2", "", ""},
		{"acme/sluice@v1*", "v1.4.2", "", ""},
		{"acme/sluice@v1\n      - run: x", "v1.4.2", "", ""},
		{"acme/sluice@refs/heads/main", "v1.4.2", "", ""},
	} {
		a, err := parseAction(test.given, test.version)
		switch {
		case test.writes == "" && err == nil:
			t.Errorf("%q is taken for %q", test.given, a)
		case test.writes != "" && (err != nil || a.address() != test.address || a.String() != test.writes):
			t.Errorf("%q by %q: got %q, %q, %v", test.given, test.version, a.address(), a, err)
		}
	}
}
