package github

import (
	"context"
	"errors"
)

// Publication is everything that one run has to tell GitHub.
type Publication struct {
	Head       string   // the commit that it is about; a full id
	Pull       int      // pull request number; 0: there is none, and no comment
	CommentID  string   // names the comment among those of sluice: "check"
	Comment    []string // its body in several lengths, the largest first; none: no comment
	UpdateOnly bool     // of the comment, see CommentOptions
	Check      CheckRun // no Name: no check run. Its Head is set here
}

// Outcome says what of a [Publication] was published.
type Outcome struct {
	Comment *CommentResult // nil: none was asked for, or it is missing
	Check   *CheckResult   // the same
	Missing []Missing      // what was asked for and could not be published
	Calls   int            // requests that it took
}

// Missing is a part that could not be published.
type Missing struct {
	What string // "comment", "check run"
	Why  error
}

// Degraded reports whether all that is missing is for want of permission: the expected lot of a pull request from a fork,
// whose result then stands in the step summary and the annotations.
func (o Outcome) Degraded() bool {
	for _, m := range o.Missing {
		var permission *PermissionError
		if !errors.As(m.Why, &permission) {
			return false
		}
	}
	return len(o.Missing) > 0
}

// Publish publishes each part, whatever becomes of the others. It has no error: what is missing, and why, is in the outcome,
// and the caller must show it.
func (c *Client) Publish(ctx context.Context, p Publication) Outcome {
	var out Outcome
	before := c.Calls()
	if p.Check.Name != "" {
		p.Check.Head = p.Head
		if result, err := c.PublishCheck(ctx, p.Check); err != nil {
			out.Missing = append(out.Missing, Missing{"check run", err})
		} else {
			out.Check = &result
		}
	}
	if p.Pull > 0 && len(p.Comment) > 0 {
		opts := CommentOptions{Head: p.Head, UpdateOnly: p.UpdateOnly}
		if result, err := c.UpsertComment(ctx, p.Pull, p.CommentID, p.Comment, opts); err != nil {
			out.Missing = append(out.Missing, Missing{"comment", err})
		} else {
			out.Comment = &result
		}
	}
	out.Calls = c.Calls() - before
	return out
}
