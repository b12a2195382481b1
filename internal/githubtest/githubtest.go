// Package githubtest is a GitHub for tests: an HTTP server on the loopback that keeps its state, over real bare git
// repositories.
//
//	gh := githubtest.New(t)
//	repo := gh.CreateRepo("acme/config")
//	base := repo.Commit("main", githubtest.Files{"a.yaml": "a: 1\n"}, "begin")
//	head := repo.Commit("feature", githubtest.Files{"a.yaml": "a: 2\n"}, "change") // branches off the default branch
//	pr := repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
//	… a client with gh.APIURL and gh.ActionsToken() …
//	repo.Comments(pr)
//
// Each request and each answer is held against GitHub's own description of its API; a difference fails the test. Tokens have an
// identity and permissions ([Token]), and calls can be made to fail ([Fault]). `git clone` and `git push` work on
// [Repo.CloneURL]. Times are those of a clock that ticks once per change, so that runs are alike.
package githubtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// GitHub is a server and its state. Its methods may be called while requests are served.
type GitHub struct {
	URL    string // of the web pages and of git: GITHUB_SERVER_URL
	APIURL string // GITHUB_API_URL, in the form of an Enterprise Server
	Root   string // directory of the bare repositories: Root/owner/name.git

	// PageSize is the most that a list gives at once, whatever the client asks for; 0 is GitHub's hundred. Set it before the
	// first request.
	PageSize int

	// Clock says what time it is for what expires: the tokens of Apps, and what they sign. The answers then tell it too, as GitHub's do. nil is the
	// machine's, which no answer tells. Set it before the first request.
	Clock func() time.Time

	// Grown are operations, by their id, whose answers hold what the description does not know yet, as they do when the API has grown. Set
	// it before the first request.
	Grown map[string]bool

	t       testing.TB
	spec    *description
	storage string // URL of the storage of artifacts

	mu       sync.Mutex // guards what is below, and the state of every Repo
	repos    map[string]*Repo
	tokens   map[string]*Token
	apps     []*app
	faults   []*Fault
	hooks    []*hook
	requests []Request
	lastID   int64
	ticks    int
}

// Request is one request that was served.
type Request struct {
	Method, Path string // as in the description: /repos/acme/config/pulls
	Query        string
	Status       int // 0: no answer was given
	Sent         int // the same, but 304 where the client had the answer already
	Login        string
}

// New starts a GitHub that stops with the test. What breaks the rules of the API is an error of the test.
func New(t testing.TB) *GitHub {
	t.Helper()
	spec, err := loadDescription()
	if err != nil {
		t.Fatalf("githubtest: load the description of the API: %v", err)
	}
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatalf("githubtest: %v", err)
	}
	gh := &GitHub{t: t, spec: spec, Root: t.TempDir(), repos: map[string]*Repo{}, tokens: map[string]*Token{}}
	server := httptest.NewServer(gh)
	t.Cleanup(server.Close)
	gh.URL, gh.APIURL = server.URL, server.URL+"/api/v3"
	storage := httptest.NewServer(http.HandlerFunc(gh.serveStorage))
	t.Cleanup(storage.Close)
	gh.storage = storage.URL
	return gh
}

// Requests gives the API requests so far, in the order in which they came.
func (gh *GitHub) Requests() []Request {
	gh.mu.Lock()
	defer gh.mu.Unlock()
	return slices.Clone(gh.requests)
}

// Count counts the API requests so far by method ("" is any) and path pattern, see [Fault].
func (gh *GitHub) Count(method, pattern string) (n int) {
	for _, r := range gh.Requests() {
		if matches(method, pattern, r.Method, r.Path) {
			n++
		}
	}
	return n
}

// id and now are for callers that hold mu.
func (gh *GitHub) id() int64 {
	gh.lastID++
	return 1000 + gh.lastID
}

// epoch is when the first thing happens here.
var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func (gh *GitHub) now() time.Time {
	gh.ticks++
	return epoch.Add(time.Duration(gh.ticks) * time.Second)
}

// call is one request on its way to a handler. Handlers run one at a time.
type call struct {
	*GitHub
	repo   *Repo
	params map[string]string
	query  map[string][]string
	body   []byte
	token  *Token // nil: anonymous
	lag    int    // how many of the newest things lists leave out
}

// reply is what a handler answers.
type reply struct {
	status int
	body   any // nil: none
	header http.Header
}

func ok(body any) reply      { return reply{status: http.StatusOK, body: body} }
func created(body any) reply { return reply{status: http.StatusCreated, body: body} }

// refuse answers with an error as GitHub shapes them.
func refuse(status int, message string, details ...obj) reply {
	body := obj{"message": message, "documentation_url": "https://docs.github.com/rest", "status": fmt.Sprint(status)}
	if len(details) > 0 {
		body["errors"] = details
	}
	return reply{status: status, body: body}
}

func notFound() reply { return refuse(http.StatusNotFound, "Not Found") }

// invalid answers 422 with a reason as GitHub words it.
func invalid(resource, field, message string) reply {
	detail := obj{"resource": resource, "code": "custom", "field": field, "message": message}
	return refuse(http.StatusUnprocessableEntity, "Validation Failed", detail)
}

// ServeHTTP implements http.Handler.
func (gh *GitHub) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if strings.Contains(req.URL.Path, ".git/") {
		gh.serveGit(w, req)
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the client is gone
	}
	path := strings.TrimPrefix(req.URL.EscapedPath(), "/api")
	path = strings.TrimPrefix(path, "/v3")

	gh.runHooks(req.Method, path)
	gh.mu.Lock()
	token, refusal := gh.authenticate(req)
	fault := gh.nextFault(req.Method, path)
	log := Request{Method: req.Method, Path: path, Query: req.URL.RawQuery}
	if token != nil {
		log.Login = token.Login
	}
	index := len(gh.requests)
	gh.requests = append(gh.requests, log)
	answer := reply{}
	if fault != nil && fault.instead() {
		gh.checkUnserved(req, path, body)
	}
	switch {
	case fault != nil && fault.instead() && !fault.Reset && !fault.Hang:
		answer = fault.reply()
	case fault != nil && fault.instead():
		answer = ok(obj{})
	case refusal != nil:
		answer = *refusal
	default:
		c := &call{GitHub: gh, query: req.URL.Query(), body: body, token: token}
		if fault != nil {
			c.lag = fault.Lag
		}
		answer = c.serve(req, path)
		if fault != nil && fault.Status != 0 {
			answer = fault.reply()
		}
	}
	gh.requests[index].Status = answer.status
	if fault != nil && (fault.Hang || fault.Reset) {
		gh.requests[index].Status = 0
	}
	gh.requests[index].Sent = gh.requests[index].Status
	gh.mu.Unlock()

	gh.write(w, req, path, body, index, answer, fault)
}

// serve validates a request, finds out whether the token may, and has it handled.
func (c *call) serve(req *http.Request, path string) reply {
	if isGraphQL(req.Method, path) { // the description is of the other API
		return c.graphql()
	}
	r, params := c.spec.find(req.Method, path)
	if r == nil {
		c.t.Errorf("githubtest: %s %s is not an operation of the description", req.Method, path)
		return notFound()
	}
	if err := c.spec.checkRequest(r, params, req, c.body); err != nil {
		// GitHub refuses some of these, and takes others silently: either way the client is wrong.
		c.t.Errorf("githubtest: request %s %s: %s", req.Method, path, brief(err))
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n"+firstLine(err.Error()))
	}
	c.params = params
	if name, inRepo := params["repo"]; inRepo {
		c.repo = c.repos[strings.ToLower(params["owner"]+"/"+name)]
		if c.repo == nil {
			return notFound()
		}
	}
	op, implemented := operations[r.operation.OperationID]
	if !implemented {
		c.t.Errorf("githubtest: %s (%s %s) is not implemented", r.operation.OperationID, req.Method, path)
		return refuse(http.StatusNotImplemented, "Not implemented")
	}
	if refusal := c.authorize(req.Method, op); refusal != nil {
		return *refusal
	}
	return op.handle(c)
}

// checkUnserved holds a request against the description that a fault keeps from being served: it too must be one that GitHub would take.
func (gh *GitHub) checkUnserved(req *http.Request, path string, body []byte) {
	var err error
	if isGraphQL(req.Method, path) {
		_, err = readGraphCall(body)
	} else if r, params := gh.spec.find(req.Method, path); r != nil {
		err = gh.spec.checkRequest(r, params, req, body)
	} else {
		err = errors.New("not an operation of the description")
	}
	if err != nil {
		gh.t.Errorf("githubtest: request %s %s: %s", req.Method, path, brief(err))
	}
}

// brief leaves the schema out of an error that quotes all of it.
func brief(err error) string {
	text, _, _ := strings.Cut(err.Error(), "Schema:\n")
	return strings.TrimSpace(text)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// write sends the answer, after holding it against the description, or what the fault makes of it.
func (gh *GitHub) write(w http.ResponseWriter, req *http.Request, path string, sent []byte, index int, answer reply, fault *Fault) {
	if fault != nil && fault.Hang {
		<-req.Context().Done()
		return
	}
	w.Header()["Date"] = nil
	if gh.Clock != nil {
		w.Header().Set("Date", gh.Clock().UTC().Format(http.TimeFormat))
	}
	var body []byte
	if answer.body != nil {
		var err error
		if body, err = json.Marshal(answer.body); err != nil {
			gh.t.Errorf("githubtest: answer to %s %s: %v", req.Method, path, err)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	for name, values := range answer.header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if req.Method == http.MethodGet && answer.status == http.StatusOK && fault == nil {
		sum := sha256.Sum256(append([]byte(req.Header.Get("Authorization")+"\n"), body...)) // as GitHub's header Vary says
		etag := fmt.Sprintf(`W/"%x"`, sum[:16])
		w.Header().Set("ETag", etag)
		if req.Header.Get("If-None-Match") == etag {
			w.Header().Del("Content-Type")
			w.Header().Del("Link")
			gh.mu.Lock()
			gh.requests[index].Sent = http.StatusNotModified
			gh.mu.Unlock()
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if fault == nil || !fault.Reset {
		if err := gh.checkAnswer(req, path, sent, answer.status, w.Header(), body); err != nil {
			gh.t.Errorf("githubtest: answer %d to %s %s: %s", answer.status, req.Method, path, brief(err))
		}
	}
	if fault != nil && fault.Reset {
		breakOff(w, body)
		return
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(body)
}

// checkAnswer says what is wrong with an answer, by the description of the API that was asked.
func (gh *GitHub) checkAnswer(req *http.Request, path string, sent []byte, status int, header http.Header, body []byte) error {
	if isGraphQL(req.Method, path) {
		if status >= http.StatusBadRequest {
			return gh.spec.checkError(body)
		}
		g, _ := readGraphCall(sent) // what is wrong with it was said when it came
		return checkGraphAnswer(g, body)
	}
	r, params := gh.spec.find(req.Method, path)
	if r == nil || gh.Grown[r.operation.OperationID] {
		return nil
	}
	return gh.spec.checkResponse(r, params, req, status, header, body)
}

// breakOff promises a body and closes the connection in the middle of it.
func breakOff(w http.ResponseWriter, body []byte) {
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(buffer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body)+2)
	_, _ = buffer.Write(body[:len(body)/2])
	_ = buffer.Flush()
}

// read decodes the request's body, which has been validated, into v.
func (c *call) read(v any) {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		c.t.Errorf("githubtest: %v in %.200s", err, c.body)
	}
}
