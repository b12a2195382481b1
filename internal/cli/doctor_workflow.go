package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// flow is a workflow file, as far as doctor reads it.
// Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
type flow struct {
	file   string
	broken error

	On          yaml.Node          `yaml:"on"`
	Permissions yaml.Node          `yaml:"permissions"`
	Concurrency concurrency        `yaml:"concurrency"`
	Jobs        map[string]flowJob `yaml:"jobs"`
}

// concurrency may be written as the group alone.
type concurrency struct{ Group string }

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *concurrency) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		c.Group = node.Value
		return nil
	}
	var written struct {
		Group string `yaml:"group"`
	}
	err := node.Decode(&written)
	c.Group = written.Group
	return err
}

type flowJob struct {
	name            string      // its key
	Shown           string      `yaml:"name"` // "" is the key
	If              string      `yaml:"if"`
	Permissions     yaml.Node   `yaml:"permissions"`
	ContinueOnError any         `yaml:"continue-on-error"`
	Concurrency     concurrency `yaml:"concurrency"`
	Steps           []flowStep  `yaml:"steps"`
}

type flowStep struct {
	If              string         `yaml:"if"`
	Uses            string         `yaml:"uses"`
	Run             string         `yaml:"run"`
	With            map[string]any `yaml:"with"`
	ContinueOnError any            `yaml:"continue-on-error"`
}

const workflowDir = ".github/workflows"

// readWorkflows reads all workflows; one that cannot be read says why in broken.
func readWorkflows(tree fs.FS) ([]flow, error) {
	entries, err := fs.ReadDir(tree, workflowDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var flows []flow
	for _, entry := range entries {
		if ext := path.Ext(entry.Name()); entry.IsDir() || ext != ".yml" && ext != ".yaml" {
			continue
		}
		f := flow{file: path.Join(workflowDir, entry.Name())}
		data, err := fs.ReadFile(tree, f.file)
		if err == nil {
			err = yaml.Unmarshal(data, &f)
		}
		f.broken = err
		flows = append(flows, f)
	}
	return flows, nil
}

var (
	actionName    = regexp.MustCompile(`^(?:[^/@]+/|\.[^@]*/)([^/@]+)(?:@|$)`)
	sluiceCommand = regexp.MustCompile(`(?m)(?:^|[\s/"])sluice"?\s+(?:action|check)\b`)
	pinned        = regexp.MustCompile(`@([0-9a-f]{40}|sha256:[0-9a-f]{64})$`) // docker://image@sha256:…
)

// sluiceJobs gives the jobs that run sluice, by name.
func (f flow) sluiceJobs() []flowJob {
	var out []flowJob
	for _, name := range slices.Sorted(maps.Keys(f.Jobs)) {
		job := f.Jobs[name]
		job.name = name
		if job.sluice() >= 0 {
			out = append(out, job)
		}
	}
	return out
}

// sluice gives the step that runs sluice, -1 for none. The action is known by its name: acme/sluice, ./.github/actions/sluice. Where there is
// none of that name, a mirror may be called acme/mirror-of-sluice, but what sets something up for it is another action.
func (j flowJob) sluice() int {
	exact := slices.IndexFunc(j.Steps, func(s flowStep) bool {
		return slices.Equal(nameOf(s.Uses), []string{"sluice"}) || sluiceCommand.MatchString(s.Run)
	})
	if exact >= 0 {
		return exact
	}
	return slices.IndexFunc(j.Steps, func(s flowStep) bool {
		words := nameOf(s.Uses)
		return slices.Contains(words, "sluice") && !slices.Contains(words, "setup") && !slices.Contains(words, "install")
	})
}

// nameOf gives the words of an action's name.
func nameOf(uses string) []string {
	m := actionName.FindStringSubmatch(strings.ToLower(uses))
	if m == nil {
		return nil
	}
	return strings.FieldsFunc(m[1], func(r rune) bool { return strings.ContainsRune("-_.", r) })
}

// triggers gives the events of a workflow, with what is said of each.
func (f flow) triggers() map[string]*yaml.Node {
	out := make(map[string]*yaml.Node)
	switch f.On.Kind {
	case yaml.ScalarNode:
		out[f.On.Value] = &yaml.Node{}
	case yaml.SequenceNode:
		for _, event := range f.On.Content {
			out[event.Value] = &yaml.Node{}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(f.On.Content); i += 2 {
			out[f.On.Content[i].Value] = f.On.Content[i+1]
		}
	}
	return out
}

// workflow says whether a job that runs sluice makes a gate.
func (d *diagnosis) workflow(f flow, job flowJob, s *setup) {
	at := fmt.Sprintf("%s, job %q", f.file, job.name)
	on := f.triggers()
	step := job.Steps[job.sluice()]
	for _, step := range job.Steps { // what runs beside sluice has what sluice has
		if step.Uses != "" && !pinned.MatchString(step.Uses) && !strings.HasPrefix(step.Uses, ".") {
			d.say(advice, "%s: %q can change what it names: pin it to a commit, by its full id", at, step.Uses)
		}
	}
	if _, has := on["pull_request_target"]; has {
		d.say(wrong, "%s: pull_request_target gives a token that may write to a run about a stranger's files: use pull_request, and `sluice init --forks`", at)
	}
	if _, has := on["workflow_run"]; has {
		d.secondStage(at, f, job)
		return
	}
	_, comments := on["issue_comment"]
	if comments {
		d.commands(at, f, job, s)
	}
	if fmt.Sprint(step.With["promote"]) == "true" { // it checks nothing then
		if s.opens = true; !comments {
			d.promotions(at, f, job, on)
		}
		return
	}
	filters, has := on["pull_request"]
	if !has {
		return // a scheduled run, say: it is no gate
	}
	before := len(*d)
	d.triggerFilters(at, filters)
	if _, has := on["merge_group"]; has {
		s.mergeGroup = true
	} else {
		d.say(advice, "%s: does not run on merge_group: a merge queue would wait for the check for ever", at)
	}
	d.permissions(at, f, job, map[string]string{"contents": "read", "pull-requests": "write", "checks": "write"})
	if job.If != "" || step.If != "" {
		d.say(advice, "%s: has a condition: a job that is skipped counts as green, so the condition decides what is gated", at)
	}
	if truthy(job.ContinueOnError) || truthy(step.ContinueOnError) {
		d.say(wrong, "%s: continue-on-error makes a failed check green", at)
	}
	if failOn := fmt.Sprint(step.With["fail-on"]); failOn == "never" {
		d.say(wrong, "%s: fail-on: never fails nothing", at)
	}
	d.checkout(at, job)
	id := defaultID
	if given, ok := step.With["id"].(string); ok && given != "" {
		id = given
	}
	shown := cmp.Or(job.Shown, job.name)
	if step.Uses == "" {
		id = shown // the job itself is the check
	}
	if id != shown {
		d.say(advice, "%s: the job is called %q and the check %q: of a pull request from a fork, whose token writes no checks, the job alone reports. Call both the same", at, shown, id)
	}
	s.checks = append(s.checks, id)
	if !slices.ContainsFunc((*d)[before:], func(line struct {
		level level
		text  string
	}) bool {
		return line.level == wrong
	}) {
		d.say(fine, "%s: runs sluice on pull requests", at)
	}
}

// triggerFilters says of a required check's filters what they do: a workflow that a filter leaves out never reports, and the pull
// request waits.
func (d *diagnosis) triggerFilters(at string, filters *yaml.Node) {
	const retargeted = "%s: pull_request lacks the type edited: when the branch changes that a pull request goes to, the verdict by the other branch's rules stands"
	if filters.Kind != yaml.MappingNode {
		d.say(advice, retargeted, at)
		return
	}
	types := false
	for i := 0; i+1 < len(filters.Content); i += 2 {
		key, value := filters.Content[i].Value, filters.Content[i+1]
		switch key {
		case "paths", "paths-ignore":
			d.say(wrong, "%s: pull_request has %s: where the workflow does not run, a required check is never reported and the pull request waits for ever. sluice picks what is affected by itself", at, key)
		case "branches", "branches-ignore":
			d.say(advice, "%s: pull_request has %s: make sure that the gated branch is among them", at, key)
		case "types":
			types = true
			has := func(needed string) bool {
				return value.Value == needed || slices.ContainsFunc(value.Content, func(n *yaml.Node) bool { return n.Value == needed })
			}
			for _, needed := range []string{"opened", "synchronize", "reopened"} {
				if !has(needed) {
					d.say(wrong, "%s: pull_request lacks the type %s: what is pushed then goes unchecked", at, needed)
				}
			}
			if !has("edited") {
				d.say(advice, retargeted, at)
			}
		}
	}
	if !types {
		d.say(advice, retargeted, at)
	}
}

// permissions compares what a job's token may do with what it needs. A job's own permissions replace the workflow's.
func (d *diagnosis) permissions(at string, f flow, job flowJob, needs map[string]string) {
	given := job.Permissions
	if given.Kind == 0 {
		given = f.Permissions
	}
	has := make(map[string]string)
	switch given.Kind {
	case 0:
		d.say(advice, "%s: says no permissions: they are then those of the repository's settings; write them down", at)
		return
	case yaml.ScalarNode:
		for name := range needs {
			has[name] = strings.TrimSuffix(given.Value, "-all")
		}
		if given.Value == "write-all" {
			d.say(advice, "%s: write-all is more than sluice needs: see the README", at)
		}
	default:
		if err := given.Decode(&has); err != nil {
			d.say(unknown, "%s: its permissions cannot be read: %v", at, err)
			return
		}
	}
	for _, name := range slices.Sorted(maps.Keys(needs)) {
		if has[name] != "write" && has[name] != needs[name] {
			d.say(wrong, "%s: lacks the permission %s: %s", at, name, needs[name])
		}
	}
}

// checkout looks at the step that brings the repository.
func (d *diagnosis) checkout(at string, job flowJob) {
	i := slices.IndexFunc(job.Steps, func(s flowStep) bool { return strings.HasPrefix(s.Uses, "actions/checkout@") })
	if i < 0 || i > job.sluice() {
		d.say(advice, "%s: no actions/checkout before sluice: it reads the repository in the working directory", at)
		return
	}
	with := job.Steps[i].With
	depth := fmt.Sprint(with["fetch-depth"])
	shallow := with["fetch-depth"] == nil || depth == "1"
	if shallow && fmt.Sprint(with["persist-credentials"]) == "false" {
		d.say(wrong, "%s: fetch-depth 1 without credentials: the base can then not be fetched where the repository is private; say fetch-depth: 2", at)
	} else if shallow {
		d.say(advice, "%s: fetch-depth: 2 saves fetching the base again", at)
	}
	if ref := with["ref"]; ref != nil {
		d.say(advice, "%s: checks out %q: without ref, it is the merge of the pull request, which is what will be on the branch", at, fmt.Sprint(ref))
	}
}

// secondStage looks at the workflow that comments for forks: it holds a token that may write.
func (d *diagnosis) secondStage(at string, f flow, job flowJob) {
	before := len(*d)
	d.noCheckoutOfHead(at, job)
	d.permissions(at, f, job, map[string]string{"actions": "read", "pull-requests": "write"})
	if len(*d) == before {
		d.say(fine, "%s: comments for pull requests from forks", at)
	}
}

// commands looks at the workflow that obeys comments: anybody can start it, and it holds a token that may write.
func (d *diagnosis) commands(at string, f flow, job flowJob, s *setup) {
	before := len(*d)
	d.noCheckoutOfHead(at, job)
	needs := map[string]string{"contents": "read", "pull-requests": "write", "checks": "write"}
	if fmt.Sprint(job.Steps[job.sluice()].With["ignore-button"]) == "true" {
		s.opens, needs["contents"] = true, "write"
	}
	d.permissions(at, f, job, needs)
	group := f.Concurrency.Group
	if job.Concurrency.Group != "" {
		group = job.Concurrency.Group
	}
	if group != "" && !strings.Contains(group, "comment.id") && !strings.Contains(group, "run_id") {
		d.say(advice, "%s: of the runs that wait in the group %q GitHub keeps only the newest: a command may get lost. Put github.event.comment.id into its name", at, group)
	}
	if len(*d) == before {
		d.say(fine, "%s: obeys comments by people with write access", at)
	}
}

// promotions looks at the workflow that opens promotions.
func (d *diagnosis) promotions(at string, f flow, job flowJob, on map[string]*yaml.Node) {
	before := len(*d)
	d.noCheckoutOfHead(at, job)
	d.permissions(at, f, job, map[string]string{"contents": "write", "pull-requests": "write", "checks": "write", "statuses": "write"})
	if _, has := on["push"]; !has {
		d.say(wrong, "%s: does not run on push: a merge is then promoted only when something else starts it", at)
	}
	if _, has := on["schedule"]; !has {
		d.say(advice, "%s: does not run on a schedule: gates that open as time passes, and approvals, are then seen late", at)
	}
	i := slices.IndexFunc(job.Steps, func(s flowStep) bool { return strings.HasPrefix(s.Uses, "actions/checkout@") })
	if i >= 0 && fmt.Sprint(job.Steps[i].With["fetch-depth"]) != "0" {
		d.say(wrong, "%s: say fetch-depth: 0: what a target owns shows only in the history", at)
	}
	if len(*d) == before {
		d.say(fine, "%s: opens promotions", at)
	}
}

// noCheckoutOfHead is for runs with a token that may write, about pull requests of strangers.
func (d *diagnosis) noCheckoutOfHead(at string, job flowJob) {
	for _, step := range job.Steps {
		if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["ref"] != nil {
			d.say(wrong, "%s: checks out %q in a run that may write: a stranger's files must not come near it", at, fmt.Sprint(step.With["ref"]))
		}
	}
}

func truthy(value any) bool { return value != nil && value != false && value != "" }
