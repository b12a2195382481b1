package github

import (
	"context"
	"crypto/rsa"
	"fmt"
	"net/http"
	"sync"
	"time"

	gogithub "github.com/google/go-github/v60/github"
)

// tokens are what a client shows. One that GitHub refused (401) is given back as refused, "" for none: whoever can get another gives that.
type tokens interface {
	token(ctx context.Context, refused string) (string, error)
}

// fixedToken is a token that is what it is; "" is anonymous.
type fixedToken string

func (t fixedToken) token(context.Context, string) (string, error) { return string(t), nil }

// renewBefore is how long before its end a token is not used any more: longer than all waiting may take. A request whose
// tries time out besides may take two minutes more: a token that ends meanwhile is refused, and got anew.
const renewBefore = 6 * time.Minute

// Installation gets the tokens of a GitHub App that is installed on one repository. Each reaches only that repository and lives for an
// hour. A new one is got shortly before its end, and when GitHub refuses the one that there is. It is safe for concurrent use.
type Installation struct {
	app  App
	key  *rsa.PrivateKey
	api  *Client // speaks as the App itself
	made func(token string)

	mu     sync.Mutex
	id     int64  // 0 until it was asked for
	login  string // under which the App writes
	secret string // the token; "" for none yet
	until  time.Time
}

// Installation makes the source of the App's tokens for the repository of the options, whose own token is not used. made is told each
// token before it is used, so that it can be masked. No call is made yet.
//
// Errors: a key that cannot be read, a mistake in the options.
func (a App) Installation(opts Options, made func(token string)) (*Installation, error) {
	key, err := a.key()
	if err != nil {
		return nil, err
	}
	opts.Token, opts.Installation = "", nil
	api, err := New(opts)
	if err != nil {
		return nil, err
	}
	i := &Installation{app: a, key: key, api: api, made: made}
	api.transport.tokens = (*appToken)(i)
	return i, nil
}

// Begin gets the first token. Two calls.
//
// Errors: [*LimitError] (wrapped), [*RefusedError].
func (i *Installation) Begin(ctx context.Context) error {
	_, err := i.token(ctx, "")
	return err
}

// token gives the token, and a new one where it is about to end or was refused.
func (i *Installation) token(ctx context.Context, refused string) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.secret != "" && i.secret != refused && i.api.transport.now().Before(i.until) {
		return i.secret, nil
	}
	doing := fmt.Sprintf("get a token of GitHub App %s for %s/%s", i.app.ID, i.api.owner, i.api.repo)
	if i.id == 0 {
		found, _, err := i.api.gh.Apps.FindRepositoryInstallation(ctx, i.api.owner, i.api.repo)
		switch status := statusOf(err); {
		case status == http.StatusNotFound:
			return "", &RefusedError{Doing: doing, Status: status, Reason: "the App is not installed on the repository", err: err}
		case status == http.StatusUnauthorized:
			return "", &RefusedError{Doing: doing, Status: status, Reason: "GitHub does not accept the private key for this App (401)", err: err}
		case err != nil:
			return "", i.api.explain(doing, "", err)
		}
		i.id, i.login = found.GetID(), found.GetAppSlug()+"[bot]"
	}
	only := &gogithub.InstallationTokenOptions{Repositories: []string{i.api.repo}}
	token, _, err := i.api.gh.Apps.CreateInstallationToken(repeatable(ctx), i.id, only) // a second token does no harm
	if err != nil {
		return "", i.api.explain(doing, "", err)
	}
	now := i.api.transport.now()
	life := token.GetExpiresAt().Sub(i.api.transport.githubTime())
	i.secret, i.until = token.GetToken(), now.Add(life-renewBefore)
	i.made(i.secret)
	return i.secret, nil
}

// writesAs is the login under which the App writes; "" until the first token.
func (i *Installation) writesAs() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.login
}

// appToken is what an App shows to say who it is. It is signed anew for each request. Where the clock of this machine is wrong, GitHub
// refuses the first, and says in its answer what time it is.
type appToken Installation

func (i *appToken) token(context.Context, string) (string, error) {
	return i.app.jwt(i.key, i.api.transport.githubTime())
}
