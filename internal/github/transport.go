package github

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
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
// A request that a limit refused was not carried out, so any method is sent again; neither was one whose token has expired, which is
// sent again with a new one. One that failed otherwise (5xx, time-out, a connection that broke, even while the answer was read) may have
// been carried out: it is sent again only when that makes no difference, which is so for GET, PUT and DELETE, and for others when the
// caller said so ([repeatable]).
// Source: docs.github.com "Rate limits for the REST API".
type transport struct {
	base    http.RoundTripper
	home    *url.URL // scheme and host that alone get the token
	tokens  tokens
	timeout time.Duration
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
	jitter  func(time.Duration) time.Duration
	calls   atomic.Int64

	waiting *waiting

	mu     sync.Mutex
	resume time.Time     // when a used-up primary limit is reset, by GitHub's clock; zero while there is something left
	ahead  time.Duration // how far GitHub's clock is ahead of ours, as its last answer says
	known  map[string]known
	kept   int // bytes of bodies in known
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
		base: opts.Transport, home: base, tokens: fixedToken(opts.Token),
		timeout: cmp.Or(opts.Timeout, 30*time.Second), waiting: &waiting{most: cmp.Or(opts.MaxWait, 5*time.Minute)},
		now: opts.Now, sleep: opts.Sleep, jitter: opts.Jitter,
		known: make(map[string]known),
	}
	if opts.Installation != nil {
		t.tokens, t.waiting = opts.Installation, opts.Installation.api.transport.waiting
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
	res, err := t.carryOut(req)
	hideReset(res)
	return res, err
}

func (t *transport) carryOut(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if err := t.awaitReset(ctx); err != nil {
		return nil, err
	}
	token, err := t.tokenFor(req, "")
	if err != nil {
		return nil, err
	}
	limited, renewed := 0, false
	for try := 1; ; {
		res, err := t.send(req, token)
		limit := t.limitOf(req, res, limited)
		switch {
		case limit != nil:
			limited++
			if err := t.wait(ctx, limit.After, limit); err != nil {
				return nil, err
			}
		case res != nil && res.StatusCode == http.StatusUnauthorized && !renewed:
			fresh, err := t.tokenFor(req, token)
			if err != nil {
				return nil, err
			}
			if fresh == token {
				return res, nil
			}
			token, renewed = fresh, true
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

// tokenFor gives the token for a request, another one than that which GitHub refused. A redirect may lead elsewhere, or to where all may
// listen: the token is not for that.
func (t *transport) tokenFor(req *http.Request, refused string) (string, error) {
	if !t.atHome(req) {
		return "", nil
	}
	token, err := t.tokens.token(req.Context(), refused)
	if err != nil {
		return "", &tokenError{err}
	}
	return token, nil
}

// atHome reports whether a request goes to GitHub, by the way that was chosen.
func (t *transport) atHome(req *http.Request) bool {
	return req.URL.Host == t.home.Host && req.URL.Scheme == t.home.Scheme
}

func failed(res *http.Response, err error) bool { return err != nil || res.StatusCode >= 500 }

// send makes one request and reads the whole answer, so that a connection that breaks in the middle is seen here.
func (t *transport) send(req *http.Request, token string) (*http.Response, error) {
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
	if token != "" {
		attempt.Header.Set("Authorization", "Bearer "+token)
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
	if t.atHome(req) {
		t.noteClock(res)
	}
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
	if req.Method != http.MethodGet || res.StatusCode != http.StatusOK || etag == "" || !t.atHome(req) {
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

// maxDrift is how far two clocks may be apart without anybody minding.
const maxDrift = 10 * time.Second

// noteClock notes how far GitHub's clock is ahead of ours: what it says of times is by its own, and that of a runner may be wrong.
func (t *transport) noteClock(res *http.Response) {
	at, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return
	}
	ahead := at.Sub(t.now())
	if ahead.Abs() <= maxDrift {
		ahead = 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ahead = ahead
}

// githubTime is now, by GitHub's clock.
func (t *transport) githubTime() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now().Add(t.ahead)
}

// noteRate remembers a used-up limit.
func (t *transport) noteRate(res *http.Response) {
	h := res.Header
	reset, ok := resetTime(h)
	if ok && h.Get("X-RateLimit-Resource") != "graphql" { // a budget of its own
		t.mu.Lock()
		t.resume = time.Time{}
		if h.Get("X-RateLimit-Remaining") == "0" {
			t.resume = reset
		}
		t.mu.Unlock()
	}
}

// hideReset keeps from the library when the limit is reset, whatever the answer is: it would refuse the next call, by the real clock,
// instead of waiting.
func hideReset(res *http.Response) {
	if res != nil {
		res.Header.Del("X-RateLimit-Reset")
	}
}

func resetTime(h http.Header) (time.Time, bool) {
	seconds, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	return time.Unix(seconds, 0), err == nil && seconds > 0
}

// waiting is what all waiting of a run takes together, and the most that it may.
type waiting struct {
	most time.Duration

	mu    sync.Mutex
	spent time.Duration
}

// take reports whether there is time left for a wait, and counts it.
func (w *waiting) take(d time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.spent+d > w.most {
		return false
	}
	w.spent += d
	return true
}

// wait sleeps, unless that were more than what all waiting may take: then it returns because, or a plain error.
func (t *transport) wait(ctx context.Context, d time.Duration, because *LimitError) error {
	switch {
	case t.waiting.take(d):
		return t.sleep(ctx, d)
	case because != nil:
		because.Max = t.waiting.most
		return because
	default:
		return errors.New("waited long enough")
	}
}
