package report

import (
	"crypto/sha256"
	_ "embed" // the parts of the page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
)

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

//go:embed page/page.js
var pageJS string

// HTMLOptions says what the page may refer to. Its zero value is a page without links.
type HTMLOptions struct {
	// FileURL is what a path of the repository is appended to, such as "https://github.com/o/r/blob/SHA/".
	FileURL string
}

// HTML writes the report as a page in one file. The page needs no network, and its content security policy lets it run
// nothing but its own script. What comes from the repository stands in it as JSON, which that script sets as text.
func HTML(w io.Writer, r *Report, opts HTMLOptions) error {
	data, err := json.Marshal(newPage(r, opts)) // escapes <, > and &, so that nothing in it ends the element
	if err != nil {
		return fmt.Errorf("encode the page's data: %w", err)
	}
	policy := fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; base-uri 'none'; form-action 'none'", sourceHash(pageJS), sourceHash(pageCSS))
	rest := pageHTML
	for _, part := range []struct{ mark, text string }{{"{{csp}}", policy}, {"{{style}}", pageCSS}, {"{{data}}", string(data)}, {"{{script}}", pageJS}} {
		before, after, ok := strings.Cut(rest, part.mark)
		if !ok {
			return fmt.Errorf("the page has no place for %s", part.mark)
		}
		if _, err := io.WriteString(w, before+part.text); err != nil {
			return err
		}
		rest = after
	}
	_, err = io.WriteString(w, rest)
	return err
}

// sourceHash names an inline script or style in a content security policy.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// page is what the page's script reads. Every text in it is visible: no control characters, nothing that changes direction.
type page struct {
	Verdict      Verdict           `json:"verdict"`
	Headline     string            `json:"headline"`
	Base         string            `json:"base"`
	Head         string            `json:"head"`
	Coverage     string            `json:"coverage"`
	Last         string            `json:"last"` // the environment that matters most
	Notes        []string          `json:"notes"`
	Unchecked    []string          `json:"unchecked"`
	Environments []pageEnvironment `json:"environments"`
	Targets      []pageTarget      `json:"targets"`
	Changes      []pageChange      `json:"changes"`
	Findings     []pageFinding     `json:"findings"`
	Waived       []string          `json:"waived"` // findings that do not count, with why
	Images       []pageImage       `json:"images"`
	Diffs        []string          `json:"diffs"` // each text once: equal changes share it
}

type pageEnvironment struct {
	Name     string `json:"name"`
	Targets  int    `json:"targets"`
	Changes  int    `json:"changes"`
	Words    string `json:"words"` // "2 failed, 1 new"
	Restarts string `json:"restarts"`
	Requests string `json:"requests"`
	Findings string `json:"findings"`
}

type pageTarget struct {
	ID          string   `json:"id"`
	App         string   `json:"app"`
	Environment string   `json:"environment"`
	Status      Status   `json:"status"`
	Base        Status   `json:"base"`
	Why         []string `json:"why"`
}

type pageChange struct {
	Target    int         `json:"target"` // index
	Object    string      `json:"object"`
	Kind      string      `json:"kind"`
	Namespace string      `json:"namespace"`
	Name      string      `json:"name"` // without a generator's hash
	Action    diff.Action `json:"action"`
	Was       string      `json:"was,omitempty"`
	Group     string      `json:"group"`
	Risks     []string    `json:"risks"`
	Diff      int         `json:"diff"` // index
	Added     int         `json:"added"`
	Removed   int         `json:"removed"`
	Restarts  bool        `json:"restarts,omitempty"`
	Pods      int         `json:"pods,omitempty"`
	Images    []string    `json:"images,omitempty"` // new ones, for searching
}

type pageFinding struct {
	Rule     string            `json:"rule"`
	Severity string            `json:"severity"`
	Message  string            `json:"message"`
	At       string            `json:"at"`
	URL      string            `json:"url,omitempty"`
	Object   string            `json:"object"`
	Risk     bool              `json:"risk"`
	Targets  []pageTargetState `json:"targets"`
}

type pageTargetState struct {
	Target int           `json:"target"` // index; -1 for one that the report does not have
	ID     string        `json:"id,omitempty"`
	State  finding.State `json:"state"`
}

type pageImage struct {
	Repository string                 `json:"repository"`
	Changes    map[string][][2]string `json:"changes"` // environment → old and new version
}

func newPage(r *Report, opts HTMLOptions) page {
	p := page{
		Verdict: r.Verdict, Headline: r.Headline(), Base: visible(shortCommit(r.Base), ""), Head: visible(shortCommit(r.Head), ""),
		Coverage: visible(r.CoverageLine(), ""), Last: visible(r.last(), ""), Notes: visibles(r.Notes), Unchecked: visibles(r.Unchecked),
		Environments: []pageEnvironment{}, Targets: []pageTarget{}, Changes: []pageChange{}, Findings: []pageFinding{}, Waived: []string{}, Images: []pageImage{}, Diffs: []string{},
	}
	if r.Unaffected > 0 {
		p.Coverage += fmt.Sprintf("; %s out of the change’s reach", plural(r.Unaffected, "target"))
	}
	p.environments(r)
	index := make(map[string]int, len(r.Targets))
	for i, t := range r.Targets {
		index[t.ID] = i
		p.Targets = append(p.Targets, pageTarget{visible(t.ID, ""), visible(t.App, ""), visible(t.Environment, ""), t.Status, t.Base, visibles(t.Why)})
	}
	p.changes(r, index)
	p.findings(r, index, opts)
	return p
}

func visibles(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = visible(text, "")
	}
	return out
}

func (p *page) environments(r *Report) {
	names, tallies := r.byEnvironment()
	for _, name := range names {
		t := tallies[name]
		var words []string
		for _, w := range []struct {
			n    int
			what string
		}{{t.failed, "failed"}, {t.added, "new"}, {t.removed, "removed"}} {
			if w.n > 0 {
				words = append(words, thousands(w.n)+" "+w.what)
			}
		}
		p.Environments = append(p.Environments, pageEnvironment{
			visible(name, ""), t.targets, t.changes(), strings.Join(words, ", "), t.restartWords(), t.requestWords(), severities(t.findings),
		})
	}
	for _, row := range r.images() {
		image := pageImage{visible(row.repository, ""), make(map[string][][2]string)}
		for environment, all := range row.changes {
			for _, v := range all {
				name := visible(environment, "")
				image.Changes[name] = append(image.Changes[name], [2]string{visible(v.from, ""), visible(v.to, "")})
			}
		}
		p.Images = append(p.Images, image)
	}
}

func (p *page) changes(r *Report, targets map[string]int) {
	diffs := make(map[string]int)
	for _, c := range r.Changes {
		target, ok := targets[c.Target]
		if !ok {
			continue // the report is not whole: there is nowhere to show it
		}
		at, ok := diffs[c.Diff]
		if !ok {
			at = len(p.Diffs)
			diffs[c.Diff] = at
			p.Diffs = append(p.Diffs, visible(c.Diff, "\n\t"))
		}
		name := c.Name
		if isGenerated(c) {
			name, _ = diff.BaseName(name)
		}
		change := pageChange{
			Target: target, Object: visible(c.ID().String(), ""), Kind: visible(c.Kind, ""), Namespace: visible(c.Namespace, ""), Name: visible(name, ""),
			Action: shownAction(c), Was: visible(c.Was, ""), Group: c.GroupID, Risks: visibles(c.Risks), Diff: at, Added: c.Added, Removed: c.Removed,
			Restarts: c.Effect.Restarts, Pods: c.Effect.Pods,
		}
		for _, i := range c.Effect.Images {
			change.Images = append(change.Images, visible(i.New, ""))
		}
		p.Changes = append(p.Changes, change)
	}
}

func (p *page) findings(r *Report, targets map[string]int, opts HTMLOptions) {
	isRisk := r.isRisk()
	for _, f := range r.Findings {
		out := pageFinding{
			Rule: visible(f.Rule, ""), Severity: f.Severity.String(), Message: visible(f.Message, "\n\t"), At: visible(f.Pos.String(), ""),
			Object: visible(f.Object, ""), Risk: isRisk(f), Targets: []pageTargetState{},
		}
		if opts.FileURL != "" && f.File != "" {
			out.URL = opts.FileURL + pathURL(f.File)
			if f.Line > 0 {
				out.URL += fmt.Sprintf("#L%d", f.Line)
			}
		}
		for _, t := range f.Targets {
			if at, ok := targets[t.ID]; ok {
				out.Targets = append(out.Targets, pageTargetState{Target: at, State: t.State})
			} else {
				out.Targets = append(out.Targets, pageTargetState{Target: -1, ID: visible(t.ID, ""), State: t.State})
			}
		}
		p.Findings = append(p.Findings, out)
	}
	for _, f := range r.Waived {
		p.Waived = append(p.Waived, r.waivedSentence(f))
	}
}
