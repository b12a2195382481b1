package github

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	gogithub "github.com/google/go-github/v60/github"
)

// LimitError says that GitHub's rate limit asks for a longer wait than sluice is willing to take.
type LimitError struct {
	Secondary bool          // too much at once; else the hourly budget is used up
	After     time.Duration // how long GitHub asks to wait
	Until     time.Time
	Max       time.Duration // how long all waiting of a run may take
}

func (e *LimitError) Error() string {
	what := "the hourly rate limit of this token is used up"
	if e.Secondary {
		what = "GitHub refuses more requests for now (secondary rate limit)"
	}
	return fmt.Sprintf("%s until %s, in %s: a run waits at most %s. Run it again later",
		what, e.Until.UTC().Format("15:04:05 MST"), e.After.Round(time.Second), e.Max)
}

// PermissionError says that the token may not do something, and what would let it.
type PermissionError struct {
	Doing string // "write the comment on pull request 7"
	Needs string // "pull-requests: write"
	Said  string // GitHub's own words
}

func (e *PermissionError) Error() string {
	return fmt.Sprintf("GitHub refused to %s (%s). The token lacks a permission; give it to the workflow's job:\n"+
		"    permissions:\n      %s\n"+
		"A pull request from a fork, or by Dependabot, always gets a token that can only read.", e.Doing, e.Said, e.Needs)
}

// RefusedError says that GitHub would not do something for a reason that no permission changes.
type RefusedError struct {
	Doing  string
	Status int    // of the answer; 0 when there was none
	Reason string // what is wrong, in a sentence
	err    error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("could not %s: %s", e.Doing, e.Reason)
}

func (e *RefusedError) Unwrap() error { return e.err }

// tokenError says that there is no token to call with. What GitHub answered when it was asked for one is no answer to the call itself: of
// that, only a rate limit and a run that ended show through.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return e.err.Error() }

func (e *tokenError) Is(target error) bool { return errors.Is(e.err, target) }

func (e *tokenError) As(target any) bool {
	limit, ok := target.(**LimitError)
	return ok && errors.As(e.err, limit)
}

// explain turns what a call returned into one of the errors above. Needs is the permission that the call takes.
func (c *Client) explain(doing, needs string, err error) error {
	if err == nil {
		return nil
	}
	var limit *LimitError
	if errors.As(err, &limit) {
		return fmt.Errorf("%s: %w", doing, limit)
	}
	if rate := new(gogithub.RateLimitError); errors.As(err, &rate) {
		reset := rate.Rate.Reset.Time
		return fmt.Errorf("%s: %w", doing, &LimitError{After: reset.Sub(c.transport.githubTime()), Until: reset, Max: c.transport.waiting.most})
	}
	if noToken := new(tokenError); errors.As(err, &noToken) {
		return &RefusedError{Doing: doing, Status: http.StatusUnauthorized, Reason: noToken.Error(), err: err}
	}
	status, said := statusOf(err), saidBy(err)
	reason := said
	switch {
	case status == http.StatusForbidden && strings.Contains(strings.ToLower(said), "locked"):
		reason = "the conversation is locked, and only people with write access may comment"
	case status == http.StatusForbidden && needs != "":
		return &PermissionError{doing, needs, fmt.Sprintf("403 %s", said)}
	case status == http.StatusUnauthorized:
		reason = "the token is not valid (401): it may have expired, or be for another server"
	case status == http.StatusNotFound:
		reason = fmt.Sprintf("not found (404): it does not exist in %s/%s, or the token may not see it", c.owner, c.repo)
	case status >= 500:
		reason = fmt.Sprintf("GitHub has a problem (%d) that did not go away: run it again later", status)
	case status == 0:
		reason = err.Error()
	}
	return &RefusedError{Doing: doing, Status: status, Reason: reason, err: err}
}

// statusOf gives the HTTP status of an error, 0 when the error is of another kind.
func statusOf(err error) int {
	var answer *gogithub.ErrorResponse
	var rate *gogithub.RateLimitError
	var abuse *gogithub.AbuseRateLimitError
	var twoFactor *gogithub.TwoFactorAuthError
	switch {
	case errors.As(err, &answer) && answer.Response != nil:
		return answer.Response.StatusCode
	case errors.As(err, &rate), errors.As(err, &abuse): // a 403 that no permission changes
		return http.StatusTooManyRequests
	case errors.As(err, &twoFactor):
		return http.StatusUnauthorized
	}
	return 0
}

// saidBy gives GitHub's own words, with those about each field.
func saidBy(err error) string {
	var answer *gogithub.ErrorResponse
	if !errors.As(err, &answer) {
		return err.Error()
	}
	words := []string{answer.Message}
	for _, e := range answer.Errors {
		detail := e.Message
		if detail == "" {
			detail = strings.TrimSpace(e.Field + " " + e.Code)
		}
		words = append(words, detail)
	}
	return fmt.Sprintf("%.500s", strings.Join(words, "; "))
}

// uncertain reports whether a request may have been carried out although it failed: a create must then look before it tries
// again.
func uncertain(err error) bool {
	if err == nil || errors.As(err, new(*LimitError)) || errors.As(err, new(*tokenError)) || errors.Is(err, errMovedAway) {
		return false
	}
	status := statusOf(err)
	return status == 0 || status >= 500
}
