package cli

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/github"
)

// The first line of a body says how far an earlier run came, and what GitHub refused of it. It is a hint for what need not be done again, and for
// whether a run closed the pull request; what is promoted does not depend on it.
var (
	bodyMarker  = regexp.MustCompile(`^<!-- sluice:promotion head=([0-9a-f]{40,64}) state=([0-9a-f]{32})(?: lacks=([a-z,]+))? -->`)
	closeMarker = "<!-- sluice:promotion closed -->"
)

// What a pull request can lack.
const (
	lacksCheck = "check" // there is a commit status in place of the check run, or the check run is bare
	lacksText  = "text"  // the comment or the body stands in a shorter form, though the longer one should fit
)

// published gives the digest of what was published on a pull request as it is, "" where that did not end; and what it lacks of that.
func published(p github.PullRequest) (state, lacks string) {
	m := bodyMarker.FindStringSubmatch(p.Body)
	if m == nil || m[1] != p.Head {
		return "", ""
	}
	return m[2], m[3]
}

// marked puts the first line before a body in its several lengths.
func (w *work) marked(bodies []string) []string {
	out, lacks := make([]string, len(bodies)), w.lacks
	for i, body := range bodies {
		hint := ""
		if lacks != "" {
			hint = " lacks=" + lacks
		}
		out[i] = fmt.Sprintf("<!-- sluice:promotion head=%s state=%s%s -->\n%s", w.is.Tip, w.want.State, hint, body)
		if utf8.RuneCountInString(out[i]) <= github.MaxPullBody {
			lacks = joinWords(lacks, lacksText) // what comes after it is written only where it was refused
		}
	}
	return out
}

// noteLacks takes note of what GitHub refused of a publication.
func (w *work) noteLacks(outcome github.Outcome) {
	w.lacks = ""
	if check := outcome.Check; check != nil {
		if check.Kind == github.AsStatus || check.Bare != nil {
			w.lacks = lacksCheck
		}
		if check.Contradicts != nil {
			w.notes = append(w.notes, fmt.Sprintf("pull request %d: an older verdict contradicts the check run: %v", w.pull.Number, check.Contradicts))
		}
	}
	if comment := outcome.Comment; comment != nil && comment.Refused {
		w.lacks = joinWords(w.lacks, lacksText)
	}
}

func joinWords(list, word string) string {
	words := strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
	if !slices.Contains(words, word) {
		words = append(words, word)
	}
	return strings.Join(words, ",")
}

// maxRefused bounds of how many pull requests a run publishes anew what GitHub refuses again: a token that may never write check runs must not
// make every run as long as the first.
const maxRefused = 2

// mend publishes a pull request anew that lacks something, though nothing is to be done about it: what was refused once may not be now.
func (w *work) mend(ctx context.Context) error {
	if w.lacks == "" || w.tally.refused == maxRefused || w.spent() {
		return nil
	}
	if err := w.publishAll(ctx); err != nil {
		return err
	}
	if w.lacks != "" {
		w.tally.refused++
	} else {
		w.wrote = true
	}
	return nil
}
