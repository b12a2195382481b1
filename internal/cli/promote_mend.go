package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/github"
)

// The first line of a body says how far an earlier run came, and what GitHub refused of it. It is a hint for what need not be done again, and for
// whether a run closed the pull request; what is promoted does not depend on it.
var (
	bodyMarker  = regexp.MustCompile(`^<!-- sluice:promotion head=([0-9a-f]{40,64}) state=([0-9a-f]{32})(?: lacks=([a-z,]+)(?: tried=([0-9]{1,9}))?)? -->`)
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

// triedAt gives the hour, counted from 1970, in which what a pull request lacks was refused again; 0 where no later run has tried.
func triedAt(p github.PullRequest) int64 {
	m := bodyMarker.FindStringSubmatch(p.Body)
	if m == nil {
		return 0
	}
	hour, _ := strconv.ParseInt(m[4], 10, 64) // "" is 0
	return hour
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
// make every run as long as the first. What was refused again is left alone for hoursBetween.
const (
	maxRefused   = 2
	hoursBetween = 24
)

// mendAll publishes anew what pull requests lack about which nothing else is to be done: what was refused once may not be now. Those that no run
// has tried come first, then those that were tried the longest ago; once GitHub takes something, none waits for its day.
func (o *opener) mendAll(ctx context.Context) error {
	lacking := o.tally.lacking
	slices.SortStableFunc(lacking, func(a, b *work) int { return cmp.Compare(triedAt(a.pull), triedAt(b.pull)) })
	refused, takes, errs := 0, false, []error{}
	for _, w := range lacking {
		before := triedAt(w.pull)
		early := before > 0 && w.hour()-before < hoursBetween && w.hour() >= before
		if refused == maxRefused || o.spent() {
			break
		}
		if early && !takes {
			continue
		}
		calls, said := o.client.Calls(), len(w.notes)
		err := w.mend(ctx)
		if w.opener != o { // that of a promotion which a person asked for has told its notes
			o.notes = append(o.notes, w.notes[said:]...)
		}
		switch {
		case errors.Is(err, github.ErrMoved): // the next run sees what it is now
		case err != nil:
			errs = append(errs, fmt.Errorf("publish what pull request %d lacks: %w", w.pull.Number, err))
		case w.lacks != "":
			refused++
		default:
			takes = true
			o.tally.count(o.client.Calls() - calls)
		}
		if hopeless(ctx, err) {
			break
		}
	}
	return errors.Join(errs...)
}

func (w *work) hour() int64 { return w.now.Unix() / 3600 }

// mend publishes of a pull request what it lacks, and nothing else: what people did to its labels, its title or auto-merge since stays.
func (w *work) mend(ctx context.Context) error {
	checked, err := w.check(ctx)
	if err != nil {
		return err
	}
	texts := strings.Contains(w.lacks, lacksText)
	p := w.publication(checked)
	if !texts {
		p.Comment = nil
	}
	if !strings.Contains(w.lacks, lacksCheck) {
		p.Check = github.CheckRun{}
	}
	outcome := w.client.Publish(ctx, p)
	if len(outcome.Missing) > 0 {
		return outcome.Missing[0].Why
	}
	w.noteLacks(outcome)
	if texts {
		err = w.writeBody(ctx, checked, w.pull.Title)
	}
	if err != nil || texts && w.lacks == "" {
		return err
	}
	return w.stamp(ctx)
}

// stamp writes what a pull request lacks now, and when that was tried, into the first line of its body, and leaves the rest as it is.
func (w *work) stamp(ctx context.Context) error {
	line := fmt.Sprintf("<!-- sluice:promotion head=%s state=%s", w.is.Tip, w.want.State)
	if w.lacks != "" {
		line += fmt.Sprintf(" lacks=%s tried=%d", w.lacks, w.hour())
	}
	body := line + " -->" + w.pull.Body[len(bodyMarker.FindString(w.pull.Body)):]
	if utf8.RuneCountInString(body) > github.MaxPullBody {
		return nil // the next run tries again
	}
	_, err := w.client.Describe(ctx, w.pull.Number, w.pull.Title, []string{body})
	w.pull.Body = body
	return err
}
