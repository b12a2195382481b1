package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/pipeline"
)

const (
	// maxOffers bounds the lines about what one environment offers back to another.
	maxOffers = 10
	// offersFor is how old an offer may be to be told of, compared with the newest commit: what a later environment has had by itself for longer
	// is more likely its own than a hotfix that was forgotten. The JSON form has all.
	offersFor = 30 * 24 * time.Hour
)

// dateOffers adds the times of offers, and sorts those along each edge from the newest to the oldest.
func dateOffers(ctx context.Context, repo *git.Repo, s *pipeline.Status) error {
	known := make(map[string]string)
	for i := range s.Offers {
		o := &s.Offers[i]
		if o.Commit == "" {
			continue
		}
		if _, ok := known[o.Commit]; !ok {
			at, err := repo.CommitTime(ctx, o.Commit)
			if err != nil {
				return err
			}
			known[o.Commit] = at.Format(time.RFC3339)
		}
		o.Since = known[o.Commit]
	}
	now, err := repo.CommitTime(ctx, s.Commit)
	if err != nil {
		return err
	}
	s.Recent = now.Add(-offersFor).Format(time.RFC3339)
	edge := func(o pipeline.Offer) string { return o.App + "\x00" + o.From + "\x00" + o.To + "\x00" + o.FromTarget }
	for begin := 0; begin < len(s.Offers); {
		end := begin
		for end < len(s.Offers) && edge(s.Offers[end]) == edge(s.Offers[begin]) {
			end++
		}
		slices.SortStableFunc(s.Offers[begin:end], func(a, b pipeline.Offer) int {
			return strings.Compare(b.Since+b.Commit, a.Since+a.Commit) // RFC 3339 in UTC sorts by time
		})
		begin = end
	}
	return nil
}

// offerLines tell what later environments changed first, and how the earlier one gets it: commit by commit.
func offerLines(s *pipeline.Status) (lines []string) {
	shown, older, more := 0, 0, 0 // of one application and environment
	told := false                 // something that the next command takes back
	for i, offer := range s.Offers {
		switch {
		case offer.Since != "" && offer.Since < s.Recent:
			older++
		case shown >= maxOffers:
			more++
		default:
			shown, told = shown+1, true
			lines = append(lines, offer.OfferText())
		}
		last := i+1 == len(s.Offers) || s.Offers[i+1].App != offer.App || s.Offers[i+1].From != offer.From
		if told && (last || s.Offers[i+1].Command() != offer.Command()) {
			lines, told = append(lines, fmt.Sprintf("%s: take it back to %s: %s", offer.App, offer.To, offer.Command())), false
		}
		if !last {
			continue
		}
		if more > 0 {
			lines = append(lines, fmt.Sprintf("%s: … and %d more of %s", offer.App, more, offer.From))
		}
		if older > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s has had %s by itself for more than 30 days: --output json tells of them", offer.App, offer.From, counted(older, "other change")))
		}
		shown, older, more = 0, 0, 0
	}
	return lines
}
