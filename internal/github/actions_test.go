package github_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/github"
)

// runner is a step's environment and files.
type runner struct {
	*github.Actions
	log bytes.Buffer
	env map[string]string
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	dir := t.TempDir()
	r := &runner{env: map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"), "GITHUB_OUTPUT": filepath.Join(dir, "output"),
	}}
	r.Actions = github.NewActions(func(key string) string { return r.env[key] }, &r.log)
	return r
}

func (r *runner) file(t *testing.T, variable string) string {
	t.Helper()
	data, err := os.ReadFile(r.env[variable])
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

func TestSummary(t *testing.T) {
	t.Parallel()
	const mib = github.MaxSummary
	for name, tt := range map[string]struct {
		before string
		tiers  []string
		want   func(string) bool
	}{
		"fits":        {"", []string{"all", "less"}, func(s string) bool { return s == "all\n" }},
		"second fits": {"", []string{strings.Repeat("x", mib), "less"}, func(s string) bool { return s == "less\n" }},
		"what was written before counts": {strings.Repeat("b", mib-10), []string{"more than ten", "less"}, func(s string) bool {
			return strings.HasSuffix(s, "bbless\n") && len(s) <= mib
		}},
		"cut between runes": {"", []string{strings.Repeat("é", mib)}, func(s string) bool {
			return len(s) <= mib && len(s) > mib-4 && utf8.ValidString(s) && strings.Contains(s, "*Cut here")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t)
			if err := os.WriteFile(r.env["GITHUB_STEP_SUMMARY"], []byte(tt.before), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := r.Summary(tt.tiers...); err != nil {
				t.Fatal(err)
			}
			if got := r.file(t, "GITHUB_STEP_SUMMARY"); !tt.want(got) {
				t.Errorf("%d bytes, %.40q … %q", len(got), got, got[max(0, len(got)-60):])
			}
		})
	}
	r := newRunner(t)
	r.env["GITHUB_STEP_SUMMARY"] = filepath.Join(t.TempDir(), "missing", "file")
	if err := r.Summary("x"); err == nil {
		t.Error("a summary that cannot be written is fine, want an error")
	}
	r.env["GITHUB_STEP_SUMMARY"] = ""
	if err := r.Summary("x"); err != nil {
		t.Errorf("without a summary: %v", err)
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	hostile := "a\n_GitHubActionsFileCommandDelimeter_\nverdict=pass\nEOF\n::set-output name=x::y"
	if err := r.Output("verdict", hostile); err != nil {
		t.Fatal(err)
	}
	got := r.file(t, "GITHUB_OUTPUT")
	m := regexp.MustCompile(`(?s)^verdict<<(sluice_[A-Z2-7]{26})\n(.*)\n(sluice_[A-Z2-7]{26})\n$`).FindStringSubmatch(got)
	if m == nil || m[1] != m[3] || m[2] != hostile {
		t.Errorf("output %q", got)
	}
	if err := r.Output("a b=c", "x"); err == nil {
		t.Error("a hostile name is fine, want an error")
	}
	// Half a MiB of ASCII counts as a whole one, and what was put out before counts too.
	if err := r.Output("big", strings.Repeat("x", github.MaxOutputs/2)); err == nil || !strings.Contains(err.Error(), "more than what is left") {
		t.Errorf("too large a value: %v", err)
	}
	if err := r.Output("big", strings.Repeat("x", github.MaxOutputs/2-200)); err != nil {
		t.Error(err)
	}
}

func TestAnnotate(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	left := r.Annotate([]github.Annotation{
		{Path: "apps/a,b:c.yaml", Line: 3, EndLine: 4, Level: github.LevelError, Title: "100%", Message: "no\n::error::x\r\n"},
		{Level: github.LevelNotice, Line: 7, Message: "about the run"},
		{Path: "x\n::stop-commands::y", Column: 2, Line: 1, Level: github.LevelWarning, Message: "m"},
	})
	want := "::error endLine=4,file=apps/a%2Cb%3Ac.yaml,line=3,title=100%25::no%0A::error::x%0D%0A\n" +
		"::notice::about the run\n" +
		"::warning col=2,file=x%0A%3A%3Astop-commands%3A%3Ay,line=1::m\n"
	if left != 0 || r.log.String() != want {
		t.Errorf("%d left out\n%s\nwant\n%s", left, r.log.String(), want)
	}
}

func TestAnnotationsBeyondTheLimitAreSaid(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	var many []github.Annotation
	for range 13 {
		many = append(many, github.Annotation{Level: github.LevelError, Message: "e"}, github.Annotation{Level: github.LevelWarning, Message: "w"})
	}
	if left := r.Annotate(many); left != 6 {
		t.Errorf("%d left out, want 6", left)
	}
	if got := r.log.String(); strings.Count(got, "::error") != 10 || strings.Count(got, "::warning") != 10 || !strings.Contains(got, "\n6 more annotations are not shown") {
		t.Errorf("log:\n%s", got)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	end := r.Group("title\n::error::x")
	w, trust := r.Untrusted()
	if _, err := w.Write([]byte("::add-mask::prod\n##[error]x")); err != nil {
		t.Fatal(err)
	}
	trust()
	end()
	r.Mask("one\r\ntwo\n\n")
	pattern := "^::group::title%0A::error::x\n::stop-commands::([A-Z2-7]{26})\n::add-mask::prod\n##\\[error\\]x\n::([A-Z2-7]{26})::\n::endgroup::\n::add-mask::one\n::add-mask::two\n$"
	if m := regexp.MustCompile(pattern).FindStringSubmatch(r.log.String()); m == nil || m[1] != m[2] {
		t.Errorf("log:\n%s", r.log.String())
	}
}

// A log that is gone is no reason to fail.
func TestLogThatIsGone(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	writer.Close()
	a := github.NewActions(func(string) string { return "" }, writer)
	a.Annotate([]github.Annotation{{Level: github.LevelError, Message: "m"}})
	a.Mask("x")
}

func TestEnv(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	if got := r.Env(); got.APIURL != "https://api.github.com" || got.ServerURL != "https://github.com" || got.RunURL != "" || !r.Active() {
		t.Errorf("%+v", got)
	}
	r.env["GITHUB_SERVER_URL"], r.env["GITHUB_REPOSITORY"], r.env["GITHUB_RUN_ID"] = "https://ghe.example.com", "acme/config", "7"
	if got := r.Env().RunURL; got != "https://ghe.example.com/acme/config/actions/runs/7" {
		t.Errorf("run URL %q", got)
	}
	r.env["INPUT_FAIL-ON"], r.env["INPUT_API_TOKEN"] = " never ", "t"
	if r.Input("fail-on") != "never" || r.Input("api-token") != "t" || r.Input("none") != "" {
		t.Error("inputs")
	}
	var refused *github.EventError
	if _, err := r.Event(); !errors.As(err, &refused) {
		t.Errorf("without an event: %v", err)
	}
	r.env["GITHUB_EVENT_NAME"] = "push"
	if _, err := r.Event(); err == nil || errors.As(err, &refused) {
		t.Errorf("without a payload: %v", err)
	}
}
