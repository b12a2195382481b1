package main

import (
	"slices"
	"strings"
	"testing"
)

// TestAppPromotes has a GitHub App carry a change through: it writes commits, branches, pull requests, comments, statuses and check runs; the
// workflow's own token may only read. Its token ends in the midst of a run, and a new one takes its place. The key and all tokens are
// masked, and in no output.
func TestAppPromotes(t *testing.T) {
	t.Parallel()
	s := newPromotionStage(t)
	other := s.gh.CreateRepo("acme/other")
	key := s.gh.AddApp("42", "gatekeeper", map[string]string{"contents": "write", "pull-requests": "write", "checks": "write", "statuses": "write"}, s.repo, other)
	promote := func(payload []byte) {
		t.Helper()
		before := len(s.gh.Requests())
		run := s.step("push", payload, s.gh.ForkToken(), map[string]string{"INPUT_PROMOTE": "true", "INPUT_APP_ID": "42", "INPUT_PRIVATE_KEY": key})
		s.wantCode(run, 0)
		s.wantConcealed(run, key, s.gh.AppTokens("gatekeeper"))
		for _, r := range s.gh.Requests()[before:] {
			if r.Method != "GET" && r.Login != "gatekeeper[bot]" && r.Status != 401 && !strings.HasSuffix(r.Path, "/access_tokens") {
				t.Errorf("%s %s is by %q", r.Method, r.Path, r.Login)
			}
		}
	}

	_, push := s.merge("shop-1.6", "Shop 1.6.0", s.retag(shopDev, "v1.6.0"))
	// The token ends before the branch is made, and its successor before the check run is.
	s.gh.OnRequest("POST", "/repos/*/*/git/refs", 1, s.gh.ExpireAppTokens)
	s.gh.OnRequest("POST", "/repos/*/*/check-runs", 1, s.gh.ExpireAppTokens)
	promote(push)
	if tokens := s.gh.AppTokens("gatekeeper"); len(tokens) != 3 {
		t.Errorf("tokens %q, want three", tokens)
	}
	staging := s.promotion("shop/dev-to-staging")
	if staging.Author != "gatekeeper[bot]" || staging.State != "open" {
		t.Errorf("%+v", staging)
	}
	s.wants("the change", s.repo.Git("diff", "main", staging.Head), "+    newTag: v1.6.0")
	if comments := s.repo.Comments(staging.Number); len(comments) != 1 || comments[0].Author != "gatekeeper[bot]" {
		t.Errorf("comments: %+v", comments)
	}
	if checks := s.repo.CheckRuns(staging.Head); len(checks) != 1 || checks[0].App != "gatekeeper" || checks[0].Conclusion != "success" {
		t.Errorf("check runs: %+v", checks)
	}
	if statuses := s.repo.Statuses(staging.Head); len(statuses) != 1 || statuses[0].Creator != "gatekeeper[bot]" || statuses[0].Context != "sluice/gate" {
		t.Errorf("statuses: %+v", statuses)
	}

	writes := s.writes()
	promote(push)
	if now := s.writes(); now != writes+1 { // a token
		t.Errorf("%d more writes, though nothing has changed", now-writes-1)
	}
	promote(s.mergePull(staging.Number))
	prod := s.promotion("shop/staging-to-prod")
	s.wants("the body", prod.Body, "Promote shop: dev → staging by `gatekeeper[bot]`")
	promote(s.mergePull(prod.Number))
	s.wantAllMerged()
	if pulls, branches := other.Pulls(), other.Git("for-each-ref"); len(pulls) > 0 || branches != "" {
		t.Errorf("in another repository of the App: %+v, %s", pulls, branches)
	}
}

// TestAppThatMayNotPromote says which permission the App lacks, and leaves nothing half done that a run with it does not end.
func TestAppThatMayNotPromote(t *testing.T) {
	t.Parallel()
	s := newPromotionStage(t)
	key := s.gh.AddApp("42", "gatekeeper", map[string]string{"contents": "read", "pull-requests": "write", "checks": "write", "statuses": "write"}, s.repo)
	_, push := s.merge("shop-1.6", "Shop 1.6.0", s.retag(shopDev, "v1.6.0"))
	run := s.step("push", push, s.gh.ForkToken(), map[string]string{"INPUT_PROMOTE": "true", "INPUT_APP_ID": "42", "INPUT_PRIVATE_KEY": key})
	s.wantCode(run, 3)
	s.wants("the log", run.log, "contents: write")
	s.wantConcealed(run, key, s.gh.AppTokens("gatekeeper"))
	if pulls := s.repo.Pulls(); len(pulls) != 1 {
		t.Errorf("%+v", pulls)
	}
}

// wantConcealed wants all of an App's secrets masked, and nowhere else.
func (s *stage) wantConcealed(run stepRun, key string, tokens []string) {
	s.Helper()
	secrets := slices.Clone(tokens)
	for line := range strings.Lines(key) {
		secrets = append(secrets, strings.TrimSpace(line))
	}
	log := run.log
	for _, secret := range secrets {
		log = strings.ReplaceAll(log, "::add-mask::"+secret+"\n", "")
	}
	for _, secret := range secrets {
		for _, place := range []string{log, run.summary, run.outputs} {
			if strings.Contains(place, secret) {
				s.Fatalf("a secret leaked:\n%s", place)
			}
		}
	}
	if newest := tokens[len(tokens)-1]; !strings.Contains(run.log, "::add-mask::"+newest+"\n") {
		s.Errorf("token %s is not masked", newest)
	}
	for _, p := range s.repo.Pulls() {
		text := p.Title + p.Body + s.repo.Git("log", "--format=%B%an%ae", p.Head)
		for _, c := range s.repo.Comments(p.Number) {
			text += c.Body
		}
		for _, c := range s.repo.CheckRuns(p.Head) {
			text += c.Title + c.Summary + c.Text
		}
		if slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(text, secret) }) {
			s.Errorf("a secret is on pull request %d", p.Number)
		}
	}
}
