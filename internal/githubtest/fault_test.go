package githubtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRefusals has each refusal and each failure of GitHub that a test can ask for: its status, its headers and its words.
func TestRefusals(t *testing.T) {
	t.Parallel()
	reset := time.Date(2099, 3, 2, 9, 0, 0, 0, time.UTC)
	const (
		comments = "/repos/acme/config/issues/1/comments"
		pulls    = "/repos/acme/config/pulls"
	)
	text := func(field string, n int) string { return fmt.Sprintf(`{"%s":%q}`, field, strings.Repeat("é", n)) }
	for name, tt := range map[string]struct {
		fault              Fault
		method, path, body string
		status             int
		header             map[string]string // of the answer; "" is absent
		says               string
	}{
		"primary limit, 403": {
			fault: PrimaryLimit(403, reset), method: "GET", path: comments, status: 403, says: "API rate limit exceeded",
			header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(reset.Unix()), "Retry-After": ""},
		},
		"primary limit, 429": {
			fault: PrimaryLimit(429, reset), method: "POST", path: comments, body: `{"body":"hi"}`, status: 429, says: "API rate limit exceeded",
			header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(reset.Unix())},
		},
		"primary limit, GraphQL": {
			fault: GraphQLLimit(reset), method: "POST", path: "/graphql", body: `{"query":"{viewer{login}}"}`, status: 200, says: "RATE_LIMITED",
			header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Resource": "graphql"},
		},
		"secondary limit, 403": {
			fault: SecondaryLimit(403, 30*time.Second), method: "GET", path: comments, status: 403, says: "secondary rate limit",
			header: map[string]string{"Retry-After": "30", "X-RateLimit-Remaining": ""},
		},
		"secondary limit, 429, no header": {
			fault: SecondaryLimit(429, -1), method: "GET", path: comments, status: 429, says: "secondary rate limit", header: map[string]string{"Retry-After": ""},
		},
		"500": {fault: Fault{Status: 500}, method: "GET", path: comments, status: 500, says: "Internal Server Error"},
		"502": {fault: Fault{Status: 502}, method: "GET", path: comments, status: 502, says: "Bad Gateway"},
		"503": {fault: Fault{Status: 503}, method: "GET", path: comments, status: 503, says: "Service Unavailable"},

		"a stale head, 409":         {method: "PUT", path: pulls + "/1/merge", body: `{"sha":"` + strings.Repeat("0", 40) + `"}`, status: 409, says: "Head branch was modified"},
		"a stale commit, 422":       {method: "PATCH", path: "/repos/acme/config/git/refs/heads/feature", body: `{"sha":"MAIN"}`, status: 422, says: "fast forward"},
		"a reference that is there": {method: "POST", path: "/repos/acme/config/git/refs", body: `{"ref":"refs/heads/feature","sha":"MAIN"}`, status: 422, says: "already exists"},
		"a check of no commit":      {method: "POST", path: "/repos/acme/config/check-runs", body: `{"name":"x","head_sha":"` + strings.Repeat("0", 40) + `"}`, status: 422, says: "No commit found"},
		"a pull request twice":      {method: "POST", path: pulls, body: `{"title":"x","head":"feature","base":"main"}`, status: 422, says: "already exists"},
		"a comment that just fits":  {method: "POST", path: comments, body: text("body", maxBody), status: 201},
		"a comment that is too long": {
			method: "POST", path: comments, body: text("body", maxBody+1), status: 422, says: "is too long (maximum is 65536 characters)",
		},
		"a body that is too long": {
			method: "PATCH", path: pulls + "/1", body: text("body", maxBody+1), status: 422, says: "is too long (maximum is 65536 characters)",
		},
		"fifty annotations": {method: "POST", path: "/repos/acme/config/check-runs", body: withAnnotations(50), status: 201},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gh, repo := withPull(t, t)
			if tt.fault.Status != 0 {
				gh.AddFault(tt.fault)
			}
			res, body := gh.ask(t, tt.method, tt.path, strings.ReplaceAll(tt.body, "MAIN", repo.Tip("main")))
			if res.StatusCode != tt.status || !strings.Contains(body, tt.says) {
				t.Errorf("%d %.300s, want %d and %q", res.StatusCode, body, tt.status, tt.says)
			}
			for name, want := range tt.header {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestFiftyAnnotations: GitHub takes fifty at once. More are refused, and a mistake of the test.
func TestFiftyAnnotations(t *testing.T) {
	t.Parallel()
	rec := &recorder{TB: t}
	gh, repo := withPull(t, rec)
	if res, body := gh.ask(t, "POST", "/repos/acme/config/check-runs", withAnnotations(51)); res.StatusCode != 422 || rec.said() == "" || len(repo.CheckRuns(repo.Tip("main"))) != 0 {
		t.Errorf("%d %.300s; the test was told %q", res.StatusCode, body, rec.said())
	}
}

func withAnnotations(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = `{"path":"a","start_line":1,"end_line":1,"annotation_level":"notice","message":"m"}`
	}
	return `{"name":"x","head_sha":"MAIN","output":{"title":"t","summary":"s","annotations":[` + strings.Join(list, ",") + `]}}`
}

// TestBrokenConnections: an answer that does not come, or not to its end, after the call was carried out or instead of it.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault Fault
		want  error
		left  int // comments
	}{
		"no answer":                   {Fault{Hang: true}, context.Canceled, 0},
		"no answer, though done":      {Fault{Hang: true, Apply: true}, context.Canceled, 1},
		"half an answer":              {Fault{Reset: true}, io.ErrUnexpectedEOF, 0},
		"half an answer, though done": {Fault{Reset: true, Apply: true}, io.ErrUnexpectedEOF, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gh, repo := withPull(t, t)
			gh.AddFault(tt.fault)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.fault.Hang { // who waits gives up once the server has what it will never answer
				go func() {
					for len(gh.Requests()) == 0 && ctx.Err() == nil {
						time.Sleep(time.Millisecond)
					}
					cancel()
				}()
			}
			req, err := http.NewRequestWithContext(ctx, "POST", gh.APIURL+"/repos/acme/config/issues/1/comments", strings.NewReader(`{"body":"hi"}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+writer(gh))
			res, err := http.DefaultClient.Do(req)
			if err == nil {
				_, err = io.ReadAll(res.Body)
				res.Body.Close()
			}
			if !errors.Is(err, tt.want) || len(repo.Comments(1)) != tt.left {
				t.Errorf("%v, want %v; %d comments, want %d", err, tt.want, len(repo.Comments(1)), tt.left)
			}
		})
	}
}

// withPull makes a server with a repository and its pull request 1.
func withPull(t *testing.T, tell testing.TB) (*GitHub, *Repo) {
	t.Helper()
	gh := New(tell)
	repo := gh.CreateRepo("acme/config")
	repo.Commit("main", Files{"a": "1"}, "one")
	repo.Commit("feature", Files{"a": "2"}, "two")
	repo.OpenPullRequest(PullOptions{Head: "feature"})
	return gh, repo
}

// ask makes one call with all permissions.
func (gh *GitHub) ask(t *testing.T, method, path, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, gh.APIURL+path, strings.NewReader(body)) // GraphQL answers here too
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+writer(gh))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}
