package github

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	gogithub "github.com/google/go-github/v60/github"
)

// App is a GitHub App that is installed on the repository.
type App struct {
	ID         string // its number, or its client id
	PrivateKey string // PEM, as GitHub hands it out
}

// Token gives an installation token that reaches only the repository of the options. It lives for an hour. The token of the
// options is not used. Two calls.
//
// Errors: a key that cannot be read, [*LimitError] (wrapped), [*RefusedError].
func (a App) Token(ctx context.Context, opts Options) (string, error) {
	now := time.Now
	if opts.Now != nil {
		now = opts.Now
	}
	var err error
	if opts.Token, err = a.jwt(now()); err != nil {
		return "", err
	}
	c, err := New(opts)
	if err != nil {
		return "", err
	}
	doing := fmt.Sprintf("get a token of GitHub App %s for %s", a.ID, opts.Repo)
	installation, _, err := c.gh.Apps.FindRepositoryInstallation(ctx, c.owner, c.repo)
	switch statusOf(err) {
	case http.StatusNotFound:
		return "", &RefusedError{Doing: doing, Status: http.StatusNotFound, Reason: "the App is not installed on the repository", err: err}
	case http.StatusUnauthorized:
		return "", &RefusedError{Doing: doing, Status: http.StatusUnauthorized, Reason: "GitHub does not accept the private key for this App (401), or the clock of this machine is wrong", err: err}
	}
	if err != nil {
		return "", c.explain(doing, "", err)
	}
	only := &gogithub.InstallationTokenOptions{Repositories: []string{c.repo}}
	token, _, err := c.gh.Apps.CreateInstallationToken(repeatable(ctx), installation.GetID(), only) // a second token does no harm
	if err != nil {
		return "", c.explain(doing, "", err)
	}
	return token.GetToken(), nil
}

// jwt is what an App shows to say who it is.
// Source: docs.github.com "Generating a JSON Web Token (JWT) for a GitHub App".
func (a App) jwt(now time.Time) (string, error) {
	key, err := a.key()
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"iat": now.Add(-time.Minute).Unix(), // clocks differ a little
		"exp": now.Add(9 * time.Minute).Unix(),
		"iss": a.ID,
	})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign for GitHub App %s: %w", a.ID, err)
	}
	return text + "." + encode(signature), nil
}

// key reads the private key. No error says what the key is.
func (a App) key() (*rsa.PrivateKey, error) {
	// Some put it into a secret as one line.
	block, _ := pem.Decode([]byte(strings.ReplaceAll(a.PrivateKey, `\n`, "\n")))
	if block == nil {
		return nil, errors.New("the private key of the GitHub App is not in PEM form: paste the whole file that GitHub gave")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, isRSA := parsed.(*rsa.PrivateKey); isRSA {
		return key, nil
	}
	return nil, errors.New("the private key of the GitHub App is not an RSA key")
}
