package github

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	gogithub "github.com/google/go-github/v60/github"
)

// Limits of check runs: maxItems and maxLength in GitHub's description of its API. How many annotations are sent in all is
// ours: each batch is a call, of which a check makes fewer than fifteen, and nobody reads more.
const (
	annotationsPerCall  = 50
	annotationsPerCheck = 100
	maxCheckText        = 65535
	maxAnnotationTitle  = 255
	maxAnnotationText   = 64 << 10 // bytes

	maxButtons           = 3
	maxButtonLabel       = 20
	maxButtonDescription = 40
)

// The conclusions that sluice uses.
const (
	Success        = "success"
	Failure        = "failure"
	Neutral        = "neutral"
	ActionRequired = "action_required" // what should have been checked was not
)

// CheckRun is a verdict on a commit, as branch protection and the pull request page show it.
type CheckRun struct {
	Name        string   // what branch protection asks for
	ID          string   // tells it from another check run with the same name, a job called so for instance; "" is Name
	Head        string   // the commit
	Conclusion  string   // one of the constants
	Title       string   // one line
	Summary     []string // Markdown, in several lengths, the largest first; at least one
	Text        []string // the same for the details; may be empty
	Annotations []Annotation
	DetailsURL  string
	New         bool     // the commit was made in this run: nobody has said anything of it
	Buttons     []Button // the first three are shown. Nil leaves those that an earlier run put there, an empty list takes them away
}

// Button is what GitHub calls an action of a check run: pressing it sends the event check_run, requested_action. Only an App gets
// that event.
type Button struct {
	Label, Description string // cut at 20 and at 40 characters
	Identifier         string // says which one was pressed; at most 20 characters
}

// CheckKind says in which form a verdict was published.
type CheckKind string

// The forms of a published verdict.
const (
	AsCheckRun CheckKind = "check run"
	AsStatus   CheckKind = "commit status"
)

// CheckResult says how a verdict was published.
type CheckResult struct {
	Kind      CheckKind
	URL       string
	Annotated int   // annotations that stand on the check run
	LeftOut   int   // annotations that do not: too many, or about no file
	Instead   error // for AsStatus: why there is no check run
	Bare      error // why the check run has no annotations and only the shortest summary; nil where it has all
	// Contradicts says why what an earlier run left under the same name in the other form, a commit status or a check run, still says
	// otherwise; nil where nothing does.
	Contradicts error
}

const (
	permChecks   = "checks: write"
	permStatuses = "statuses: write"
)

// PublishCheck creates the check run, or updates the one that an earlier run made for the same commit and ID. Where the token
// may not write check runs (a personal token never may), a commit status with the same name carries the verdict. One that an earlier run
// left beside the check run is brought to the same verdict.
//
// Annotations cannot be taken back, and an update adds to them: what is there already is not sent again, and a check run with
// annotations that no longer hold is left behind for a new one of the same name, which then counts.
//
// Where GitHub takes something in it for invalid, the check run is written bare: a required check must not stay pending for the sake of
// an annotation.
//
// Errors: [*PermissionError] when neither may be written, [*LimitError] (wrapped), [*RefusedError].
func (c *Client) PublishCheck(ctx context.Context, check CheckRun) (CheckResult, error) {
	if check.Name == "" || !commitID.MatchString(check.Head) || len(check.Summary) == 0 || check.Conclusion == "" {
		return CheckResult{}, fmt.Errorf("check run %q on %q: want a name, a commit id, a conclusion and a summary", check.Name, check.Head)
	}
	check.ID = cmp.Or(check.ID, check.Name)
	var bare error
	for try := 1; ; try++ {
		result, err := c.reconcileCheck(ctx, check)
		switch status := statusOf(err); {
		case err == nil:
			result.Bare = bare
			if !check.New {
				result.Contradicts, err = c.settleStatus(ctx, check)
			}
			return result, err
		case status == http.StatusUnprocessableEntity && bare == nil:
			bare = c.explain("write the check run with all that belongs to it", permChecks, err)
			check = check.bare()
		case status == http.StatusForbidden || status == http.StatusNotFound:
			return c.publishStatus(ctx, check, c.explain("write the check run", permChecks, err))
		case !uncertain(err) || ctx.Err() != nil || try == maxTries ||
			c.transport.wait(ctx, c.transport.jitter(time.Second<<(2*(try-1))), nil) != nil:
			return CheckResult{}, c.explain("write the check run", permChecks, err)
		}
	}
}

// bare gives the check run without what GitHub could take for invalid. The summary says how many annotations are left out.
func (check CheckRun) bare() CheckRun {
	check.Summary, check.Text = check.Summary[len(check.Summary)-1:], nil
	check.Annotations = make([]Annotation, len(check.Annotations)) // about no file: counted, and not sent
	if check.Buttons != nil {
		check.Buttons = []Button{}
	}
	return check
}

// reconcileCheck looks what is there and does what is missing: after a failure whose outcome is unknown it is simply done
// again.
func (c *Client) reconcileCheck(ctx context.Context, check CheckRun) (CheckResult, error) {
	run, err := c.findCheck(ctx, check)
	if err != nil {
		return CheckResult{}, err
	}
	wanted := apiAnnotations(check.Annotations)
	missing := wanted
	if run != nil && run.GetOutput().GetAnnotationsCount() > 0 {
		present, err := c.checkAnnotations(ctx, run.GetID())
		if err != nil {
			return CheckResult{}, err
		}
		if extra(present, wanted) {
			run = nil
		} else {
			missing = without(wanted, present)
		}
	}
	sent, err := c.sendCheck(ctx, run, check, missing, len(wanted))
	if run != nil && statusOf(err) == http.StatusForbidden { // another App made it, under the same ID
		sent, err = c.sendCheck(ctx, nil, check, wanted, len(wanted))
	}
	if err != nil {
		return CheckResult{}, err
	}
	return CheckResult{
		Kind: AsCheckRun, URL: sent.GetHTMLURL(),
		Annotated: len(wanted), LeftOut: len(check.Annotations) - len(wanted),
	}, nil
}

// sendCheck writes the check run and its missing annotations, in as many calls as these need.
func (c *Client) sendCheck(ctx context.Context, run *gogithub.CheckRun, check CheckRun, missing []*gogithub.CheckRunAnnotation, annotated int) (*gogithub.CheckRun, error) {
	for {
		batch := missing[:min(len(missing), annotationsPerCall)]
		missing = missing[len(batch):]
		written, err := c.writeCheck(ctx, run, check, batch, annotated)
		if err != nil || len(missing) == 0 {
			return written, err
		}
		run = written
	}
}

// findCheck gives the newest check run of ours on the commit; nil when there is none.
func (c *Client) findCheck(ctx context.Context, check CheckRun) (*gogithub.CheckRun, error) {
	opts := &gogithub.ListCheckRunsOptions{
		CheckName: &check.Name, Filter: gogithub.String("all"),
		ListOptions: gogithub.ListOptions{PerPage: 100},
	}
	var newest *gogithub.CheckRun
	for {
		list, res, err := c.gh.Checks.ListCheckRunsForRef(ctx, c.owner, c.repo, check.Head, opts)
		if err != nil {
			return nil, err
		}
		for _, run := range list.CheckRuns {
			if run.GetExternalID() == check.ID && run.GetHeadSHA() == check.Head && run.GetID() > newest.GetID() {
				newest = run
			}
		}
		if res.NextPage <= opts.Page {
			return newest, nil
		}
		opts.Page = res.NextPage
	}
}

func (c *Client) checkAnnotations(ctx context.Context, id int64) ([]*gogithub.CheckRunAnnotation, error) {
	opts := &gogithub.ListOptions{PerPage: 100}
	var all []*gogithub.CheckRunAnnotation
	for {
		page, res, err := c.gh.Checks.ListCheckRunAnnotations(ctx, c.owner, c.repo, id, opts)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if res.NextPage <= opts.Page {
			return all, nil
		}
		opts.Page = res.NextPage
	}
}

// writeCheck creates the check run, or updates it. Each call carries the conclusion: a run that is killed between two batches
// leaves a verdict behind, and never one that hangs.
func (c *Client) writeCheck(ctx context.Context, run *gogithub.CheckRun, check CheckRun, batch []*gogithub.CheckRunAnnotation, annotated int) (*gogithub.CheckRun, error) {
	output := &gogithub.CheckRunOutput{
		Title:       gogithub.String(cut(check.Title, maxAnnotationTitle)),
		Summary:     gogithub.String(checkText(check.Summary, leftOutNote(len(check.Annotations)-annotated))),
		Annotations: batch,
	}
	if len(check.Text) > 0 {
		output.Text = gogithub.String(checkText(check.Text, ""))
	}
	var details *string
	if check.DetailsURL != "" {
		details = &check.DetailsURL
	}
	if run == nil {
		created, _, err := c.gh.Checks.CreateCheckRun(ctx, c.owner, c.repo, gogithub.CreateCheckRunOptions{
			Name: check.Name, HeadSHA: check.Head, ExternalID: &check.ID, DetailsURL: details,
			Status: gogithub.String("completed"), Conclusion: &check.Conclusion, Output: output, Actions: check.actions(),
		})
		return created, err
	}
	if len(batch) == 0 {
		ctx = repeatable(ctx)
	}
	update := checkUpdate{UpdateCheckRunOptions: gogithub.UpdateCheckRunOptions{
		Name: check.Name, ExternalID: &check.ID, DetailsURL: details,
		Status: gogithub.String("completed"), Conclusion: &check.Conclusion, Output: output,
	}}
	if check.Buttons != nil {
		actions := check.actions()
		update.Actions = &actions
	}
	req, err := c.gh.NewRequest("PATCH", fmt.Sprintf("repos/%s/%s/check-runs/%d", c.owner, c.repo, run.GetID()), update)
	if err != nil {
		return nil, err
	}
	updated := new(gogithub.CheckRun)
	_, err = c.gh.Do(ctx, req, updated)
	return updated, err
}

// checkUpdate is the library's, except that it can take all buttons away: there, an empty list is left out.
type checkUpdate struct {
	gogithub.UpdateCheckRunOptions
	Actions *[]*gogithub.CheckRunAction `json:"actions,omitempty"`
}

// actions gives the buttons as GitHub takes them; never nil.
func (check CheckRun) actions() []*gogithub.CheckRunAction {
	out := []*gogithub.CheckRunAction{}
	for _, b := range check.Buttons[:min(len(check.Buttons), maxButtons)] {
		out = append(out, &gogithub.CheckRunAction{Label: cut(b.Label, maxButtonLabel), Description: cut(b.Description, maxButtonDescription), Identifier: b.Identifier})
	}
	return out
}

func leftOutNote(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("\n\n%d more annotations are not shown on the files.", n)
}

// checkText gives the first tier that fits into a check run's field together with the note.
func checkText(tiers []string, note string) string {
	text, _ := fit(tiers, maxCheckText-len(note), utf8.RuneCountInString, "\n\n*Cut here: GitHub takes no more.*")
	return text + note
}

func cut(s string, runes int) string {
	text, _ := fit([]string{s}, runes, utf8.RuneCountInString, "…")
	return text
}

// apiAnnotations gives what a check run takes of annotations: those that are on a file, once each, not too many.
func apiAnnotations(annotations []Annotation) []*gogithub.CheckRunAnnotation {
	var out []*gogithub.CheckRunAnnotation
	seen := make(map[string]bool)
	for _, an := range annotations {
		if an.Path == "" || len(out) == annotationsPerCheck {
			continue
		}
		if converted := an.api(); !seen[identity(converted)] {
			seen[identity(converted)] = true
			out = append(out, converted)
		}
	}
	return out
}

func (an Annotation) api() *gogithub.CheckRunAnnotation {
	level := map[string]string{LevelError: "failure", LevelWarning: "warning"}[an.Level]
	line := max(an.Line, 1)
	message, _ := fit([]string{cmp.Or(an.Message, an.Title, "(no message)")}, maxAnnotationText, bytesOf, "…")
	out := &gogithub.CheckRunAnnotation{
		Path: &an.Path, StartLine: &line, EndLine: gogithub.Int(max(an.EndLine, line)),
		AnnotationLevel: gogithub.String(cmp.Or(level, "notice")), Message: &message,
	}
	if an.Title != "" {
		out.Title = gogithub.String(cut(an.Title, maxAnnotationTitle))
	}
	if an.Column > 0 && out.GetEndLine() == line { // GitHub refuses columns on several lines
		out.StartColumn, out.EndColumn = gogithub.Int(an.Column), gogithub.Int(max(an.EndColumn, an.Column))
	}
	return out
}

// identity is what makes two annotations the same.
func identity(an *gogithub.CheckRunAnnotation) string {
	return fmt.Sprintf("%q %d-%d %d-%d %s %q %q", an.GetPath(), an.GetStartLine(), an.GetEndLine(), an.GetStartColumn(),
		an.GetEndColumn(), an.GetAnnotationLevel(), an.GetTitle(), strings.TrimSpace(an.GetMessage()))
}

func identities(list []*gogithub.CheckRunAnnotation) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, an := range list {
		set[identity(an)] = true
	}
	return set
}

// extra reports whether present holds an annotation that is not wanted.
func extra(present, wanted []*gogithub.CheckRunAnnotation) bool {
	return len(without(present, wanted)) > 0
}

// without gives those of list that are not in other, in order.
func without(list, other []*gogithub.CheckRunAnnotation) []*gogithub.CheckRunAnnotation {
	set := identities(other)
	return slices.DeleteFunc(slices.Clone(list), func(an *gogithub.CheckRunAnnotation) bool { return set[identity(an)] })
}
