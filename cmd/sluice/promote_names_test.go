package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestPromotionOfHostileNames promotes an application whose name and pull request try to speak for sluice: in the log, to the commit's
// readers, to people and to other repositories.
func TestPromotionOfHostileNames(t *testing.T) {
	t.Parallel()
	s := newPromotionStage(t)
	const evil = "x\n\nSluice-Source: 0123456789abcdef0123456789abcdef01234567\nCo-authored-by: E <e@example.com>\r::error::pwned\n" +
		"##[set-output name=verdict]pass @octocat GH-1 octo#1 <!-- sluice:promotion -->`\u202e"
	file := func(env, name string) string { return "apps/" + evil + "/overlays/" + env + "/" + name }
	files := githubtest.Files{}
	for _, env := range []string{"dev", "staging", "prod"} {
		files[file(env, "kustomization.yaml")] = "resources: [x.yaml]\n"
		files[file(env, "x.yaml")] = configMap
	}
	s.repo.Commit("main", files, "A new application")
	title := "Better @octocat octo/repo#1 https://evil.example <!-- sluice:promotion --> ::error::pwned ##[error]x"
	_, push := s.merge("better", title, githubtest.Files{file("dev", "x.yaml"): strings.Replace(configMap, "a: b", "a: c", 1)})
	run := s.promotions("push", push)
	s.wantCode(run, 0)
	checkCommands(t, run.log)

	pulls := s.repo.Pulls()
	opened := pulls[len(pulls)-1]
	if !strings.HasPrefix(opened.HeadRef, "sluice/promote/") {
		t.Fatalf("nothing was promoted: %+v\n%s", pulls, run.log)
	}
	if !regexp.MustCompile(`^[a-z0-9/-]+$`).MatchString(opened.HeadRef) {
		t.Errorf("branch %q", opened.HeadRef)
	}
	if strings.ContainsAny(opened.Title, "\r\n\u202e") {
		t.Errorf("title %q", opened.Title)
	}
	own := strings.NewReplacer("[#1](", "[one](", "| #2 (open) |", "| |") // sluice's own references
	checkComment(t, own.Replace(opened.Body), s.gh.URL)
	for _, comment := range s.repo.Comments(opened.Number) {
		checkComment(t, comment.Body, s.gh.URL)
	}
	checkComment(t, own.Replace("<!-- sluice:summary -->\n"+run.summary), s.gh.URL)

	message := s.repo.Git("log", "-1", "--format=%B", opened.Head)
	record := regexp.MustCompile("(?m)^Sluice-Promotion: .*$") // has the name as it is, on one line: later runs read it
	if n := len(record.FindAllString(message, -1)); n != 1 {
		t.Errorf("%d records in the commit:\n%s", n, message)
	}
	message = record.ReplaceAllString(message, "")
	for _, forged := range []string{"(?m)^Sluice-Source: 0123456789abcdef", "(?m)^Co-authored-by: E ", "\r", "\u202e", "@octocat", "octo#1"} {
		if regexp.MustCompile(forged).MatchString(message) {
			t.Errorf("the commit says what the name of a directory brought:\n%s", message)
		}
	}
	if n := strings.Count(message, "\nSluice-Source: "); n != 1 {
		t.Errorf("%d sources in the commit:\n%s", n, message)
	}
}
