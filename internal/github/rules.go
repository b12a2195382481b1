package github

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
)

// Protection is what GitHub demands before a branch changes, as far as a token that can read the repository sees it: from
// rulesets and from classic branch protection. Who may bypass it is not visible to such a token.
type Protection struct {
	Branch       string
	Required     []RequiredCheck
	PullRequest  bool // changes come by pull request only
	CodeOwners   bool // owners must approve what they own
	MergeQueue   bool
	Classic      bool // classic branch protection is on, whose review settings only an administrator may read
	RulesUnknown error
}

// RequiredCheck is a check that must be green.
type RequiredCheck struct {
	Name string
	App  int64 // id of the only GitHub App whose check counts; 0 is any
}

// Requires reports whether a check with that name is required, and whether only one App's counts.
func (p Protection) Requires(name string) (required, bound bool) {
	for _, check := range p.Required {
		if check.Name == name {
			required, bound = true, bound || check.App > 0
		}
	}
	return required, bound
}

// branchRule is one rule that applies to a branch. The library's type (v60) refuses rules that it does not know.
// Source: docs.github.com "Get rules for a branch".
type branchRule struct {
	Type       string          `json:"type"`
	Parameters json.RawMessage `json:"parameters"`
}

// Protection reads how a branch is protected; "" is the default branch. Two or three calls.
//
// Errors: [*PermissionError], [*LimitError] (wrapped), [*RefusedError].
func (c *Client) Protection(ctx context.Context, branch string) (Protection, error) {
	if branch == "" {
		repo, _, err := c.gh.Repositories.Get(ctx, c.owner, c.repo)
		if err != nil {
			return Protection{}, c.explain("read the repository", "contents: read", err)
		}
		branch = repo.GetDefaultBranch()
	}
	p := Protection{Branch: branch}
	if err := c.classicProtection(ctx, &p); err != nil {
		return p, c.explain(fmt.Sprintf("read branch %q", branch), "contents: read", err)
	}
	if err := c.branchRules(ctx, &p); err != nil {
		p.RulesUnknown = c.explain(fmt.Sprintf("read the rules of branch %q", branch), "contents: read", err)
	}
	slices.SortFunc(p.Required, func(a, b RequiredCheck) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.App, b.App)) })
	p.Required = slices.Compact(p.Required)
	return p, nil
}

func (c *Client) classicProtection(ctx context.Context, p *Protection) error {
	req, err := c.gh.NewRequest("GET", fmt.Sprintf("repos/%s/%s/branches/%s", c.owner, c.repo, url.PathEscape(p.Branch)), nil)
	if err != nil {
		return err
	}
	// The library's type (v60) lacks what a branch says of its protection.
	var branch struct {
		Protection struct {
			Checks struct {
				Contexts []string `json:"contexts"`
				Checks   []struct {
					Context string `json:"context"`
					App     *int64 `json:"app_id"`
				} `json:"checks"`
			} `json:"required_status_checks"`
		} `json:"protection"`
	}
	if _, err := c.gh.Do(ctx, req, &branch); err != nil {
		return err
	}
	// GitHub says "protected" of a branch that only a ruleset covers, too.
	checks := branch.Protection.Checks
	p.Classic = len(checks.Contexts)+len(checks.Checks) > 0
	for _, check := range checks.Checks {
		p.Required = append(p.Required, RequiredCheck{check.Context, max(deref(check.App), 0)}) // -1 is any App
	}
	for _, name := range checks.Contexts {
		if required, _ := p.Requires(name); !required {
			p.Required = append(p.Required, RequiredCheck{Name: name})
		}
	}
	return nil
}

func (c *Client) branchRules(ctx context.Context, p *Protection) error {
	for page := 1; page > 0; {
		req, err := c.gh.NewRequest("GET", fmt.Sprintf("repos/%s/%s/rules/branches/%s?per_page=100&page=%d", c.owner, c.repo, url.PathEscape(p.Branch), page), nil)
		if err != nil {
			return err
		}
		var rules []branchRule
		res, err := c.gh.Do(ctx, req, &rules)
		if err != nil {
			return err
		}
		for _, rule := range rules {
			if err := p.add(rule); err != nil {
				return err
			}
		}
		if page = res.NextPage; page > 100 {
			return fmt.Errorf("the branch has more than 10,000 rules")
		}
	}
	return nil
}

func (p *Protection) add(rule branchRule) error {
	var parameters struct {
		Checks []struct {
			Context string `json:"context"`
			App     *int64 `json:"integration_id"`
		} `json:"required_status_checks"`
		CodeOwners bool `json:"require_code_owner_review"`
	}
	switch rule.Type {
	case "merge_queue":
		p.MergeQueue = true
	case "pull_request", "required_status_checks":
		if err := json.Unmarshal(rule.Parameters, &parameters); err != nil {
			return fmt.Errorf("rule %q: %w", rule.Type, err)
		}
		p.PullRequest = p.PullRequest || rule.Type == "pull_request"
		p.CodeOwners = p.CodeOwners || parameters.CodeOwners
		for _, check := range parameters.Checks {
			p.Required = append(p.Required, RequiredCheck{check.Context, deref(check.App)})
		}
	}
	return nil
}

// MayOpenPulls reports whether the repository's settings let GITHUB_TOKEN open pull requests. Only an administrator's token may ask: one
// call.
//
// Errors: [*PermissionError], [*LimitError] (wrapped), [*RefusedError].
// Source: docs.github.com "Get default workflow permissions for a repository".
func (c *Client) MayOpenPulls(ctx context.Context) (bool, error) {
	settings, _, err := c.gh.Repositories.GetDefaultWorkflowPermissions(ctx, c.owner, c.repo)
	if err != nil {
		return false, c.explain("read which permissions workflows have", "administration: read", err)
	}
	return settings.GetCanApprovePullRequestReviews(), nil
}

func deref(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
