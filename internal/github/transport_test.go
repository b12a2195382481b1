package github_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

const second = time.Second

// pullOf gives the pull request of a payload.
func pullOf(t *testing.T, payload []byte) map[string]any {
	t.Helper()
	var event struct {
		PullRequest map[string]any `json:"pull_request"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		t.Fatal(err)
	}
	return event.PullRequest
}

func pullWithHead(t *testing.T, payload []byte, head string) map[string]any {
	pull := pullOf(t, payload)
	pull["head"].(map[string]any)["sha"] = head
	return pull
}

func TestLimitsAreWaitedOut(t *testing.T) {
	t.Parallel()
	start := newClock().now()
	for name, tt := range map[string]struct {
		fault githubtest.Fault
		want  []time.Duration
	}{
		"primary, 403":                         {githubtest.PrimaryLimit(403, start.Add(40*second)), []time.Duration{41 * second}},
		"primary, 429":                         {githubtest.PrimaryLimit(429, start.Add(40*second)), []time.Duration{41 * second}},
		"primary, reset in the past":           {githubtest.PrimaryLimit(403, start.Add(-40*second)), []time.Duration{second}},
		"secondary, 403":                       {githubtest.SecondaryLimit(403, 30*second), []time.Duration{30 * second}},
		"secondary, 429":                       {githubtest.SecondaryLimit(429, 30*second), []time.Duration{30 * second}},
		"secondary, 403, no header":            {githubtest.SecondaryLimit(403, -1), []time.Duration{60 * second}},
		"secondary, 429, no header":            {githubtest.SecondaryLimit(429, -1), []time.Duration{60 * second}},
		"secondary, retry at once":             {githubtest.SecondaryLimit(429, 0), []time.Duration{second}},
		"secondary, twice, without headers":    {times(2, githubtest.SecondaryLimit(429, -1)), []time.Duration{60 * second, 120 * second}},
		"secondary, until a date":              {retryAt(start.Add(50 * second)), []time.Duration{50 * second}},
		"secondary, until a date that is over": {retryAt(start.Add(-50 * second)), []time.Duration{second}},
		"retry at once, again and again":       {times(5, githubtest.SecondaryLimit(403, 0)), []time.Duration{second, 2 * second, 4 * second, 8 * second, 16 * second}},
		"reset in the past, again and again":   {times(4, githubtest.PrimaryLimit(429, start.Add(-time.Hour))), []time.Duration{second, 2 * second, 4 * second, 8 * second}},
	} {
		for _, method := range []string{"GET", "POST"} { // a create that a limit refused was not carried out: it is repeated too
			t.Run(name+", "+method, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				s.gh.AddFault(tt.fault.On(method, commentsPath))
				s.upsert(t, s.client, s.head, "one")
				s.wantBodies(t, "one")
				if !slices.Equal(s.clock.slept, tt.want) {
					t.Errorf("slept %v, want %v", s.clock.slept, tt.want)
				}
			})
		}
	}
}

func times(n int, f githubtest.Fault) githubtest.Fault {
	f.Times = n
	return f
}

// retryAt is a secondary limit whose header names a time, as HTTP lets it.
func retryAt(at time.Time) githubtest.Fault {
	f := githubtest.SecondaryLimit(429, 0)
	f.Header["Retry-After"] = at.UTC().Format(http.TimeFormat)
	return f
}

// TestGraphQLLimitsAreWaitedOut: GraphQL answers 200 where a limit is used up. Who does not see that takes the token for somebody else's.
func TestGraphQLLimitsAreWaitedOut(t *testing.T) {
	t.Parallel()
	start := newClock().now()
	for name, tt := range map[string]struct {
		fault githubtest.Fault
		want  time.Duration
	}{
		"primary":         {githubtest.GraphQLLimit(start.Add(40 * second)), 41 * second},
		"secondary, 200":  {githubtest.GraphQLLimit(time.Time{}), 60 * second},
		"secondary, 403":  {githubtest.SecondaryLimit(403, 20*second), 20 * second},
		"no answer: once": {githubtest.Fault{Status: 502}, second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			client := s.as(t, s.gh.AddToken("app", githubtest.Token{Login: "acme[bot]", App: "acme"}))
			s.gh.AddFault(tt.fault.On("POST", "/graphql"))
			if login, err := client.Login(t.Context()); err != nil || login != "acme[bot]" {
				t.Errorf("%q, %v", login, err)
			}
			if !slices.Equal(s.clock.slept, []time.Duration{tt.want}) {
				t.Errorf("slept %v, want %v", s.clock.slept, tt.want)
			}
		})
	}
	t.Run("a mutation", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		s.gh.AddFault(githubtest.GraphQLLimit(s.clock.now().Add(40*second)).On("POST", "/graphql"))
		pulls, err := s.client.PullsOf(t.Context(), "feature")
		if err != nil || len(pulls) != 1 {
			t.Fatal(pulls, err)
		}
		if err := s.client.SetDraft(t.Context(), pulls[0], true); err != nil || !s.repo.Pulls()[0].Draft || len(s.clock.slept) != 1 {
			t.Errorf("%v after %v", err, s.clock.slept)
		}
	})
}

func TestLimitThatIsTooLong(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.gh.AddFault(githubtest.PrimaryLimit(403, s.clock.now().Add(41*time.Minute)).On("GET", commentsPath))
	_, err := s.client.UpsertComment(context.Background(), s.pr, "check", []string{"one"}, github.CommentOptions{Head: s.head})
	var limit *github.LimitError
	if !errors.As(err, &limit) || limit.Secondary || len(s.clock.slept) != 0 {
		t.Fatalf("%v after %v, want a LimitError at once", err, s.clock.slept)
	}
	if want := "the hourly rate limit of this token is used up until 09:41:01 UTC, in 41m1s: a run waits at most 5m0s"; !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not say %q", err, want)
	}
}

// All waiting of a run is bounded together, so that a run that is refused again and again ends.
func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	f := githubtest.SecondaryLimit(403, 50*second).On("GET", commentsPath)
	f.Times = -1
	s.gh.AddFault(f)
	_, err := s.client.UpsertComment(context.Background(), s.pr, "check", []string{"one"}, github.CommentOptions{Head: s.head})
	var limit *github.LimitError
	if !errors.As(err, &limit) || !limit.Secondary || len(s.clock.slept) != 6 {
		t.Errorf("%v after %v, want a LimitError after six times fifty seconds", err, s.clock.slept)
	}
}

// A limit that the last good answer announced is waited for before the next call, by our clock.
func TestLimitIsSeenComing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	reset := s.clock.now().Add(20 * second)
	f := githubtest.Fault{Method: "GET", Path: pullPath, Status: 200, Body: pullOf(t, s.repo.PullRequestEvent(s.pr, "opened"))}
	f.Header = githubtest.PrimaryLimit(0, reset).Header
	s.gh.AddFault(f)
	s.upsert(t, s.client, s.head, "one")
	s.wantBodies(t, "one")
	if want := []time.Duration{21 * second}; !slices.Equal(s.clock.slept, want) {
		t.Errorf("slept %v, want %v", s.clock.slept, want)
	}
}

// TestLimitIsSeenComingOnARefusal: an answer that refuses may be the last of the hour. What follows waits, and is never taken for forbidden.
func TestLimitIsSeenComingOnARefusal(t *testing.T) {
	t.Parallel()
	for _, status := range []int{404, 409, 422} {
		s := newScene(t)
		f := githubtest.PrimaryLimit(status, s.clock.now().Add(20*second)).On("GET", "/repos/*/*/commits/*/check-runs")
		f.Body = nil
		s.gh.AddFault(f)
		got, err := s.client.PublishCheck(t.Context(), s.check(0))
		if status == 409 {
			if errors.As(err, new(*github.PermissionError)) || err == nil {
				t.Errorf("%d: %v", status, err)
			}
			got, err = s.client.PublishCheck(t.Context(), s.check(0))
		}
		if err != nil || got.Kind == "" || !slices.Equal(s.clock.slept, []time.Duration{21 * second}) {
			t.Errorf("%d: %+v, %v after %v, want the verdict published after 21 s", status, got, err, s.clock.slept)
		}
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault githubtest.Fault
		slept []time.Duration
		fails bool
	}{
		"once":                   {githubtest.Fault{Status: 502}, []time.Duration{second}, false},
		"three times":            {githubtest.Fault{Status: 503, Times: 3}, []time.Duration{second, 4 * second, 16 * second}, false},
		"for good":               {githubtest.Fault{Status: 500, Times: -1}, []time.Duration{second, 4 * second, 16 * second}, true},
		"in the middle":          {githubtest.Fault{Reset: true, Apply: true}, []time.Duration{second}, false},
		"no answer in time":      {githubtest.Fault{Hang: true}, []time.Duration{second}, false},
		"not found is not tried": {githubtest.Fault{Status: 404}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.gh.AddFault(tt.fault.On("GET", pullPath))
			client := s.as(t, s.gh.ActionsToken(), func(o *github.Options) {
				if tt.fault.Hang {
					o.Timeout = second / 2
				}
			})
			_, err := client.UpsertComment(context.Background(), s.pr, "check", []string{"one"}, github.CommentOptions{Head: s.head})
			if (err != nil) != tt.fails || !slices.Equal(s.clock.slept, tt.slept) {
				t.Errorf("%v after %v, want %v", err, s.clock.slept, tt.slept)
			}
			if n := len(s.gh.Requests()); client.Calls() != n {
				t.Errorf("%d calls are counted, and %d were made", client.Calls(), n)
			}
		})
	}
}

// TestPausesDiffer: clients that fail at once must not all come back at once.
func TestPausesDiffer(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	seen := make(map[time.Duration]bool)
	for range 8 {
		s.clock.slept = nil
		s.gh.AddFault(githubtest.Fault{Method: "GET", Path: pullPath, Status: 502, Times: 3})
		s.upsert(t, s.as(t, s.gh.ActionsToken(), func(o *github.Options) { o.Jitter = nil }), s.head, "text")
		for i, most := range []time.Duration{second, 4 * second, 16 * second} {
			if pause := s.clock.slept[i]; pause < most/2 || pause > most {
				t.Errorf("pause %d is %v, want between %v and %v", i+1, pause, most/2, most)
			}
		}
		seen[s.clock.slept[2]] = true
	}
	if len(seen) == 1 {
		t.Errorf("eight times the same pause: %v", seen)
	}
}

func TestCancelledRunStops(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.client.UpsertComment(ctx, s.pr, "check", []string{"one"}, github.CommentOptions{Head: s.head})
	if !errors.Is(err, context.Canceled) || len(s.gh.Requests()) != 0 {
		t.Errorf("%v, %d requests", err, len(s.gh.Requests()))
	}
}

// The token goes to GitHub only, wherever a redirect leads.
func TestTokenStaysHome(t *testing.T) {
	t.Parallel()
	var visits, leaks atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		if r.Header.Get("Authorization") != "" {
			leaks.Add(1)
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer elsewhere.Close()
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	defer home.Close()
	client, err := github.New(github.Options{Repo: "acme/config", APIURL: home.URL, Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = client.Login(context.Background())
	if visits.Load() == 0 || leaks.Load() != 0 {
		t.Errorf("another host was asked %d times, and got the token %d times", visits.Load(), leaks.Load())
	}
}

// TestAnswerWithoutEnd has a server that never stops, plainly and in what unpacks: reading ends, and says why.
func TestAnswerWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, pack := range map[string]bool{"plain": false, "packed": true} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			to := io.Writer(w)
			if pack {
				w.Header().Set("Content-Encoding", "gzip")
				packed := gzip.NewWriter(w)
				defer packed.Close()
				to = packed
			}
			blanks := bytes.Repeat([]byte(" "), 1<<20)
			for r.Context().Err() == nil {
				if _, err := to.Write(blanks); err != nil {
					return
				}
			}
		}))
		client, err := github.New(github.Options{
			Repo: "acme/config", APIURL: server.URL, Sleep: func(context.Context, time.Duration) error { return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.OpenPull(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "larger than 33554432 bytes") {
			t.Errorf("%s: %v", name, err)
		}
		server.CloseClientConnections()
		server.Close()
	}
}

// TestTokenIsNotForEverybodyToHear: a redirect to the same host in plain text does not get the token.
func TestTokenIsNotForEverybodyToHear(t *testing.T) {
	t.Parallel()
	var seen []string
	client, err := github.New(github.Options{Repo: "acme/config", APIURL: "https://ghe.example.com/api/v3", Token: "secret", Transport: roundTrip(func(req *http.Request) *http.Response {
		seen = append(seen, req.URL.Scheme+" "+req.Header.Get("Authorization"))
		if req.URL.Scheme == "http" {
			return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody, Request: req}
		}
		return &http.Response{
			StatusCode: http.StatusMovedPermanently, Header: http.Header{"Location": {"http" + strings.TrimPrefix(req.URL.String(), "https")}}, Body: http.NoBody, Request: req,
		}
	})})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = client.Branch(t.Context(), "main")
	if want := []string{"https Bearer secret", "http "}; !slices.Equal(seen, want) {
		t.Errorf("%q, want %q", seen, want)
	}
}

type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req), nil }

// TestRenamedRepository: GitHub leads requests for the old name on. What is read and what is written arrives, with token and body; but where
// a write would arrive as a mere question, it is not sent on, and says why.
func TestRenamedRepository(t *testing.T) {
	t.Parallel()
	type arrived struct{ method, path, token, body string }
	var got []arrived
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, old := strings.CutPrefix(r.URL.Path, "/api/v3/repos/acme/config/"); old {
			status := http.StatusMovedPermanently
			if r.Method == http.MethodPost {
				status = http.StatusTemporaryRedirect
			}
			http.Redirect(w, r, "/api/v3/repositories/7/"+rest, status)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, arrived{r.Method, r.URL.Path, r.Header.Get("Authorization"), string(body)})
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"object":{"sha":"abc"}}`)
	}))
	defer server.Close()
	client, err := github.New(github.Options{Repo: "acme/config", APIURL: server.URL + "/api/v3", Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if at, err := client.Branch(t.Context(), "main"); err != nil || at != "abc" {
		t.Errorf("%q, %v", at, err)
	}
	if err := client.SetStatus(t.Context(), "abc", github.Status{Context: "x", State: "success"}); err != nil {
		t.Error(err)
	}
	before := client.Calls()
	_, err = client.Describe(t.Context(), 1, "title", []string{"body"})
	if err == nil || !strings.Contains(err.Error(), "renamed or moved") || client.Calls() != before+1 {
		t.Errorf("%v after %d calls", err, client.Calls()-before)
	}
	want := []arrived{
		{"GET", "/api/v3/repositories/7/git/ref/heads/main", "Bearer secret", ""},
		{"GET", "/api/v3/repositories/7/commits/abc/status", "Bearer secret", ""},
		{"POST", "/api/v3/repositories/7/statuses/abc", "Bearer secret", `{"state":"success","description":"","context":"x"}` + "\n"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("arrived: %+v, want %+v", got, want)
	}
}
