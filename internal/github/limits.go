package github

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// awaitReset waits when the last answer said that the limit is used up.
func (t *transport) awaitReset(ctx context.Context) error {
	t.mu.Lock()
	resume := t.resume
	t.resume = time.Time{}
	t.mu.Unlock()
	after := resume.Sub(t.githubTime())
	if resume.IsZero() || after <= 0 {
		return nil
	}
	return t.wait(ctx, after+time.Second, &LimitError{After: after + time.Second, Until: resume})
}

// limitOf tells an answer that a rate limit gave, and how long to wait: it may be a 403 as well as a 429, of which the library (v60)
// knows only the first, and of GraphQL a 200. n is how many there were for this request before.
// Sources: docs.github.com "Rate limits for the REST API", "Rate limits and query limits for the GraphQL API".
func (t *transport) limitOf(req *http.Request, res *http.Response, n int) *LimitError {
	if res == nil {
		return nil
	}
	primary := res.Header.Get("X-RateLimit-Remaining") == "0"
	after, hasAfter := retryAfter(res.Header, t.githubTime())
	switch res.StatusCode {
	case http.StatusTooManyRequests:
	case http.StatusForbidden:
		if !primary && !hasAfter && !saysRateLimit(res) {
			return nil // a permission that is missing
		}
	case http.StatusOK:
		if req.Method != http.MethodPost || !strings.HasSuffix(req.URL.Path, "/graphql") || !saysRateLimit(res) {
			return nil
		}
	default:
		return nil
	}
	reset, hasReset := resetTime(res.Header)
	switch {
	case hasAfter:
	case primary && hasReset:
		after = max(reset.Sub(t.githubTime()), 0) + time.Second // clocks differ a little
	default:
		after = time.Minute << min(n, 5)
	}
	after = max(after, time.Second<<min(n, 6)) // "Retry-After: 0", or a reset that is past, must not make a loop
	return &LimitError{Secondary: !primary, After: after, Until: t.githubTime().Add(after)}
}

func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 && seconds < 1<<30 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}

// saysRateLimit reports whether an answer speaks of a rate limit, in the form of either API.
func saysRateLimit(res *http.Response) bool {
	body, _ := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(body))
	type said struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	var answer struct {
		said
		Errors []said `json:"errors"`
	}
	_ = json.Unmarshal(body, &answer) // what does not fit is not said
	return slices.ContainsFunc(append(answer.Errors, answer.said), func(s said) bool {
		return s.Type == "RATE_LIMITED" || strings.Contains(strings.ToLower(s.Message), "rate limit")
	})
}
