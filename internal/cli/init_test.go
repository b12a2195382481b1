package cli

import (
	"io"
	"testing"

	"github.com/rhysd/actionlint"
)

// TestWorkflowsAreValid has actionlint read what init writes.
func TestWorkflowsAreValid(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sluice.yml", "sluice-commands.yml", "sluice-report.yml"} {
		data, err := workflow(name)
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
