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
		data, err := workflow(name, "")
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
	data, err := workflow("sluice-promote.yml", "")
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

// TestInitPinsItsVersion has a released program name itself in the workflows, and any other the newest release.
func TestInitPinsItsVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"v1.4.2": "@v1.4.2", "v2.0.0-rc.1": "@v1", "v0.0.0-20261121200000-0123456789ab": "@v1", "": "@v1", "devel": "@v1", "v1.4.2\nx": "@v1"} {
		for _, name := range []string{"sluice.yml", "sluice-promote.yml", "sluice-commands.yml", "sluice-report.yml"} {
			data, err := workflow(name, version)
			if err != nil || !strings.Contains(string(data), "- uses: sluice-dev/sluice"+want+"\n") {
				t.Errorf("%s by %q (%v):\n%s", name, version, err, data)
			}
		}
	}
}
