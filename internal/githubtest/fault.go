package githubtest

import (
	"fmt"
	"net/http"
	"path"
	"time"
)

// Fault makes calls fail. Without Apply, Lag, Hang or Reset, the calls that it hits are answered with Status, Header and Body
// and do nothing.
type Fault struct {
	Method string // "" is any
	Path   string // pattern of path.Match over the path ("/repos/*/*/issues/*/comments"); "" is any
	Nth    int    // the first call, of those that match, that it hits, from 1; 0 is 1
	Times  int    // how many it hits from there; 0 is one, -1 all

	Status int
	Header map[string]string
	Body   any // nil: an error with a message that fits the status

	Apply bool // what was asked for is done, and then the fault: the answer is lost
	Hang  bool // no answer comes until the client gives up
	Reset bool // the connection breaks in the middle of the answer
	Lag   int  // what is asked for is done, but lists leave out that many of the newest things

	seen int
}

// AddFault makes calls fail from now on. When several faults match a call, the one added first that still has hits left does.
func (gh *GitHub) AddFault(f Fault) {
	gh.mu.Lock()
	defer gh.mu.Unlock()
	gh.faults = append(gh.faults, &f)
}

// PrimaryLimit is the answer of a used-up hourly limit: status 403 or 429, reset at a time.
func PrimaryLimit(status int, reset time.Time) Fault {
	return Fault{
		Status: status,
		Header: map[string]string{"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(reset.Unix())},
		Body:   obj{"message": "API rate limit exceeded for installation ID 1.", "documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"},
	}
}

// SecondaryLimit is the answer of a secondary limit: status 403 or 429. A negative after leaves out the header Retry-After.
func SecondaryLimit(status int, after time.Duration) Fault {
	f := Fault{
		Status: status,
		Header: map[string]string{},
		Body:   obj{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.", "documentation_url": "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"},
	}
	if after >= 0 {
		f.Header["Retry-After"] = fmt.Sprint(int(after.Seconds()))
	}
	return f
}

// GraphQLLimit is the answer of GraphQL where the hourly limit is used up until a time; without one, of a secondary limit. Its status is 200.
// Source: docs.github.com "Rate limits and query limits for the GraphQL API", exceeding the rate limit.
func GraphQLLimit(reset time.Time) Fault {
	if reset.IsZero() {
		return Fault{Status: http.StatusOK, Body: obj{"errors": []obj{{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}}}}
	}
	f := PrimaryLimit(http.StatusOK, reset)
	f.Header["X-RateLimit-Resource"] = "graphql"
	f.Body = obj{"errors": []obj{{"type": "RATE_LIMITED", "message": "API rate limit exceeded for installation ID 1."}}}
	return f
}

// On gives the fault for calls of a method and a path.
func (f Fault) On(method, path string) Fault {
	f.Method, f.Path = method, path
	return f
}

// nextFault counts a call and gives the fault that hits it. The caller holds mu.
func (gh *GitHub) nextFault(method, path string) (hit *Fault) {
	for _, f := range gh.faults {
		if !matches(f.Method, f.Path, method, path) {
			continue
		}
		f.seen++
		first := max(f.Nth, 1)
		last := first + max(f.Times, 1) - 1
		if hit == nil && f.seen >= first && (f.seen <= last || f.Times < 0) {
			hit = f
		}
	}
	return hit
}

// instead reports whether a call that the fault hits does nothing.
func (f *Fault) instead() bool { return !f.Apply && f.Lag == 0 }

func matches(wantMethod, pattern, method, p string) bool {
	if wantMethod != "" && wantMethod != method {
		return false
	}
	found, err := path.Match(pattern, p)
	return pattern == "" || (found && err == nil)
}

func (f *Fault) reply() reply {
	answer := reply{status: f.Status, body: f.Body, header: http.Header{}}
	if f.Body == nil {
		answer.body = refuse(f.Status, http.StatusText(f.Status)).body
	}
	for name, value := range f.Header {
		answer.header.Set(name, value)
	}
	return answer
}

// ClearFaults has all calls succeed from now on.
func (gh *GitHub) ClearFaults() {
	gh.mu.Lock()
	defer gh.mu.Unlock()
	gh.faults = nil
}
