package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	gogithub "github.com/google/go-github/v60/github"
)

// Options say how to reach GitHub. The zero value of each field but Repo is ordinary.
type Options struct {
	Repo   string // owner/name
	Token  string // GITHUB_TOKEN or a personal token; "" is anonymous
	APIURL string // GITHUB_API_URL: "https://api.github.com", or "https://HOST/api/v3" of an Enterprise Server; "" is the former

	Installation *Installation // of a GitHub App, whose tokens take the place of Token, and with which all waiting is shared; nil for none

	MaxWait time.Duration // how long all waiting for limits and between retries may take together; 0 is five minutes
	Timeout time.Duration // of one request; 0 is thirty seconds

	Transport http.RoundTripper                                // nil: http.DefaultTransport
	Now       func() time.Time                                 // nil: time.Now
	Sleep     func(ctx context.Context, d time.Duration) error // nil: a timer that ctx interrupts
	Jitter    func(d time.Duration) time.Duration              // nil: a random duration between d/2 and d
}

// Client is GitHub for one repository. It is safe for concurrent use, but GitHub asks that writes come one by one.
type Client struct {
	owner, repo string
	gh          *gogithub.Client
	graphqlURL  string
	transport   *transport

	installation *Installation // nil where the token is no App's

	made sync.Map // ids of commits that this client made and nobody has said anything of

	identity struct {
		sync.Mutex
		login string // "" until it was asked for
		guess string // what comments are looked for under while nobody can be asked; "" for none
	}
}

// New makes a client. It does not call GitHub; an error is a mistake in the options.
func New(opts Options) (*Client, error) {
	owner, repo, ok := strings.Cut(opts.Repo, "/")
	if !ok || !plainRepo(owner) || !plainRepo(repo) {
		return nil, fmt.Errorf("repository %q: want owner/name, as GITHUB_REPOSITORY gives it", opts.Repo)
	}
	if opts.APIURL == "" {
		opts.APIURL = "https://api.github.com"
	}
	base, err := url.Parse(strings.TrimRight(opts.APIURL, "/") + "/")
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, fmt.Errorf("API URL %q: want https://HOST or https://HOST/api/v3, as GITHUB_API_URL gives it", opts.APIURL)
	}
	c := &Client{owner: owner, repo: repo, transport: newTransport(opts, base)}
	c.installation = opts.Installation
	c.gh = gogithub.NewClient(&http.Client{Transport: c.transport, CheckRedirect: followRedirect})
	c.gh.BaseURL = base
	c.gh.UserAgent = "sluice"
	// Source: the runner's GITHUB_GRAPHQL_URL, https://HOST/api/graphql on an Enterprise Server.
	c.graphqlURL = strings.TrimSuffix(base.String(), "v3/") + "graphql"
	return c, nil
}

func plainRepo(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/?#%\\ \t\r\n")
}

// Calls counts the requests so far, repeated ones included.
func (c *Client) Calls() int { return int(c.transport.calls.Load()) }

// maxRedirects bounds how often a request is led on.
const maxRedirects = 5

// errMovedAway says that GitHub leads a request on in a way that would not carry it out.
var errMovedAway = errors.New("GitHub leads this on to another address, where it would do nothing: the repository was renamed or moved, so name it as it is called now")

// followRedirect follows where GitHub leads after a repository was renamed, but never by another method: of a POST or a PATCH that is
// answered by 301 or 302, the standard library makes a GET, whose answer would look like success.
// Source: docs.github.com "Best practices for using the REST API", follow redirects.
func followRedirect(req *http.Request, via []*http.Request) error {
	if req.Method != via[0].Method {
		return errMovedAway
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("led on more than %d times", maxRedirects)
	}
	return nil
}

// Login is who the token belongs to. One call, the first time, and none for an App, of which it is known.
//
// `GET /user` is closed to installation tokens (GITHUB_TOKEN and those of GitHub Apps: 403 "Resource not accessible by
// integration"), so GraphQL's viewer is asked, which answers for every kind of token ("github-actions[bot]" for
// GITHUB_TOKEN). Older servers refuse that too: then /user, then the name that GITHUB_TOKEN has. What creating a comment
// answers corrects it, see [Client.UpsertComment]. A question that was not answered is no refusal: then nobody knows who it is.
// Source: github.com/fullsend-ai/fullsend pull request 1953 (an App's token, 2026); cli/cli issue 1489 for the refusal of old.
//
// Errors: [*LimitError] (wrapped), [*RefusedError].
func (c *Client) Login(ctx context.Context) (string, error) {
	c.identity.Lock()
	defer c.identity.Unlock()
	if c.identity.login != "" {
		return c.identity.login, nil
	}
	if c.installation != nil {
		if _, err := c.installation.token(ctx, ""); err != nil {
			return "", err
		}
		c.identity.login = c.installation.writesAs()
		return c.identity.login, nil
	}
	login, err := c.asked(ctx)
	if err != nil {
		return "", err
	}
	c.identity.login = login
	return login, nil
}

// actionsLogin is the name that GITHUB_TOKEN has.
const actionsLogin = "github-actions[bot]"

// asked asks who the token belongs to. With an error, the login is what it most likely is, where there is such a thing.
func (c *Client) asked(ctx context.Context) (login string, err error) {
	const doing = "ask who the token belongs to"
	login, refused, err := c.viewer(ctx)
	if login != "" {
		return login, nil
	}
	if hopeless(ctx, err) {
		return "", c.explain(doing, "", err)
	}
	user, _, closed := c.gh.Users.Get(ctx, "")
	switch status := statusOf(closed); {
	case closed == nil:
		return user.GetLogin(), nil
	case status != http.StatusForbidden && status != http.StatusNotFound:
		return "", c.explain(doing, "", closed)
	case !refused:
		return actionsLogin, c.explain(doing, "", err)
	}
	return actionsLogin, nil
}

// signature makes out under which login our comments are. A check does not fail because GitHub cannot say so for the moment: it takes the
// most likely login, and what creating a comment answers corrects it.
func (c *Client) signature(ctx context.Context) error {
	if c.login() != "" {
		return nil
	}
	if c.installation != nil {
		_, err := c.Login(ctx)
		return err
	}
	login, err := c.asked(ctx)
	if login == "" {
		return err
	}
	c.identity.Lock()
	defer c.identity.Unlock()
	if err == nil {
		c.identity.login = login
	} else {
		c.identity.guess = login
	}
	return nil
}

// hopeless reports whether another question would end the same way.
func hopeless(ctx context.Context, err error) bool {
	var limit *LimitError
	return ctx.Err() != nil || errors.As(err, &limit) || statusOf(err) == http.StatusUnauthorized
}

// viewer asks GraphQL who the token belongs to. Refused says that it will not tell, now or later.
func (c *Client) viewer(ctx context.Context) (login string, refused bool, err error) {
	req, err := c.gh.NewRequest("POST", c.graphqlURL, map[string]string{"query": "query{viewer{login}}"})
	if err != nil {
		return "", false, err
	}
	var answer struct {
		Data struct {
			Viewer struct {
				Login string `json:"login"`
			} `json:"viewer"`
		} `json:"data"`
		Errors []struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if _, err = c.gh.Do(repeatable(ctx), req, &answer); err != nil { // a query changes nothing
		status := statusOf(err)
		return "", status == http.StatusForbidden || status == http.StatusNotFound, err
	}
	if login = answer.Data.Viewer.Login; login != "" {
		return login, false, nil
	}
	err = errors.New("GraphQL does not say who it is")
	for _, e := range answer.Errors {
		err = fmt.Errorf("%w: %.500s", err, e.Message)
		refused = refused || slices.Contains([]string{"FORBIDDEN", "NOT_FOUND", "INSUFFICIENT_SCOPES"}, e.Type) ||
			strings.HasPrefix(e.Message, "Resource not accessible")
	}
	return "", refused, err
}

// login is what Login found out, or what is taken for it.
func (c *Client) login() string {
	c.identity.Lock()
	defer c.identity.Unlock()
	return cmp.Or(c.identity.login, c.identity.guess)
}

// learnLogin takes note of the login under which something was created.
func (c *Client) learnLogin(login string) {
	if login == "" {
		return
	}
	c.identity.Lock()
	defer c.identity.Unlock()
	c.identity.login = login
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
