package githubtest

import (
	"net/http"
	"slices"
)

// Rule is a rule of a ruleset for the default branch: its type and its parameters, as GitHub's API names them.
type Rule struct {
	Type       string
	Parameters map[string]any
}

// RequireChecks has a ruleset demand checks on the default branch; app is the id of the only App whose checks count, 0 any.
func RequireChecks(app int64, names ...string) Rule {
	checks := []obj{}
	for _, name := range names {
		check := obj{"context": name}
		if app > 0 {
			check["integration_id"] = app
		}
		checks = append(checks, check)
	}
	return Rule{"required_status_checks", obj{"strict_required_status_checks_policy": false, "required_status_checks": checks}}
}

// RequirePulls has a ruleset demand pull requests, and the review of code owners where that is said.
func RequirePulls(codeOwners bool) Rule {
	return Rule{"pull_request", obj{
		"require_code_owner_review": codeOwners, "dismiss_stale_reviews_on_push": false, "require_last_push_approval": false,
		"required_approving_review_count": 1, "required_review_thread_resolution": false,
	}}
}

// AddRules adds rules for the default branch.
func (r *Repo) AddRules(rules ...Rule) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	r.rules = append(r.rules, rules...)
}

// ProtectClassic has classic branch protection demand checks on the default branch.
func (r *Repo) ProtectClassic(checks ...string) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	r.classic = checks
}

func (c *call) getBranch() reply {
	name := c.params["branch"]
	tip := c.repo.Tip(name)
	if tip == "" {
		return refuse(http.StatusNotFound, "Branch not found")
	}
	protected := name == DefaultBranch && len(c.repo.classic)+len(c.repo.rules) > 0
	checks := []obj{}
	for _, context := range c.repo.classic {
		checks = append(checks, obj{"context": context, "app_id": nil})
	}
	contexts, level := c.repo.classic, "off"
	if contexts == nil || name != DefaultBranch {
		contexts, checks = []string{}, []obj{}
	} else {
		level = "non_admins"
	}
	c.params["ref"] = tip
	commit := c.getCommit()
	if commit.status != http.StatusOK {
		return commit
	}
	self := c.repo.apiURL("/branches/%s", name)
	return ok(obj{
		"name": name, "commit": commit.body, "protected": protected, "protection_url": self + "/protection",
		"_links":     obj{"self": self, "html": c.repo.webURL("/tree/%s", name)},
		"protection": obj{"enabled": protected, "required_status_checks": obj{"enforcement_level": level, "contexts": contexts, "checks": checks}},
	})
}

func (c *call) branchRules() reply {
	var rules []Rule
	if c.params["branch"] == DefaultBranch {
		rules = slices.Clone(c.repo.rules)
	}
	shown, header := page(c, c.repo.api("/rules/branches/%s", c.params["branch"]), rules, func(rule Rule) obj {
		out := obj{"type": rule.Type, "ruleset_source_type": "Repository", "ruleset_source": c.repo.FullName, "ruleset_id": 1}
		if rule.Parameters != nil {
			out["parameters"] = rule.Parameters
		}
		return out
	})
	return reply{http.StatusOK, shown, header}
}

// workflowPermissions answers what the settings let the tokens of workflows do.
func (c *call) workflowPermissions() reply {
	if c.token == nil || !c.token.may("read", "administration") { // also where everybody may read the repository
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	return ok(obj{"default_workflow_permissions": "read", "can_approve_pull_request_reviews": c.repo.AllowActionsPulls})
}
