package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Review is one review of a pull request, in the order in which they were made.
type Review struct {
	By     string // login
	State  string // as GitHub gives it: APPROVED, CHANGES_REQUESTED, DISMISSED, COMMENTED
	Commit string // what was reviewed
	// Member says that the reviewer belongs to the repository: anybody may approve a pull request of a public one.
	Member bool
}

// approvals counts the people whose newest word on the pull request is an approval of what it holds now.
func approvals(want int, pull *Pull) Gate {
	g := Gate{Name: "approvals"}
	switch {
	case pull == nil:
		g.Reason = fmt.Sprintf("there is no pull request yet: it needs %s", people(want))
		return g
	case !pull.Reviews.Read:
		g.Reason = "the reviews of the pull request cannot be read: " + pull.Reviews.problem()
		return g
	}
	newest := make(map[string]Review)
	for _, review := range pull.Reviews.Items {
		switch review.State {
		case "APPROVED", "CHANGES_REQUESTED", "DISMISSED": // a comment takes nothing back
			if review.Member {
				newest[review.By] = review
			}
		}
	}
	var by, against []string
	for _, login := range slices.Sorted(maps.Keys(newest)) {
		switch review := newest[login]; {
		case review.State == "CHANGES_REQUESTED":
			against = append(against, login)
		case review.State == "APPROVED" && review.Commit == pull.Head:
			by = append(by, login)
		}
	}
	switch {
	case len(against) > 0:
		g.Reason = "changes are requested by " + strings.Join(against, ", ")
	case len(by) < want:
		g.Reason = fmt.Sprintf("%d of %s to approve it as it is now", len(by), people(want))
	default:
		g.Open, g.Reason = true, "approved by "+strings.Join(by, ", ")
	}
	return g
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
