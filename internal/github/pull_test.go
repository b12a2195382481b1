package github_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

// promotionScene is a repository, and a client that may change it.
func promotionScene(t *testing.T) (*scene, string) {
	t.Helper()
	s := newScene(t)
	s.client = s.as(t, s.gh.PromotionToken())
	return s, s.repo.Tip("main")
}

// commit makes a commit of one file on top of another, through the client.
func (s *scene) commit(t *testing.T, parent, content string) string {
	t.Helper()
	id, err := s.client.Commit(t.Context(), github.NewCommit{
		Message: "Promote", Parents: []string{parent}, BaseTree: s.repo.Git("rev-parse", parent+"^{tree}"),
		Files: []github.NewFile{{Path: "apps/new.yaml", Data: []byte(content)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestCommit makes files of every kind, and has GitHub sign the commit.
func TestCommit(t *testing.T) {
	t.Parallel()
	s, main := promotionScene(t)
	old := strings.Fields(s.repo.Git("ls-tree", "-r", "--name-only", main))[0]
	binary := []byte{0, 1, 0xff, '\n'}
	id, err := s.client.Commit(t.Context(), github.NewCommit{
		Message: "Promote\n\nSluice-Source: x", Parents: []string{main}, BaseTree: s.repo.Git("rev-parse", main+"^{tree}"),
		Files: []github.NewFile{
			{Path: "dir/text.yaml", Data: []byte("a: é\n")},
			{Path: "dir/run.sh", Data: []byte("#!/bin/sh\n"), Mode: 0o755},
			{Path: "dir/blob", Data: binary},
			{Path: "dir/empty"},
			{Path: "dir/link", Data: []byte("text.yaml"), Mode: fs.ModeSymlink},
			{Path: old, Deleted: true},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	listing := s.repo.Git("ls-tree", "-r", id)
	for _, want := range []string{"100644 blob", "100755 blob", "120000 blob"} {
		if !strings.Contains(listing, want) {
			t.Errorf("no %s in\n%s", want, listing)
		}
	}
	if strings.Contains(listing, "\t"+old) || s.repo.Git("show", id+":dir/text.yaml") != "a: é" || s.repo.Git("cat-file", "-s", id+":dir/blob") != "4" || s.repo.Git("cat-file", "-s", id+":dir/empty") != "0" {
		t.Errorf("the content is not what was asked for:\n%s", listing)
	}
	if author := s.repo.Git("log", "-1", "--format=%an %P", id); author != "github-actions[bot] "+main {
		t.Error(author)
	}
	if login, err := s.client.CommitAuthor(t.Context(), id); err != nil || login != "github-actions[bot]" {
		t.Errorf("author %q, %v", login, err)
	}
}

// TestBranches moves a branch forward only, and tells what came between.
func TestBranches(t *testing.T) {
	t.Parallel()
	s, main := promotionScene(t)
	ctx, c := t.Context(), s.client
	one, other := s.commit(t, main, "1"), s.commit(t, main, "2")
	two := s.commit(t, one, "3")
	const name = "sluice/promote/shop/dev-to-staging"
	if at, err := c.Branch(ctx, name); at != "" || err != nil {
		t.Fatal(at, err)
	}
	if err := c.DeleteBranch(ctx, name, one); err != nil {
		t.Errorf("a branch that is gone: %v", err)
	}
	for range 2 { // the second time it is there already, at the same commit
		if err := c.CreateBranch(ctx, name, one); err != nil {
			t.Fatal(err)
		}
	}
	for what, err := range map[string]error{
		"create": c.CreateBranch(ctx, name, two), "move": c.MoveBranch(ctx, name, other), "delete": c.DeleteBranch(ctx, name, main),
	} {
		if !errors.Is(err, github.ErrMoved) {
			t.Errorf("%s: %v, want ErrMoved", what, err)
		}
	}
	for range 2 {
		if err := c.MoveBranch(ctx, name, two); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := c.Branches(ctx, "sluice/promote/"); err != nil || len(list) != 1 || list[name] != two {
		t.Errorf("%v, %v", list, err)
	}
	if err := c.DeleteBranch(ctx, name, two); err != nil || s.repo.Tip(name) != "" {
		t.Errorf("not deleted: %v", err)
	}
}

// TestBranchWithALostAnswer has GitHub do what was asked, and not say so.
func TestBranchWithALostAnswer(t *testing.T) {
	t.Parallel()
	s, main := promotionScene(t)
	one := s.commit(t, main, "1")
	s.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/repos/*/*/git/refs", Status: 502, Apply: true})
	if err := s.client.CreateBranch(t.Context(), "b", one); err != nil {
		t.Fatal(err)
	}
	two := s.commit(t, one, "2")
	s.gh.AddFault(githubtest.Fault{Method: "PATCH", Reset: true, Apply: true})
	if err := s.client.MoveBranch(t.Context(), "b", two); err != nil || s.repo.Tip("b") != two {
		t.Fatal(err)
	}
}

// TestCreatePull opens one pull request, also where the answer is lost, the list lags behind, or another run was first.
func TestCreatePull(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]githubtest.Fault{
		"calm":                  nil,
		"lost answer":           {{Method: "POST", Path: "/repos/*/*/pulls", Status: 502, Apply: true}},
		"lost answer and a lag": {{Method: "POST", Path: "/repos/*/*/pulls", Reset: true, Apply: true}, {Method: "GET", Path: "/repos/*/*/pulls", Lag: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, main := promotionScene(t)
			before := len(s.repo.Pulls())
			if err := s.client.CreateBranch(t.Context(), "b", s.commit(t, main, "1")); err != nil {
				t.Fatal(err)
			}
			for _, fault := range faults {
				s.gh.AddFault(fault)
			}
			n := github.NewPull{Title: "Promote " + strings.Repeat("x", 300), Body: "why", Branch: "b", Base: "main", Draft: true}
			for range 2 {
				p, err := s.client.CreatePull(t.Context(), n)
				if err != nil || !p.Open || !p.Draft || p.Branch != "b" || p.Author != "github-actions[bot]" {
					t.Fatalf("%+v, %v", p, err)
				}
			}
			if list := s.repo.Pulls(); len(list) != before+1 {
				t.Errorf("%d pull requests, want one more than %d", len(list), before)
			}
		})
	}
}

func TestCreatePullRefusals(t *testing.T) {
	t.Parallel()
	s, main := promotionScene(t)
	s.repo.DraftsOff()
	if err := s.client.CreateBranch(t.Context(), "b", s.commit(t, main, "1")); err != nil {
		t.Fatal(err)
	}
	if err := s.client.CreateBranch(t.Context(), "same", main); err != nil {
		t.Fatal(err)
	}
	n := github.NewPull{Title: "Promote", Body: "why", Branch: "b", Base: "main", Draft: true}
	if p, err := s.client.CreatePull(t.Context(), n); err != nil || p.Draft {
		t.Errorf("without drafts: %+v, %v", p, err)
	}
	n.Branch = "same"
	if _, err := s.client.CreatePull(t.Context(), n); !errors.Is(err, github.ErrMoved) {
		t.Errorf("without commits: %v", err)
	}
	s.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/repos/*/*/pulls", Status: 403, Body: map[string]any{
		"message": "GitHub Actions is not permitted to create or approve pull requests.", "documentation_url": "https://docs.github.com/rest/pulls/pulls#create-a-pull-request",
	}})
	permission := new(github.PermissionError)
	if _, err := s.client.CreatePull(t.Context(), n); !errors.As(err, &permission) || !strings.Contains(err.Error(), "let GitHub Actions create pull requests") {
		t.Errorf("not permitted: %v", err)
	}
}

// TestPullLife does to a pull request what a promotion does, each thing twice.
func TestPullLife(t *testing.T) {
	t.Parallel()
	s, main := promotionScene(t)
	s.repo.AllowAutoMerge = true
	s.gh.PageSize = 1
	ctx, c := t.Context(), s.client
	head := s.commit(t, main, "1")
	if err := c.CreateBranch(ctx, "b", head); err != nil {
		t.Fatal(err)
	}
	p, err := c.CreatePull(ctx, github.NewPull{Title: "Promote", Body: "why", Branch: "b", Base: "main"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		written, described := c.Describe(ctx, p.Number, "Promote shop", []string{strings.Repeat("x", 70_000), "short"})
		if written != 1 {
			t.Errorf("body %d was written", written)
		}
		for what, err := range map[string]error{
			"describe": described, "label": c.AddLabels(ctx, p.Number, "promotion", "promotion/conflict"), "assign": c.Assign(ctx, p.Number, "octocat"),
			"review": c.AskReview(ctx, p.Number, "hubot", "team:platform"), "draft": c.SetDraft(ctx, p, true),
			"merge": c.AutoMerge(ctx, p, "squash"), "say": c.Say(ctx, p.Number, "sluice-why", "because"),
			"status": c.SetStatus(ctx, head, github.Status{Context: "sluice/gate", State: "pending", Description: strings.Repeat("é", 200)}),
		} {
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	open, err := c.OpenPulls(ctx)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(open, func(o github.PullRequest) bool { return o.Number == p.Number })
	if i < 0 || len(open) != 2 {
		t.Fatalf("%+v", open)
	}
	got := open[i]
	if got.Title != "Promote shop" || got.Body != "short" || !got.Draft || !got.AutoMerge || got.Head != head || got.Base != "main" ||
		!slices.Equal(got.Labels, []string{"promotion", "promotion/conflict"}) || !slices.Equal(got.Assignees, []string{"octocat"}) ||
		!slices.Equal(got.Reviewers, []string{"hubot", "team:platform"}) {
		t.Errorf("%+v", got)
	}
	if comments := s.repo.Comments(p.Number); len(comments) != 1 || !strings.HasSuffix(comments[0].Body, "because") {
		t.Errorf("%+v", comments)
	}
	if list, err := c.PullsWith(ctx, head); err != nil || len(list) != 1 || list[0].Number != p.Number {
		t.Errorf("%+v, %v", list, err)
	}
	for range 2 {
		if err := errors.Join(c.RemoveLabel(ctx, p.Number, "promotion/conflict"), c.SetDraft(ctx, p, false), c.ClosePull(ctx, p.Number, []string{"closed because"})); err != nil {
			t.Fatal(err)
		}
	}
	all, err := c.PullsOf(ctx, "b")
	if err != nil || len(all) != 1 || all[0].Open || all[0].Merged || all[0].Draft || all[0].Body != "closed because" || !slices.Equal(all[0].Labels, []string{"promotion"}) {
		t.Errorf("%+v, %v", all, err)
	}
	if calm := s.repo.Pulls(); calm[len(calm)-1].State != "closed" {
		t.Error("still open")
	}
}

// TestPromotionNeedsPermission names the permission that is missing.
func TestPromotionNeedsPermission(t *testing.T) {
	t.Parallel()
	s := newScene(t) // its token may only read contents
	_, err := s.client.Commit(t.Context(), github.NewCommit{Message: "m", Parents: []string{s.repo.Tip("main")}, BaseTree: s.repo.Git("rev-parse", "main^{tree}")})
	permission := new(github.PermissionError)
	if !errors.As(err, &permission) || permission.Needs != "contents: write" {
		t.Error(err)
	}
}
