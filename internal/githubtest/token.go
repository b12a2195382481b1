package githubtest

import (
	"maps"
	"net/http"
	"strings"
	"time"
)

// Token is who a client is and what it may do.
type Token struct {
	Login       string            // "octocat", or "github-actions[bot]"
	App         string            // slug of the GitHub App that the token is an installation's of; "" for a person's token
	Permissions map[string]string // area (contents, pull-requests, issues, checks, statuses) → "read" or "write"

	// NoViewer makes GraphQL refuse to say who the token belongs to, as older servers do for an App's token.
	NoViewer bool

	asApp *app            // it is the App itself that speaks, not an installation of it
	reach map[string]bool // of an App's installation: the repositories, by full name in lower case; nil for all
	ends  time.Time       // zero: never
}

// AddToken makes a token known under its secret, and gives the secret back.
func (gh *GitHub) AddToken(secret string, token Token) string {
	gh.mu.Lock()
	defer gh.mu.Unlock()
	token.Permissions = maps.Clone(token.Permissions)
	gh.tokens[secret] = &token
	return secret
}

// ActionsToken gives a GITHUB_TOKEN with the permissions that sluice's workflow asks for.
func (gh *GitHub) ActionsToken() string {
	return gh.AddToken("ghs_actions", Token{
		Login: "github-actions[bot]", App: "github-actions",
		Permissions: map[string]string{"contents": "read", "pull-requests": "write", "checks": "write", "statuses": "write"},
	})
}

// PromotionToken gives a GITHUB_TOKEN with the permissions that sluice's promotion job asks for.
func (gh *GitHub) PromotionToken() string {
	return gh.AddToken("ghs_promotion", Token{
		Login: "github-actions[bot]", App: "github-actions",
		Permissions: map[string]string{"contents": "write", "pull-requests": "write", "checks": "write", "statuses": "write"},
	})
}

// ForkToken gives the GITHUB_TOKEN of a run for a pull request from a fork: it can only read.
func (gh *GitHub) ForkToken() string {
	return gh.AddToken("ghs_fork", Token{
		Login: "github-actions[bot]", App: "github-actions",
		Permissions: map[string]string{"contents": "read", "pull-requests": "read", "issues": "read", "checks": "read", "statuses": "read"},
	})
}

// StageToken gives the GITHUB_TOKEN of the second stage for pull requests from forks.
func (gh *GitHub) StageToken() string {
	return gh.AddToken("ghs_stage", Token{
		Login: "github-actions[bot]", App: "github-actions",
		Permissions: map[string]string{"actions": "read", "pull-requests": "write"},
	})
}

// authenticate gives the token of a request; a refusal when it has one that is unknown. The caller holds mu.
func (gh *GitHub) authenticate(req *http.Request) (*Token, *reply) {
	header := req.Header.Get("Authorization")
	if header == "" {
		return nil, nil
	}
	_, secret, _ := strings.Cut(header, " ")
	if _, password, isBasic := req.BasicAuth(); isBasic {
		secret = password
	}
	token, known := gh.tokens[secret]
	if a := gh.appOf(secret); a != nil {
		return &Token{Login: a.slug, asApp: a}, nil
	}
	if !known || !token.ends.IsZero() && !gh.clock().Before(token.ends) {
		answer := refuse(http.StatusUnauthorized, "Bad credentials")
		return nil, &answer
	}
	return token, nil
}

// reaches reports whether the token is for a repository. Where it is not, it is like none.
func (t *Token) reaches(repo *Repo) bool {
	return t.reach == nil || t.reach[strings.ToLower(repo.FullName)]
}

func (t *Token) may(level string, areas ...string) bool {
	for _, area := range areas {
		if has := t.Permissions[area]; has == "write" || has == level {
			return true
		}
	}
	return len(areas) == 0
}

// authorize refuses what the token may not do, in GitHub's words.
func (c *call) authorize(method string, op operation) *reply {
	level := "write"
	if method == http.MethodGet {
		level = "read"
	}
	refusal := func(answer reply) *reply { return &answer }
	switch {
	case c.token == nil && level == "write":
		return refusal(refuse(http.StatusUnauthorized, "Requires authentication"))
	case c.token == nil && c.repo != nil && c.repo.Private:
		return refusal(notFound())
	case c.token == nil:
		return nil
	case c.repo != nil && !c.token.reaches(c.repo) && (level == "write" || c.repo.Private):
		return refusal(notFound())
	case op.appsOnly && c.token.App == "":
		return refusal(refuse(http.StatusForbidden, "You must authenticate via a GitHub App."))
	case c.token.may(level, op.areas...):
		return nil
	case c.repo != nil && !c.repo.Private && level == "read":
		return nil // anybody may
	}
	what := "integration"
	if c.token.App == "" {
		what = "personal access token"
	}
	answer := refuse(http.StatusForbidden, "Resource not accessible by "+what)
	answer.header = http.Header{"X-Accepted-Github-Permissions": {strings.ReplaceAll(strings.Join(op.areas, "="+level+",")+"="+level, "-", "_")}}
	return &answer
}

func (c *call) getUser() reply {
	switch {
	case c.token == nil:
		return refuse(http.StatusUnauthorized, "Requires authentication")
	case c.token.App != "":
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	user := c.user(c.token.Login)
	for _, key := range []string{"name", "company", "location", "email", "hireable", "bio"} {
		user[key] = nil
	}
	for _, key := range []string{"public_repos", "public_gists", "followers", "following"} {
		user[key] = 0
	}
	user["user_view_type"] = "public"
	user["blog"], user["created_at"], user["updated_at"] = "", stamp(epoch), stamp(epoch)
	return ok(user)
}

// collaborator answers what a person may do in a repository.
func (c *call) collaborator() reply {
	login := c.params["username"]
	permission := c.repo.collaborators[login]
	if permission == "" {
		permission = "read"
		if c.repo.Private {
			permission = "none"
		}
	}
	user := c.user(login)
	user["role_name"] = permission
	return ok(obj{"permission": permission, "role_name": permission, "user": user})
}
