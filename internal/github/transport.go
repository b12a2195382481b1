package github

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxTries  = 4        // of one request that the server or the network failed
	maxAnswer = 32 << 20 // bytes; far above any answer that sluice asks for
)

// transport adds the token, waits out rate limits and repeats what may be repeated.
//
// A request that a limit refused was not carried out, so any method is sent again. One that failed otherwise (5xx, time-out,
// a connection that broke, even while the answer was read) may have been carried out: it is sent again only when that
// makes no difference, which is so for GET, PUT and DELETE, and for others when the caller said so ([repeatable]).
// Source: docs.github.com "Rate limits for the REST API".
type transport struct {
	base    http.RoundTripper
	host    string // the only one that gets the token
	token   string
	timeout time.Duration
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
	jitter  func(time.Duration) time.Duration
	calls   atomic.Int64

	mu      sync.Mutex
	maxWait time.Duration
	waited  time.Duration
	resume  time.Time // when a used-up primary limit is reset; zero while there is something left
	known   map[string]known
	kept    int // bytes of bodies in known
}

// known is an answer that is asked for again with its ETag: what has not changed does not count against the hourly limit.
// Source: docs.github.com "Best practices for using the REST API", conditional requests.
type known struct {
	etag   string
	header http.Header
	body   []byte
}

// maxKept bounds, in bytes, the answers that are remembered.
const maxKept = 16 << 20

func newTransport(opts Options, base *url.URL) *transport {
	t := &transport{
		base: opts.Transport, host: base.Host, token: opts.Token,
		timeout: cmp.Or(opts.Timeout, 30*time.Second), maxWait: cmp.Or(opts.MaxWait, 5*time.Minute),
		now: opts.Now, sleep: opts.Sleep, jitter: opts.Jitter,
		known: make(map[string]known),
	}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	if t.now == nil {
		t.now = time.Now
	}
	if t.sleep == nil {
		t.sleep = sleep
	}
	if t.jitter == nil {
		t.jitter = jitter
	}
	return t
}

type repeatableKey struct{}

// repeatable says of the request sent with the context that doing it twice is like doing it once.
func repeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatableKey{}, true)
}

func mayRepeat(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	}
	return req.Context().Value(repeatableKey{}) != nil
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if err := t.awaitReset(ctx); err != nil {
		return nil, err
	}
	limited := 0
	for try := 1; ; {
		res, err := t.send(req)
		limit := t.limitOf(res, limited)
		switch {
		case limit != nil:
			limited++
			if err := t.wait(ctx, limit.After, limit); err != nil {
				return nil, err
			}
		case ctx.Err() != nil || !failed(res, err) || !mayRepeat(req) || try == maxTries:
			return res, err
		default:
			pause := t.jitter(time.Second << (2 * (try - 1))) // 1 s, 4 s, 16 s
			if t.wait(ctx, pause, nil) != nil {
				return res, err
			}
			try++
		}
	}
}

func failed(res *http.Response, err error) bool { return err != nil || res.StatusCode >= 500 }

// send makes one request and reads the whole answer, so that a connection that breaks in the middle is seen here.
func (t *transport) send(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	attempt := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		attempt.Body = body
	}
	// A redirect may lead to another host: the token is not for that one.
	if t.token != "" && req.URL.Host == t.host {
		attempt.Header.Set("Authorization", "Bearer "+t.token)
	}
	before, asked := t.remembered(req)
	if asked {
		attempt.Header.Set("If-None-Match", before.etag)
	}
	t.calls.Add(1)
	res, err := t.base.RoundTrip(attempt)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	if asked && res.StatusCode == http.StatusNotModified {
		res.Status, res.StatusCode, body = "200 OK", http.StatusOK, before.body
		for name, values := range before.header { // a 304 leaves out most of them, Link among them
			if res.Header[name] == nil {
				res.Header[name] = values
			}
		}
	}
	t.remember(req, res, body)
	res.Body = io.NopCloser(bytes.NewReader(body))
	t.noteRate(res)
	return res, nil
}

func (t *transport) remembered(req *http.Request) (known, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	answer, ok := t.known[req.URL.String()]
	return answer, ok && req.Method == http.MethodGet
}

func (t *transport) remember(req *http.Request, res *http.Response, body []byte) {
	etag := res.Header.Get("ETag")
	if req.Method != http.MethodGet || res.StatusCode != http.StatusOK || etag == "" || req.URL.Host != t.host {
		return
	}
	header := http.Header{}
	for _, name := range []string{"Content-Type", "ETag", "Link"} {
		if values := res.Header[http.CanonicalHeaderKey(name)]; values != nil {
			header[http.CanonicalHeaderKey(name)] = values
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := req.URL.String()
	size := t.kept - len(t.known[key].body) + len(body)
	if size > maxKept {
		return
	}
	t.known[key], t.kept = known{etag, header, body}, size
}

// noteRate remembers a used-up limit. The library would do so too, with the real clock, and refuse the next call instead of
// waiting: so it is not told, by an answer that is good, when the limit is reset.
func (t *transport) noteRate(res *http.Response) {
	h := res.Header
	reset, ok := resetTime(h)
	if res.StatusCode < 400 {
		defer h.Del("X-RateLimit-Reset")
	}
	if ok && h.Get("X-RateLimit-Resource") != "graphql" { // a budget of its own
		t.mu.Lock()
		t.resume = time.Time{}
		if h.Get("X-RateLimit-Remaining") == "0" {
			t.resume = reset
		}
		t.mu.Unlock()
	}
}

func resetTime(h http.Header) (time.Time, bool) {
	seconds, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	return time.Unix(seconds, 0), err == nil && seconds > 0
}

// awaitReset waits when the last answer said that the limit is used up.
func (t *transport) awaitReset(ctx context.Context) error {
	t.mu.Lock()
	resume := t.resume
	t.resume = time.Time{}
	t.mu.Unlock()
	after := resume.Sub(t.now())
	if resume.IsZero() || after <= 0 {
		return nil
	}
	return t.wait(ctx, after+time.Second, &LimitError{After: after + time.Second, Until: resume})
}

// limitOf tells an answer that a rate limit gave, and how long to wait: it may be a 403 as well as a 429, and the library
// (v60) knows only the first. n is how many there were for this request before.
func (t *transport) limitOf(res *http.Response, n int) *LimitError {
	if res == nil || (res.StatusCode != http.StatusForbidden && res.StatusCode != http.StatusTooManyRequests) {
		return nil
	}
	primary := res.Header.Get("X-RateLimit-Remaining") == "0"
	after, hasAfter := retryAfter(res.Header, t.now())
	if !primary && !hasAfter && res.StatusCode == http.StatusForbidden && !saysRateLimit(res) {
		return nil // a permission that is missing
	}
	reset, hasReset := resetTime(res.Header)
	switch {
	case hasAfter:
	case primary && hasReset:
		after = max(reset.Sub(t.now()), 0) + time.Second // clocks differ a little
	default:
		after = time.Minute << min(n, 5)
	}
	after = max(after, time.Second) // "Retry-After: 0" must not make a loop
	return &LimitError{Secondary: !primary, After: after, Until: t.now().Add(after)}
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

func saysRateLimit(res *http.Response) bool {
	body, _ := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(body))
	var answer struct {
		Message string `json:"message"`
	}
	return json.Unmarshal(body, &answer) == nil && strings.Contains(strings.ToLower(answer.Message), "rate limit")
}

// wait sleeps, unless that were more than what all waiting may take: then it returns because, or a plain error.
func (t *transport) wait(ctx context.Context, d time.Duration, because *LimitError) error {
	t.mu.Lock()
	enough := t.waited+d <= t.maxWait
	if enough {
		t.waited += d
	}
	t.mu.Unlock()
	switch {
	case enough:
		return t.sleep(ctx, d)
	case because != nil:
		because.Max = t.maxWait
		return because
	default:
		return errors.New("waited long enough")
	}
}
