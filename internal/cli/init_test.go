package cli

import (
	"io"
	"testing"

	"github.com/rhysd/actionlint"
)

// TestWorkflowsAreValid has actionlint read what init writes.
func TestWorkflowsAreValid(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		forks bool
	}{{"sluice.yml", false}, {"sluice.yml", true}, {"sluice-report.yml", true}} {
		data, err := workflow(test.name, test.forks)
		if err != nil {
			t.Fatal(err)
		}
		linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		problems, err := linter.Lint(test.name, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems {
			t.Errorf("%s (forks: %t): %v\n%s", test.name, test.forks, problem, data)
		}
	}
}
