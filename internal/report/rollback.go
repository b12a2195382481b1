package report

import "strings"

// Rollback is what the body of a rollback's pull request tells.
type Rollback struct {
	App, Environment string
	Targets          []string // a sentence for each: what it is taken back to, and whether it renders as it did
	Files            []RolledBackFile
	Hold             string // the line that is added to HoldsFile
	HoldsFile        string
	Check            string // the headline of the check
}

// RolledBackFile is a file that a rollback adds, changes or deletes.
type RolledBackFile struct{ Path, Action string }

// RollbackBody gives the body of a rollback's pull request as Markdown in falling sizes.
func RollbackBody(r Rollback) (out []string) {
	for _, rows := range promotionTiers {
		b := &promotionBody{rows: rows}
		b.printf("This takes **%s** in **%s** back to what it was.\n\n", prose(r.App), prose(r.Environment))
		for i, target := range r.Targets {
			if b.cut(i, len(r.Targets), "- … and %d more\n") {
				break
			}
			b.printf("- %s\n", prose(target))
		}
		b.printf("\n**Check of what is rendered:** %s. The comment below shows it.\n\n", prose(strings.TrimSuffix(r.Check, ".")))
		b.printf("| file | |\n|---|---|\n")
		for i, f := range r.Files {
			if b.cut(i, len(r.Files), "| … and %d more | |\n") {
				break
			}
			b.printf("| %s | %s |\n", cell(f.Path), cell(f.Action))
		}
		b.printf("\nOnce this is merged, what was taken back is not promoted again until its source changes. This line in %s holds it; "+
			"take the line away to promote it anyway:\n\n%s\n", Code(r.HoldsFile), fence("yaml", r.Hold))
		if body := b.String(); len(out) == 0 || len(body) < len(out[len(out)-1]) {
			out = append(out, body)
		}
	}
	return out
}
