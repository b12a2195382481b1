package githubtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// app is a GitHub App.
type app struct {
	id, slug    string
	key         *rsa.PublicKey
	permissions map[string]string
	repos       map[string]bool // full names where it is installed, in lower case
	number      int64           // of its installation
	tokens      int
}

// AddApp registers an App that is installed on repositories, and gives its private key in PEM form. Its tokens belong to
// "SLUG[bot]".
func (gh *GitHub) AddApp(id, slug string, permissions map[string]string, repos ...*Repo) (privateKey string) {
	gh.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		gh.t.Fatalf("githubtest: %v", err)
	}
	gh.mu.Lock()
	defer gh.mu.Unlock()
	a := &app{id: id, slug: slug, key: &key.PublicKey, permissions: maps.Clone(permissions), repos: map[string]bool{}, number: gh.id()}
	for _, repo := range repos {
		a.repos[strings.ToLower(repo.FullName)] = true
	}
	gh.apps = append(gh.apps, a)
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// appOf gives the App that signed a JSON Web Token; nil where none did, or where its time is over.
func (gh *GitHub) appOf(jwt string) *app {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	signature, sigErr := base64.RawURLEncoding.DecodeString(parts[2])
	var claims struct {
		Issuer  string `json:"iss"`
		Issued  int64  `json:"iat"`
		Expires int64  `json:"exp"`
	}
	if err != nil || sigErr != nil || json.Unmarshal(text, &claims) != nil {
		return nil
	}
	now := gh.clock().Unix()
	if claims.Issued > now || claims.Expires <= now || claims.Expires > now+600 {
		return nil
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	for _, a := range gh.apps {
		if a.id == claims.Issuer && rsa.VerifyPKCS1v15(a.key, crypto.SHA256, sum[:], signature) == nil {
			return a
		}
	}
	return nil
}

// installation answers where an App is installed.
func (c *call) installation() reply {
	switch {
	case c.token == nil || c.token.asApp == nil:
		return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
	case !c.token.asApp.repos[strings.ToLower(c.repo.FullName)]:
		return notFound()
	}
	a := c.token.asApp
	self := fmt.Sprintf("%s/app/installations/%d", c.APIURL, a.number)
	owner, _, _ := strings.Cut(c.repo.FullName, "/")
	return ok(obj{
		"id": a.number, "app_id": idOf(a.slug), "app_slug": a.slug, "account": c.user(owner), "target_id": idOf(owner), "target_type": "Organization",
		"repository_selection": "selected", "permissions": described(a.permissions), "events": []string{}, "access_tokens_url": self + "/access_tokens",
		"repositories_url": c.APIURL + "/installation/repositories", "html_url": c.URL + "/organizations/" + owner + "/settings/installations/1",
		"created_at": stamp(epoch), "updated_at": stamp(epoch), "single_file_name": nil, "suspended_at": nil, "suspended_by": nil,
	})
}

// described gives permissions as the API names them.
func described(permissions map[string]string) obj {
	out := obj{}
	for area, level := range permissions {
		out[strings.ReplaceAll(area, "-", "_")] = level
	}
	return out
}

func (c *call) createInstallationToken() reply {
	if c.token == nil || c.token.asApp == nil {
		return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
	}
	a := c.token.asApp
	if c.param("installation_id") != a.number {
		return notFound()
	}
	var in struct{ Repositories []string }
	c.read(&in)
	reach := maps.Clone(a.repos)
	if len(in.Repositories) > 0 {
		reach = make(map[string]bool)
	}
	for _, short := range in.Repositories {
		full := ""
		for name := range a.repos {
			if _, last, _ := strings.Cut(name, "/"); strings.EqualFold(last, short) {
				full = name
			}
		}
		if full == "" {
			return refuse(http.StatusUnprocessableEntity, "There is at least one repository that does not exist or is not accessible to the parent installation.")
		}
		reach[full] = true
	}
	a.tokens++
	secret, ends := fmt.Sprintf("ghs_app_%s_%d", a.slug, a.tokens), c.clock().Add(time.Hour)
	c.tokens[secret] = &Token{Login: a.slug + "[bot]", App: a.slug, Permissions: a.permissions, reach: reach, ends: ends}
	return created(obj{"token": secret, "expires_at": stamp(ends), "permissions": described(a.permissions), "repository_selection": "selected"})
}

// AppTokens gives the tokens that an App has got, the oldest first.
func (gh *GitHub) AppTokens(slug string) (secrets []string) {
	gh.mu.Lock()
	defer gh.mu.Unlock()
	for secret, token := range gh.tokens {
		if token.App == slug && token.reach != nil {
			secrets = append(secrets, secret)
		}
	}
	slices.Sort(secrets)
	return secrets
}

// ExpireAppTokens has an hour pass for all tokens that Apps have got.
func (gh *GitHub) ExpireAppTokens() {
	gh.mu.Lock()
	defer gh.mu.Unlock()
	for _, token := range gh.tokens {
		if token.reach != nil {
			token.ends = gh.clock()
		}
	}
}

// clock says what time it is for what expires.
func (gh *GitHub) clock() time.Time {
	if gh.Clock != nil {
		return gh.Clock()
	}
	return time.Now()
}
