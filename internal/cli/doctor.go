package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
)

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	repo    string
	name    string // owner/name on GitHub; "" is that of GITHUB_REPOSITORY or of the remote origin
	branch  string
	offline bool
}

func (c *Command) newDoctor() *cobra.Command {
	var opts doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say whether the repository is set up so that sluice gates it",
		Long: `Reads the workflows, CODEOWNERS and .sluice.yaml of the working tree, and asks GitHub what the branch demands: the token is that
of GITHUB_TOKEN or GH_TOKEN. Each line is ok, wrong (the gate does not hold), advice, or unknown (it could not be checked).

Exit codes: 0 nothing is wrong, 1 something is, 3 nothing is wrong but something could not be checked; --offline leaves that out.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.doctor(cmd, opts) },
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.repo, "repo", ".", "the repository: any directory in it")
	flags.StringVar(&opts.name, "github", "", "its `OWNER/NAME` on GitHub (default: that of GITHUB_REPOSITORY, or of the remote origin)")
	flags.StringVar(&opts.branch, "branch", "", "the branch to be gated (default: the default branch)")
	flags.BoolVar(&opts.offline, "offline", false, "look at the files only")
	return cmd
}

// level is how a line of doctor's counts.
type level string

const (
	fine    level = "ok"
	wrong   level = "wrong"
	advice  level = "advice"
	unknown level = "unknown"
)

// diagnosis is what doctor has to say, in order. What comes from files and from GitHub is quoted in it.
type diagnosis []struct {
	level level
	text  string
}

func (d *diagnosis) say(l level, format string, args ...any) {
	*d = append(*d, struct {
		level level
		text  string
	}{l, fmt.Sprintf(format, args...)})
}

func (d diagnosis) has(l level) bool {
	for _, line := range d {
		if line.level == l {
			return true
		}
	}
	return false
}

func (c *Command) doctor(cmd *cobra.Command, opts doctorOptions) error {
	ctx := cmd.Context()
	repo, err := git.Open(ctx, opts.repo, git.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	tree := os.DirFS(repo.Root())
	var d diagnosis
	setup, err := d.files(tree)
	if err != nil {
		return err
	}
	if opts.offline {
		d.say(unknown, "required checks and reviews: not asked for, because of --offline")
	} else {
		c.askGitHub(ctx, &d, repo, opts, setup)
	}
	d.say(advice, "no token can see everything: look in the settings who may bypass the rules, and that nobody may push past them")
	for _, line := range d {
		c.say("%-8s %s\n", line.level, line.text)
	}
	switch {
	case d.has(wrong):
		return &exitError{code: ExitFindings}
	case d.has(unknown) && !opts.offline:
		return &exitError{code: ExitIncomplete}
	default:
		return nil
	}
}

// setup is what the files say, as far as the questions to GitHub depend on it.
type setup struct {
	checks     []string // the check runs that the workflows write
	mergeGroup bool     // the workflow runs for merge queues
	opens      bool     // a workflow opens pull requests: promotions, or exceptions
	owned      bool     // CODEOWNERS covers what decides
}

// files looks at everything that is in the repository itself.
func (d *diagnosis) files(tree fs.FS) (setup, error) {
	var s setup
	cfg := config.Default()
	switch data, err := fs.ReadFile(tree, config.FileName); {
	case errors.Is(err, fs.ErrNotExist):
		d.say(fine, "%s: there is none, targets are detected", config.FileName)
	case err != nil:
		return s, err
	default:
		parsed, problems := config.Parse(config.FileName, data)
		if len(problems) > 0 {
			d.say(wrong, "%s has mistakes:\n%s", config.FileName, problems)
		} else {
			d.say(fine, "%s is valid", config.FileName)
			cfg = parsed
		}
	}
	flows, err := readWorkflows(tree)
	if err != nil {
		return s, err
	}
	guarded := []string{config.FileName}
	for _, dir := range cfg.Policies.Directories {
		guarded = append(guarded, path.Join(string(dir), "any.rego"))
	}
	for _, flow := range flows {
		if flow.broken != nil {
			d.say(unknown, "%s cannot be read: %v", flow.file, flow.broken)
			continue
		}
		for _, job := range flow.sluiceJobs() {
			if !slices.Contains(guarded, flow.file) {
				guarded = append(guarded, flow.file)
			}
			d.workflow(flow, job, &s)
		}
	}
	if len(s.checks) == 0 {
		d.say(wrong, "no workflow runs sluice on pull requests: `sluice init` writes one")
	}
	s.owned = d.owners(tree, guarded)
	return s, nil
}

var githubRemote = regexp.MustCompile(`^(?:https?://(?:[^@/]+@)?|ssh://git@|git@)([^/:]+)(?::\d+)?[:/]([^/]+/[^/]+?)(?:\.git)?/?$`)

// findGitHub says which repository on GitHub this is, where its API is, and which token there is; "" for what nobody says.
func (c *Command) findGitHub(ctx context.Context, repo *git.Repo, name string) (full, api, token string) {
	api = c.Getenv("GITHUB_API_URL")
	if name == "" {
		name = c.Getenv("GITHUB_REPOSITORY")
	}
	if m := githubRemote.FindStringSubmatch(repo.RemoteURL(ctx, "origin")); name == "" && m != nil {
		name = m[2]
		if api == "" && m[1] != "github.com" {
			api = "https://" + m[1] + "/api/v3"
		}
	}
	token = c.Getenv("GITHUB_TOKEN")
	if token == "" {
		token = c.Getenv("GH_TOKEN")
	}
	return name, api, token
}

// askGitHub looks at what only GitHub knows.
func (c *Command) askGitHub(ctx context.Context, d *diagnosis, repo *git.Repo, opts doctorOptions, s setup) {
	name, api, token := c.findGitHub(ctx, repo, opts.name)
	switch {
	case name == "":
		d.say(unknown, "required checks: the remote origin is no GitHub repository; name it with --github OWNER/NAME")
		return
	case token == "":
		d.say(unknown, "required checks: there is no token; set GITHUB_TOKEN to one that may read %s, as in: GITHUB_TOKEN=$(gh auth token) sluice doctor", name)
		return
	}
	client, err := github.New(github.Options{Repo: name, Token: token, APIURL: api})
	if err != nil {
		d.say(unknown, "required checks: %v", err)
		return
	}
	protection, err := client.Protection(ctx, opts.branch)
	if err != nil {
		d.say(unknown, "required checks: %v", err)
		return
	}
	d.protection(protection, s)
	if s.opens {
		d.mayOpenPulls(client.MayOpenPulls(ctx))
	}
}

// mayOpenPulls is about a setting that is off where nobody turned it on.
func (d *diagnosis) mayOpenPulls(may bool, err error) {
	const setting = `Settings, Actions, General: "Allow GitHub Actions to create and approve pull requests"`
	switch {
	case err != nil:
		d.say(advice, "%s: only an administrator's token can read whether it is on. Without it, or a GitHub App (app-id), no pull request is opened", setting)
	case !may:
		d.say(wrong, "%s is off: no pull request is opened with GITHUB_TOKEN. Turn it on, or give a GitHub App (app-id)", setting)
	default:
		d.say(fine, "GITHUB_TOKEN may open pull requests")
	}
}

func (d *diagnosis) protection(p github.Protection, s setup) {
	if p.RulesUnknown != nil {
		d.say(unknown, "rulesets: %v", p.RulesUnknown)
	}
	for _, check := range s.checks {
		switch required, bound := p.Requires(check); {
		case !required && p.RulesUnknown == nil:
			d.say(wrong, "branch %q does not require the check %q: a pull request that fails it can be merged; add it to a ruleset. Required are: %q", p.Branch, check, names(p.Required))
		case !required:
			d.say(unknown, "branch %q: whether the check %q is required", p.Branch, check)
		case !bound:
			d.say(fine, "branch %q requires the check %q", p.Branch, check)
			d.say(advice, "the required check %q counts from any App: bind it to GitHub Actions, or whoever may write statuses can set it", check)
		default:
			d.say(fine, "branch %q requires the check %q, from one App only", p.Branch, check)
		}
	}
	if p.MergeQueue && !s.mergeGroup {
		d.say(wrong, "branch %q has a merge queue, and no workflow runs sluice on merge_group: the queue would wait for the check for ever", p.Branch)
	}
	switch {
	case p.PullRequest:
		d.say(fine, "branch %q changes by pull request only", p.Branch)
	case p.Classic || p.RulesUnknown != nil:
		d.say(unknown, "branch %q: whether classic branch protection demands pull requests and reviews, only an administrator can read", p.Branch)
	default:
		d.say(wrong, "branch %q takes pushes without a pull request: demand one in a ruleset", p.Branch)
	}
	switch {
	case p.CodeOwners && s.owned:
		d.say(fine, "owners must approve what they own")
	case s.owned && p.PullRequest && p.RulesUnknown == nil && !p.Classic:
		d.say(wrong, "CODEOWNERS does not bind: demand the review of code owners in a ruleset")
	}
}

func names(checks []github.RequiredCheck) []string {
	out := []string{}
	for _, check := range checks {
		out = append(out, strings.ToValidUTF8(check.Name, "?"))
	}
	return out
}
