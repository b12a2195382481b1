package report

import (
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// Offer is an exception that a person may ask for.
type Offer struct {
	ID      string          // by which it is asked for
	Finding finding.Finding // the first that it is for
	Count   int             // how many it accepts; of those after the first [MaxOffers] it is not told
}

// MaxOffers bounds the offers that are shown.
const MaxOffers = 50

// offerRows bound the rows of a table of offers, in falling sizes.
var offerRows = []int{MaxOffers, 10, 3}

// Offers tells in Markdown, in falling sizes, which findings may be accepted and by which command. Without any, it says so.
func Offers(offers []Offer) (out []string) {
	if len(offers) == 0 {
		return []string{"There is no finding that an exception could accept.\n"}
	}
	for _, rows := range offerRows {
		var b strings.Builder
		b.WriteString("#### If a finding is right as it is\n\nWrite a comment `/sluice ignore NAME WHY`: sluice then prepares an exception for review. " +
			"It accepts nothing until that is merged.\n\n| name | finding |\n|---|---|\n")
		for i, o := range offers {
			if i == rows {
				fmt.Fprintf(&b, "| … | and %d more, which `/sluice ignore` lists |\n", len(offers)-i)
				break
			}
			fmt.Fprintf(&b, "| %s | %s |\n", cell(o.ID), o.text())
		}
		if len(out) == 0 || len(b.String()) < len(out[len(out)-1]) {
			out = append(out, b.String())
		}
	}
	return out
}

// text describes what is accepted in a cell of a table.
func (o Offer) text() string {
	parts := []string{severityMarks[o.Finding.Severity] + " " + cell(o.Finding.Rule)}
	for _, name := range []string{o.Finding.Object, o.Finding.Path} {
		if name != "" {
			parts = append(parts, cell(name))
		}
	}
	text := strings.Join(parts, " ") + ": " + cellText(shorten(o.Finding.Message, 200))
	if o.Count > 1 {
		text += fmt.Sprintf(" (and %s)", plural(o.Count-1, "more finding"))
	}
	return text
}

// PreparedException is what the body of an exception's pull request tells.
type PreparedException struct {
	Offer    Offer
	Pull     int    // the pull request that has the finding
	By       string // login of who asks for it
	Entry    string // the exception, as it is in File
	File     string
	Until    string // its last day
	NoReason bool   // nobody has written a reason yet
}

// ExceptionBody gives the body of an exception's pull request as Markdown. sluice prepares it; whether it holds is for the reviewers to say.
func ExceptionBody(e PreparedException) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s asks, in #%d, that this be accepted until %s:\n\n", code(e.By), e.Pull, e.Until)
	fmt.Fprintf(&b, "| finding |\n|---|\n| %s |\n\n", e.Offer.text())
	if at := e.Offer.Finding.Pos.String(); at != "" {
		fmt.Fprintf(&b, "It is at %s there. ", code(at))
	}
	fmt.Fprintf(&b, "This is the exception as it was prepared, for %s:\n\n%s\n", code(e.File), fence("yaml", e.Entry))
	if e.NoReason {
		fmt.Fprintf(&b, "**Nobody has said why, when this was opened.** Write the `reason` into the file, in this branch, or comment `/sluice ignore %s WHY` on #%d: "+
			"sluice refuses an exception without one.\n\n", e.Offer.ID, e.Pull)
	}
	b.WriteString("sluice has only prepared it. It holds once somebody has reviewed and merged this; then a recheck of the other pull request, " +
		"by a comment `/sluice recheck` or a push, takes it into account. Close this if the finding should be corrected instead.\n")
	return b.String()
}
