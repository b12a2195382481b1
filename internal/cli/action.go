package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/report"
)

func (c *Command) newAction() *cobra.Command {
	return &cobra.Command{
		Use:   "action",
		Short: "The entry point of the GitHub Action: read the event and do what it asks for",
		Long: `Reads the event of a GitHub Actions run and checks what it is about: a pull request, a merge group, a push; or, for
workflow_dispatch and schedule, the whole repository. It obeys the commands of comments (/sluice recheck, diff,
promote, ignore) by people with write access. It writes the comment, the check run, the step summary, the annotations and
the outputs. The inputs of action.yml arrive as INPUT_* variables.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.action(cmd) },
	}
}

// defaultID names the comment and the check run where the workflow does not.
const defaultID = "sluice"

// actionInputs are the inputs of action.yml.
type actionInputs struct {
	token     string
	app       github.App           // without ID there is none
	installed *github.Installation // of the app: its tokens take the place of token; nil until authenticate
	directory string
	id        string
	comment   bool
	promote   bool // bring promotions up to date instead of checking
	ignore    bool // offer to prepare exceptions
	reports   string
	cache     string
	gate      report.Gate
}

func readInputs(actions *github.Actions) (actionInputs, error) {
	in := actionInputs{
		token: actions.Input("token"), app: github.App{ID: actions.Input("app-id"), PrivateKey: actions.Input("private-key")}, directory: actions.Input("directory"), id: actions.Input("id"), comment: true,
		reports: actions.Input("reports"), cache: actions.Input("cache"),
		gate: report.Gate{FailOn: actions.Input("fail-on"), Findings: actions.Input("findings")},
	}
	for field, otherwise := range map[*string]string{&in.directory: ".", &in.id: defaultID, &in.gate.FailOn: "error", &in.gate.Findings: "new"} {
		if *field == "" {
			*field = otherwise
		}
	}
	for name, into := range map[string]*bool{"comment": &in.comment, "promote": &in.promote, "ignore-button": &in.ignore} {
		var err error
		if text := actions.Input(name); text == "" {
			continue
		} else if *into, err = strconv.ParseBool(text); err != nil {
			return in, usage(fmt.Errorf("input %s: %q is neither true nor false", name, text))
		}
	}
	if (in.app.ID == "") != (in.app.PrivateKey == "") {
		return in, usage(errors.New("inputs app-id and private-key belong together: give both, or none"))
	}
	return in, validGate(in.gate)
}

// authenticate gets the App's first token where an App is given. Each that it gets, now and later, is masked before it is used.
func (c *Command) authenticate(ctx context.Context, in *actionInputs, actions *github.Actions, event github.Event) (err error) {
	if in.app.ID == "" {
		return nil
	}
	in.installed, err = in.app.Installation(c.reach(github.Options{Repo: event.Repo, APIURL: actions.Env().APIURL}), actions.Mask)
	if err != nil {
		return err
	}
	return in.installed.Begin(ctx)
}

// gitHub gives a client for the repository of an event, with the token or the App of the inputs.
func (in actionInputs) gitHub(c *Command, env github.Env, repo string) (*github.Client, error) {
	client, err := github.New(c.reach(github.Options{Repo: repo, Token: in.token, APIURL: env.APIURL, Installation: in.installed}))
	if err != nil {
		return nil, usage(err)
	}
	return client, nil
}

func (c *Command) action(cmd *cobra.Command) error {
	return c.annotated(func(actions *github.Actions) error { return c.runAction(cmd, actions) })
}

// annotated runs something in a workflow, and annotates the run where it fails.
func (c *Command) annotated(run func(*github.Actions) error) error {
	actions := github.NewActions(c.Getenv, c.Stdout)
	err := run(actions)
	var exit *exitError
	if err != nil && (!errors.As(err, &exit) || exit.err != nil) {
		// Nothing has been published: the annotation is all that the pull request page shows of it.
		actions.Annotate([]github.Annotation{{Level: github.LevelError, Title: "sluice", Message: err.Error()}})
	}
	return err
}

func (c *Command) runAction(cmd *cobra.Command, actions *github.Actions) error {
	ctx := cmd.Context()
	in, err := readInputs(actions)
	if err != nil {
		return err
	}
	actions.Mask(in.token)
	actions.Mask(in.app.PrivateKey)
	event, err := actions.Event()
	if err != nil {
		return err
	}
	if event.Click != nil && !in.ignore {
		c.say("Nothing was done: a button was pressed, and the step lacks `ignore-button: true`.\n")
		return nil
	}
	if event.OwnStatus(in.id) {
		c.say("Nothing was done: the status %q is the step's own verdict.\n", event.Status)
		return nil
	}
	asked := event.Comment != nil || event.Rerun != nil || event.Click != nil
	if event.Check || event.Promote || event.Run != nil || asked {
		if err := c.authenticate(ctx, &in, actions, event); err != nil {
			return err
		}
	}
	if in.cache != "" && !in.mayCache(event) {
		c.say("The cache is not used: what others trust is made anew.\n")
		in.cache = ""
	}
	switch {
	case event.Run != nil:
		return c.publishFork(ctx, actions, in, event)
	case asked:
		return c.answer(cmd, actions, in, event)
	case in.promote && event.Promote:
		return c.promoteOn(cmd, actions, in, event)
	case in.promote:
		c.say("Nothing to promote: the event is not about the default branch, or %s.\n", cmp.Or(event.Why, "is a check's"))
		return nil
	case !event.Check && event.Promote:
		c.say("Nothing to check: the event is about promotions, and the input promote is not true.\n")
		return nil
	case !event.Check:
		c.say("Nothing to check: %s.\n", event.Why)
		return nil
	}
	return c.settle(ctx, actions, in, event, func() (*report.Report, error) { return c.examine(cmd, actions, in, event, pipeline.Scope{}) })
}

// examine renders and compares what an event is about. The clone may be shallow, or of another branch: commits are fetched by their id.
func (c *Command) examine(cmd *cobra.Command, actions *github.Actions, in actionInputs, event github.Event, scope pipeline.Scope) (*report.Report, error) {
	ctx := cmd.Context()
	if c.examined != nil {
		return c.examined(event), nil
	}
	repo, err := git.Open(ctx, in.directory, git.Options{Trust: true})
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	sides, whole, err := sidesOf(ctx, repo, event)
	if err != nil {
		return nil, err
	}
	scope.All = whole.All
	end := actions.Group("Render and check")
	defer end()
	return c.runCheck(ctx, checkRun{sides: sides, scope: scope, gate: in.gate, cache: in.cache, log: c.logger(cmd), progress: c.newProgress()})
}

// mayCache reports whether a run may use the cache that the workflow restores. Those of a merge queue, of promotions and of commands
// speak for the default branch: they are not given what a pull request may have written, whatever the workflow does.
func (in actionInputs) mayCache(event github.Event) bool {
	return event.Check && !in.promote && event.Name != "merge_group" && event.Run == nil && event.Comment == nil && event.Rerun == nil && event.Click == nil
}

// conclude publishes a report and turns its verdict into the exit code.
func (c *Command) conclude(ctx context.Context, actions *github.Actions, in actionInputs, event github.Event, r *report.Report) error {
	r.Head = event.Head // the pull request's own head, also where its trial merge was checked
	client, err := in.gitHub(c, actions.Env(), event.Repo)
	if err != nil {
		return err
	}
	outcome := c.publish(ctx, client, actions.Env(), in, event, r)
	if err := errors.Join(c.tell(actions, in, r, outcome), writePull(in.reports, event.Pull)); err != nil {
		return err
	}
	if len(outcome.Missing) > 0 && !outcome.Degraded() {
		return &exitError{ExitIncomplete, fmt.Errorf("the result could not be published: %w", outcome.Missing[0].Why)}
	}
	return exitWith(r)
}

// sidesOf gives the snapshots that an event is about, fetching what a shallow checkout lacks.
func sidesOf(ctx context.Context, repo *git.Repo, event github.Event) (sides, pipeline.Scope, error) {
	head, base, err := commitsOf(ctx, repo, event)
	if err != nil {
		return sides{}, pipeline.Scope{}, err
	}
	if event.Pull != nil && event.Pull.Fresh && head == event.Head {
		merged, ok, err := repo.MergedTree(ctx, event.Base, head)
		if err != nil {
			return sides{}, pipeline.Scope{}, err
		}
		if ok { // else the two conflict, and the head is compared with where it left the base branch
			head, base = merged, event.Base
		}
	}
	tree, err := repo.Tree(ctx, head)
	if err != nil {
		return sides{}, pipeline.Scope{}, err
	}
	s := sides{head: pipeline.Side{Commit: head, Tree: tree}}
	if base == "" {
		return s, pipeline.Scope{All: true}, nil
	}
	return s, pipeline.Scope{}, s.compareWith(ctx, repo, base, tree)
}

// commitsOf gives the commits to check and to compare with; base is "" where there is none.
//
// actions/checkout gives a pull request's trial merge. Its first parent is the base branch and its tree what the branch
// will hold once merged, so the two differ by exactly the pull request. Where the head itself was checked out, the base is
// the commit at which it left the base branch. GitHub makes the trial merge anew when the head moves, and not each time that the base
// branch does: who asks for a check after something was merged there wants it to count.
func commitsOf(ctx context.Context, repo *git.Repo, event github.Event) (head, base string, err error) {
	if event.Pull != nil {
		merge, base, err := trialMerge(ctx, repo, event)
		if outdated := event.Pull.Fresh && base != event.Base; merge != "" && !outdated || err != nil {
			return merge, base, err
		}
	}
	if err := repo.Ensure(ctx, event.Head); err != nil {
		return "", "", err
	}
	if event.Base == "" {
		return event.Head, "", nil
	}
	if err := repo.Ensure(ctx, event.Base); err != nil {
		return "", "", err
	}
	if event.Pull == nil {
		return event.Head, event.Base, nil
	}
	common, err := repo.CommonAncestor(ctx, event.Base, event.Head)
	return event.Head, common, err
}

// trialMerge gives GitHub's merge of a pull request's head into its base branch, and that branch's commit: what is checked out, or
// what GitHub names. Where neither is a merge of that head, into that branch (the two conflict, or GitHub has yet to merge), both are "".
func trialMerge(ctx context.Context, repo *git.Repo, event github.Event) (merge, base string, err error) {
	for _, rev := range []string{"HEAD", event.Pull.MergeSHA} {
		if rev != "HEAD" && (rev == "" || event.Pull.Merged || repo.Ensure(ctx, rev) != nil) {
			continue
		}
		merge, err := repo.Resolve(ctx, rev)
		if err != nil {
			return "", "", err
		}
		parents, err := repo.Parents(ctx, merge)
		if err != nil {
			return "", "", err
		}
		if len(parents) == 2 && parents[1] == event.Head && (!event.Pull.Moved || parents[0] == event.Base) {
			return merge, parents[0], repo.Ensure(ctx, parents[0])
		}
	}
	return "", "", ctx.Err()
}

// publish writes the comment and the check run.
func (c *Command) publish(ctx context.Context, client *github.Client, env github.Env, in actionInputs, event github.Event, r *report.Report) github.Outcome {
	bodies := report.Comment(r, markdownOptions(env, in, r, report.CommentLimit))
	publication := github.Publication{
		Head: event.Head, CommentID: in.id, UpdateOnly: len(r.Changes) == 0 && len(r.Findings) == 0 && r.Verdict == report.Pass,
		Check: github.CheckRun{
			Name: checkName(in.id, event), Conclusion: conclusion(r.Verdict), Title: r.Headline(), Summary: bodies,
			Annotations: annotations(r), DetailsURL: env.RunURL,
		},
	}
	c.offerIgnoring(in, event, r, &publication.Check)
	if event.Pull != nil && in.comment {
		publication.Pull, publication.Comment = event.Pull.Number, bodies
	}
	return client.Publish(ctx, publication)
}

// checkName is what a verdict is called. The plain name, for which a merge waits, has only that on a pull request or on a merge group. A push
// is held against what the branch was before, and a dispatch against nothing, by rules that the branch itself may bring: on a commit that is
// a pull request's head too, such a verdict must not take the place of the pull request's.
func checkName(id string, event github.Event) string {
	if event.Pull != nil || event.Name == "merge_group" {
		return id
	}
	return fmt.Sprintf("%s (%s)", id, event.Name)
}

// markdownOptions are the links that a report on GitHub can have.
func markdownOptions(env github.Env, in actionInputs, r *report.Report, limit report.Limit) report.MarkdownOptions {
	opts := report.MarkdownOptions{FileURL: fileURL(env, r), PageURL: pageURL(in, env.RunURL), Limit: limit}
	if in.id != defaultID {
		opts.Title = in.id
	}
	return opts
}

// pageURL is where the complete report is: among the artifacts at the foot of the run's page, where the workflow uploads what this step
// writes. The artifact has an address of its own, but only once it is uploaded, which is after the comment. Without reports, the page
// itself has the summary.
func pageURL(in actionInputs, run string) string {
	if run == "" || in.reports == "" {
		return run
	}
	return run + "#artifacts"
}

// fileURL is what a path of the repository is appended to.
func fileURL(env github.Env, r *report.Report) string {
	return fmt.Sprintf("%s/%s/blob/%s/", env.ServerURL, env.Repo, r.Head)
}

func conclusion(v report.Verdict) string {
	switch v {
	case report.Pass:
		return github.Success
	case report.Fail:
		return github.Failure
	default:
		return github.ActionRequired
	}
}

// annotations are the findings that a reader of the files should see: those of this change first.
func annotations(r *report.Report) []github.Annotation {
	var out []github.Annotation
	for _, state := range []finding.State{finding.New, finding.Existing} {
		for _, f := range r.Findings {
			if f.File == "" || !f.Has(state) || (state == finding.Existing && f.Has(finding.New)) {
				continue
			}
			level := f.Severity.String()
			if state == finding.Existing && r.Gate.Findings != "all" {
				level = github.LevelNotice
			}
			out = append(out, github.Annotation{Path: f.File, Line: f.Line, Column: f.Column, Level: level, Title: f.Rule, Message: f.Message})
		}
	}
	return out
}

// tell writes what stays on the runner: the log, the summary, the annotations where no check run holds them, the outputs
// and the report files.
func (c *Command) tell(actions *github.Actions, in actionInputs, r *report.Report, outcome github.Outcome) error {
	var text bytes.Buffer
	if err := report.Text(&text, r, report.TextOptions{All: len(r.NonTargets) > 0}); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	log, end := actions.Untrusted()
	fmt.Fprint(log, text.String())
	end()
	var missing string
	for _, m := range outcome.Missing {
		missing += fmt.Sprintf("> The %s could not be written: %v\n\n", m.What, m.Why)
		actions.Annotate([]github.Annotation{{Level: github.LevelWarning, Title: "sluice", Message: fmt.Sprintf("the %s could not be written: %v", m.What, m.Why)}})
	}
	if check := outcome.Check; check != nil && check.Contradicts != nil {
		actions.Annotate([]github.Annotation{{Level: github.LevelWarning, Title: "sluice", Message: fmt.Sprintf("the verdict stands, but an older one contradicts it: %v", check.Contradicts)}})
	}
	if check := outcome.Check; check == nil || check.Kind != github.AsCheckRun || check.Bare != nil {
		if check != nil && check.Bare != nil {
			actions.Annotate([]github.Annotation{{Level: github.LevelWarning, Title: "sluice", Message: fmt.Sprintf("the check run stands without annotations: %v", check.Bare)}})
		}
		actions.Annotate(annotations(r))
	}
	bodies := report.Comment(r, markdownOptions(actions.Env(), in, r, report.SummaryLimit))
	for i := range bodies {
		bodies[i] = missing + bodies[i]
	}
	return errors.Join(actions.Summary(bodies...), writeOutputs(actions, r, outcome), writeReports(in.reports, r, fileURL(actions.Env(), r)))
}

func writeOutputs(actions *github.Actions, r *report.Report, outcome github.Outcome) error {
	ids := make([]string, len(r.Targets))
	for i, t := range r.Targets {
		ids[i] = t.ID
	}
	targets, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	url := ""
	if outcome.Comment != nil {
		url = outcome.Comment.URL
	}
	gating := make(map[finding.Severity]int)
	for _, f := range r.Findings {
		if f.Has(finding.New) || r.Gate.Findings == "all" && f.Has(finding.Existing) {
			gating[f.Severity]++
		}
	}
	var errs []error
	for _, out := range []struct{ name, value string }{
		{"verdict", string(r.Verdict)},
		{"changes", strconv.Itoa(len(r.Changes))},
		{"errors", strconv.Itoa(gating[finding.Error])},
		{"warnings", strconv.Itoa(gating[finding.Warning])},
		{"targets", string(targets)},
		{"comment-url", url},
	} {
		errs = append(errs, actions.Output(out.name, out.value))
	}
	return errors.Join(errs...)
}

// reportFiles are what writeReports writes.
var reportFiles = []struct{ format, name string }{
	{"html", "report.html"}, {"json", "report.json"}, {"markdown", "report.md"}, {"sarif", "report.sarif"}, {"junit", "report.junit.xml"},
}

// writeReports writes the report in each format into a directory, which is made. files is what a path of the repository is
// appended to for its address; "" where it has none.
func writeReports(dir string, r *report.Report, files string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the reports: %w", err)
	}
	var errs []error
	for _, file := range reportFiles {
		var buffer bytes.Buffer
		if err := view(&buffer, file.format, r, viewOptions{files: files}); err != nil {
			errs = append(errs, fmt.Errorf("write %s: %w", file.name, err))
			continue
		}
		errs = append(errs, writeFile(filepath.Join(dir, file.name), buffer.Bytes()))
	}
	return errors.Join(errs...)
}
