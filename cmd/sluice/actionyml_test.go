package main

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestActionFile holds action.yml together: it is YAML (no linter of ours reads it), each input reaches the program through the
// environment and never through the text of a script, and each output comes from the step that writes it.
func TestActionFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Name, Description, Author string
		Branding                  map[string]string
		Inputs                    map[string]struct{ Description, Default string }
		Outputs                   map[string]struct{ Description, Value string }
		Runs                      struct {
			Using string
			Steps []struct {
				ID, Shell, Run string
				Env            map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&action); err != nil {
		t.Fatal(err)
	}
	passed := map[string]string{}
	for _, step := range action.Runs.Steps {
		if strings.Contains(step.Run, "${{") {
			t.Errorf("step %s has an expression in its script: %s", step.ID, step.Run)
		}
		maps.Copy(passed, step.Env)
	}
	for name, input := range action.Inputs {
		variable := "INPUT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if want := "${{ inputs." + name + " }}"; passed[variable] != want {
			t.Errorf("input %s: %s is %q, want %q", name, variable, passed[variable], want)
		}
		delete(passed, variable)
		if input.Description == "" {
			t.Errorf("input %s has no description", name)
		}
	}
	for variable := range passed {
		if strings.HasPrefix(variable, "INPUT_") {
			t.Errorf("%s is of no input", variable)
		}
	}
	program, err := os.ReadFile("../../internal/cli/action.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(action.Outputs)) {
		if want := "${{ steps.run.outputs." + name + " }}"; action.Outputs[name].Value != want || !strings.Contains(string(program), `"`+name+`"`) {
			t.Errorf("output %s is %q, want %q, written by the program", name, action.Outputs[name].Value, want)
		}
	}
}
