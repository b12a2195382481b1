package report_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	nethtml "golang.org/x/net/html"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/report"
)

// gfm renders Markdown as GitHub does, raw HTML included.
var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))

// The elements that a comment may hold, with their attributes.
var allowed = map[string][]string{
	"details": {"open"}, "summary": nil, "b": nil, "code": {"class"}, "pre": nil, "h3": nil, "h4": nil, "p": nil, "ul": nil, "li": nil,
	"table": nil, "thead": nil, "tbody": nil, "tr": nil, "th": {"style"}, "td": {"style"}, "a": {"href"}, "br": nil, "sub": nil,
	"strong": nil, "em": nil, "blockquote": nil,
}

// What GitHub turns into mentions, references and links in text that is not code.
var live = regexp.MustCompile(`(?i)@\w|#\d|gh-\d|://|www\.`)

// problems renders a comment and says what in it is not ours.
func problems(body string) (found []string) {
	if !utf8.ValidString(body) {
		return []string{"not valid UTF-8"}
	}
	if strings.Contains(body, "<!--") {
		found = append(found, "a comment marker")
	}
	var out bytes.Buffer
	if err := gfm.Convert([]byte(body), &out); err != nil {
		return []string{err.Error()}
	}
	var open []string
	for tokens := nethtml.NewTokenizer(&out); ; {
		switch kind := tokens.Next(); kind {
		case nethtml.ErrorToken:
			if len(open) > 0 {
				found = append(found, fmt.Sprintf("unclosed: %v", open))
			}
			return found
		case nethtml.TextToken:
			text := tokens.Token().Data
			if !slices.Contains(open, "code") && live.MatchString(text) {
				found = append(found, fmt.Sprintf("live text: %q", text))
			}
		case nethtml.CommentToken, nethtml.DoctypeToken:
			found = append(found, tokens.Token().String())
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			tag := tokens.Token()
			attributes, ok := allowed[tag.Data]
			if !ok {
				found = append(found, "element "+tag.String())
			}
			for _, a := range tag.Attr {
				if !slices.Contains(attributes, a.Key) {
					found = append(found, "attribute "+tag.String())
				}
				if a.Key == "href" && !strings.HasPrefix(a.Val, options.FileURL) {
					found = append(found, "link "+a.Val)
				}
			}
			if kind == nethtml.StartTagToken && tag.Data != "br" {
				open = append(open, tag.Data)
			}
		case nethtml.EndTagToken:
			name := tokens.Token().Data
			if len(open) == 0 || open[len(open)-1] != name {
				found = append(found, fmt.Sprintf("</%s> closes %v", name, open))
				return found
			}
			open = open[:len(open)-1]
		}
	}
}

// Whatever is in the repository, the comment is ours: in every size.
func TestCommentIsOurs(t *testing.T) {
	for name, build := range samples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, body := range report.Comment(build(t), options) {
				for _, p := range problems(body) {
					t.Errorf("size %d: %s", i, p)
				}
			}
		})
	}
}

func TestProblemsAreFound(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"hello @octocat", "<details>", "<img src=x>", "[x](https://evil.example)", "https://evil.example", "<!-- x -->", "</details>", "see #12",
		"<a href=\"https://evil.example\">x</a>", "![x](y)", "www.evil.example",
	} {
		if len(problems(body)) == 0 {
			t.Errorf("nothing is wrong with %q", body)
		}
	}
}

// Every size fits, each is smaller than the one before, and there is always one.
func TestCommentSizes(t *testing.T) {
	for name, build := range samples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := build(t)
			for _, runes := range []int{65_000, 20_000, 8_000, 1_000} {
				opts := options
				opts.Limit = report.Limit{Runes: runes, Bytes: 4 * runes}
				bodies := report.Comment(r, opts)
				if len(bodies) == 0 {
					t.Fatal("no comment at all")
				}
				for i, body := range bodies {
					if !opts.Limit.Fits(body) {
						t.Errorf("limit %d: size %d has %d characters", runes, i, utf8.RuneCountInString(body))
					}
					if i > 0 && len(body) >= len(bodies[i-1]) {
						t.Errorf("limit %d: size %d is not smaller than the one before", runes, i)
					}
					for _, p := range problems(body) {
						t.Errorf("limit %d: size %d: %s", runes, i, p)
					}
				}
			}
		})
	}
}

// One byte, one character under and over the border of the full comment.
func TestCommentBorders(t *testing.T) {
	t.Parallel()
	r := riskyChange(t)
	huge := report.Limit{Runes: 1 << 30, Bytes: 1 << 30}
	opts := options
	opts.Limit = huge
	full := report.Comment(r, opts)[0]
	runes, size := utf8.RuneCountInString(full), len(full)
	if runes == size {
		t.Fatal("the sample must hold characters of several bytes")
	}
	for _, c := range []struct {
		limit report.Limit
		full  bool
	}{
		{report.Limit{Runes: runes, Bytes: size}, true},
		{report.Limit{Runes: runes - 1, Bytes: size}, false},
		{report.Limit{Runes: runes, Bytes: size - 1}, false},
		{report.Limit{Runes: runes + 1, Bytes: size + 1}, true},
	} {
		opts.Limit = c.limit
		got := report.Comment(r, opts)[0]
		if (got == full) != c.full {
			t.Errorf("limit %+v: full is %t", c.limit, got == full)
		}
		if !c.limit.Fits(got) {
			t.Errorf("limit %+v: got %d characters, %d bytes", c.limit, utf8.RuneCountInString(got), len(got))
		}
	}
}

// TestCommentFormsAtTheirBorders has a limit that each form just fits, and one that is a character or a byte less: then the form is not
// among those to post, and what is posted instead fits.
func TestCommentFormsAtTheirBorders(t *testing.T) {
	t.Parallel()
	r := sharedBase(t)
	opts := options
	opts.Limit = report.Limit{Runes: 1 << 30, Bytes: 1 << 30}
	forms := report.Comment(r, opts)
	if len(forms) != 5 {
		t.Fatalf("%d forms, want full, as far as there is room, lists, counts and the verdict alone", len(forms))
	}
	for i, form := range forms[:4] { // the last one is always there
		runes, size := utf8.RuneCountInString(form), len(form)
		for _, c := range []struct {
			limit report.Limit
			fits  bool
		}{
			{report.Limit{Runes: runes, Bytes: size}, true},
			{report.Limit{Runes: runes + 1, Bytes: size + 1}, true},
			{report.Limit{Runes: runes - 1, Bytes: size}, false},
			{report.Limit{Runes: runes, Bytes: size - 1}, false},
		} {
			opts.Limit = c.limit
			bodies := report.Comment(r, opts)
			is := slices.Contains(bodies, form)
			if is && !c.fits {
				t.Errorf("form %d, limit %+v: it does not fit, and is among those to post", i, c.limit)
			}
			// The second form fills what room there is, here that of the lists too, and then they are not needed.
			if !is && c.fits && i != 1 && i != 2 {
				t.Errorf("form %d, limit %+v: it fits, and is not among those to post", i, c.limit)
			}
			if !c.limit.Fits(bodies[0]) {
				t.Errorf("form %d, limit %+v: the first one does not fit", i, c.limit)
			}
		}
	}
}

// What is left out is said.
func TestCommentSaysWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	bodies := report.Comment(sharedBase(t), options)
	for i, body := range bodies {
		if !strings.Contains(body, "To keep this comment short") && !strings.Contains(body, "too large for a comment") {
			t.Errorf("size %d does not say that it is cut", i)
		}
	}
	if n := utf8.RuneCountInString(bodies[0]); n < 50_000 {
		t.Errorf("the first size uses %d characters of 65,000", n)
	}
}

// The benchmark of the review issue: one change in a base of 600 targets.
func TestManyTargetsStayShort(t *testing.T) {
	t.Parallel()
	body := report.Comment(manyTargets(t), options)[0]
	if n := utf8.RuneCountInString(body); n > 10_000 {
		t.Errorf("%d characters", n)
	}
	for _, needed := range []string{"proxy:1.9.3", "proxy:2.0.0", "memory: 64Mi", "`prod` (200)", "`staging` (200)", "`dev` (200)", "service-00"} {
		if !strings.Contains(body, needed) {
			t.Errorf("the comment does not say %q", needed)
		}
	}
}

func FuzzCommentIsOurs(f *testing.F) {
	for _, seed := range []string{"<b>", "`", "\n```\n</details>", "@octocat", "a|b", "[x](y)", "![x](y)", "<!--", "https://x.example", "\\", "~~~", "    code", "- [ ] x", "\r\n\r\n# x", "&lt;", "\xff"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		r := &report.Report{Environments: []string{name}, Notes: []string{text}, Unchecked: []string{text}}
		r.Targets = []report.Target{{Status: report.Failed, Why: []string{text}}}
		r.Targets[0].ID, r.Targets[0].Environment = name, name
		r.Changes = []report.Change{{Target: name, Kind: name, Name: text, Was: name, Diff: "+" + strings.ReplaceAll(text, "\n", "\n+") + "\n", Risks: []string{name}}}
		r.Findings = finding.List{
			{Rule: name, Message: text, Object: name, Path: text, Pos: finding.Pos{File: name, Line: 1}, Targets: []finding.TargetState{{ID: name, State: finding.New}}},
			{Rule: "lint/" + name, Message: text + `"` + name + `"`, Severity: finding.Error},
		}
		r.Coverage.UnknownKinds = map[string]int{name: 1, text: 2}
		r.Coverage.Unknown = 3
		report.Finish(r)
		for _, body := range report.Comment(r, options) {
			for _, p := range problems(body) {
				t.Errorf("%s in\n%s", p, body)
			}
		}
	})
}
