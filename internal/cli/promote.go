package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/report"
)

// promoteOptions are the flags of promote.
type promoteOptions struct {
	repo     string
	from, to string
	apps     []string
	rev      string
	only     []string
	plan     bool
	write    bool
	open     bool
	github   string // owner/name; "" is that of the environment or of the remote origin
	fromDir  string
	toDir    string
	rollback bool
	env      string
	reason   string
	outputs  []output
}

// promoteFormats are the forms of a promotion's plan.
var promoteFormats = []string{"text", "json"}

func (c *Command) newPromote() *cobra.Command {
	var opts promoteOptions
	var outputs []string
	cmd := &cobra.Command{
		Use:   "promote",
		Short: "Carry what changed in one environment to the next",
		Long: `Merge what the source environment changed into the next environment's own files, field by field. What the target owns
stays; where both sides changed the same field, that is a conflict which a person settles.

--plan, the default, shows what would change, also as rendered. --write changes the working tree and nothing else; where
there is a conflict, the target's value stays. Without --from and --to, every step of the promotion order is looked at.

Exit codes: 0 done, or nothing to promote; 1 conflicts, or findings that gate; 2 usage, configuration, or a working tree
with changes; 3 could not be completed.`,
		Example: `  sluice promote --from dev --to staging --app shop
  sluice promote --from staging --write
  sluice promote --to prod --only pr=#12 --open
  sluice promote --to prod --only field=apps/shop/overlays/prod/kustomization.yaml#images[name=shop].newTag --write
  sluice promote --rollback --env prod --app shop --reason "5xx since 13:00" --open
  sluice promote --from-dir env/dev --to-dir env/staging --write`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if opts.outputs, err = parseOutputs(outputs, promoteFormats); err != nil {
				return err
			}
			if opts.rollback {
				return c.rollback(cmd, opts)
			}
			return c.promote(cmd, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.repo, "repo", ".", "the repository: any directory in it")
	flags.StringVar(&opts.from, "from", "", "promote from this `ENV`")
	flags.StringVar(&opts.to, "to", "", "promote to this `ENV`")
	flags.StringSliceVar(&opts.apps, "app", nil, "promote only this application; may be repeated")
	flags.StringVar(&opts.rev, "rev", "HEAD", "the revision whose source files are promoted")
	flags.StringArrayVar(&opts.only, "only", nil, "promote only `PART`: pr=#NUMBER, commit=REV, file=PATH, field=PATH#FIELD; files and fields may be repeated")
	flags.StringVar(&opts.fromDir, "from-dir", "", "promote from this `DIR`, whatever the layout; needs --to-dir")
	flags.StringVar(&opts.toDir, "to-dir", "", "promote to this `DIR`")
	flags.BoolVar(&opts.plan, "plan", false, "show what would change (the default)")
	flags.BoolVar(&opts.write, "write", false, "change the files in the working tree")
	flags.BoolVar(&opts.rollback, "rollback", false, "take --app in --env back to what it was before its last change, or at --rev")
	flags.StringVar(&opts.env, "env", "", "the `ENV` that is rolled back")
	flags.StringVar(&opts.reason, "reason", "", "why: of a rollback, as its hold says; of an edge that skips a stage or leads against the order")
	flags.BoolVar(&opts.open, "open", false, "open the pull requests on GitHub, or bring them up to date")
	flags.StringVar(&opts.github, "github", "", "the repository's `OWNER/NAME` on GitHub (default: that of GITHUB_REPOSITORY, or of the remote origin)")
	flags.StringArrayVarP(&outputs, "output", "o", nil, "write the plan as `FORMAT[=FILE]`: text or json; may be repeated")
	cmd.MarkFlagsMutuallyExclusive("plan", "write", "open")
	cmd.MarkFlagsMutuallyExclusive("from-dir", "open")
	cmd.MarkFlagsRequiredTogether("from-dir", "to-dir")
	cmd.MarkFlagsMutuallyExclusive("from-dir", "app")
	cmd.MarkFlagsMutuallyExclusive("only", "rev")
	for _, other := range []string{"from", "to", "from-dir", "only"} {
		cmd.MarkFlagsMutuallyExclusive("rollback", other)
	}
	return cmd
}

func (c *Command) promote(cmd *cobra.Command, opts promoteOptions) error {
	ctx := cmd.Context()
	repo, err := git.Open(ctx, opts.repo, git.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	if opts.open {
		return c.openOnGitHub(cmd, repo, opts)
	}
	if err := opts.checkOnly(); err != nil {
		return err
	}
	part, err := c.partHere(ctx, repo, opts)
	if err != nil {
		return err
	}
	promotion, err := preparePromotion(ctx, repo, "HEAD", part.rev(opts.rev))
	if err != nil {
		return err
	}
	promotion.Only = part.only()
	promotion.From, promotion.To, promotion.Apps, promotion.Reason = opts.from, opts.to, opts.apps, opts.reason
	if opts.fromDir != "" {
		promotion.Directories = &pipeline.Directories{From: inRepository(repo, opts.fromDir), To: inRepository(repo, opts.toDir)}
	}
	var asked *inquiry
	if !opts.write && opts.fromDir == "" {
		asked = c.inquire(ctx, repo, opts, promotion)
	}
	planned, err := runPromotion(ctx, promotion)
	if err == nil && asked != nil {
		err = asked.complete(ctx, promotion, planned)
	}
	if err != nil {
		return err
	}
	if opts.write {
		return c.writePromotion(ctx, repo, planned, opts.outputs)
	}
	if err := c.checkPromotion(cmd, promotion, planned); err != nil {
		return err
	}
	if err := c.writePlan(planned, opts.outputs, false); err != nil {
		return err
	}
	if planned.Check != nil {
		if err := exitWith(planned.Check); err != nil {
			return err
		}
	}
	return conflictExit(planned)
}

// conflictExit ends a run that leaves something to a person.
func conflictExit(planned *pipeline.PromotionPlan) error {
	if planned.Conflicts() > 0 {
		return &exitError{code: ExitFindings}
	}
	return nil
}

// preparePromotion pins what is promoted: the source's files in a revision, into what another has.
func preparePromotion(ctx context.Context, repo *git.Repo, into, rev string) (*pipeline.Promotion, error) {
	head, err := repo.Resolve(ctx, into)
	if err != nil {
		return nil, err
	}
	source, err := repo.Resolve(ctx, rev)
	if err != nil {
		return nil, err
	}
	if repo.Shallow(ctx) {
		return nil, &exitError{ExitIncomplete, errors.New("this clone is shallow, and what the target owns shows only in the history: " +
			"fetch all of it (git fetch --unshallow), or set fetch-depth: 0 on actions/checkout")}
	}
	if !repo.IsAncestor(ctx, source, head) {
		return nil, usage(fmt.Errorf("--rev %s is not in the history of %s: only what was merged can be promoted", rev, into))
	}
	p := &pipeline.Promotion{Source: pipeline.Side{Commit: source}, Target: pipeline.Side{Commit: head}}
	tree, err := repo.Tree(ctx, head)
	if err != nil {
		return nil, err
	}
	p.Source.Tree, p.Target.Tree = tree, tree
	if source != head {
		if p.Source.Tree, err = repo.Tree(ctx, source); err != nil {
			return nil, err
		}
	}
	p.At = func(ctx context.Context, commit string) (pipeline.Tree, error) {
		id, err := repo.Resolve(ctx, commit)
		if err != nil {
			return nil, err
		}
		return repo.Tree(ctx, id)
	}
	p.Now = time.Now()
	p.IsBefore = repo.IsAncestor
	p.Recorded = recordsOf(ctx, repo, head)
	p.History = func(ctx context.Context, sources, dirs []string, bound config.HistoryBound) (pipeline.History, error) {
		return readHistory(ctx, repo, p, sources, dirs, bound)
	}
	return p, nil
}

// inRepository makes a directory as a person types it one from the repository's root: an absolute one may be given too.
func inRepository(repo *git.Repo, dir string) string {
	if filepath.IsAbs(dir) {
		if rel, err := filepath.Rel(repo.Root(), dir); err == nil {
			dir = rel
		}
	}
	return path.Clean(filepath.ToSlash(dir))
}

// runPromotion computes the plan; what cannot be asked for is a usage error.
func runPromotion(ctx context.Context, p *pipeline.Promotion) (*pipeline.PromotionPlan, error) {
	planned, err := p.Run(ctx)
	return planned, promotionError(err)
}

// promotionError makes a usage error of what was asked wrongly.
func promotionError(err error) error {
	if bad := new(pipeline.ConfigError); errors.As(err, &bad) {
		return configError(bad.Problems)
	}
	if request := new(pipeline.RequestError); errors.As(err, &request) {
		return usage(err)
	}
	return err
}

// maxMainline bounds the commits of the main line that are searched for the newest change of a source.
const maxMainline = 5000

// fileHistory is git's history as package promote sees it.
type fileHistory struct {
	all     *git.History
	sources []string     // directories whose history ends earlier
	until   *git.History // theirs; nil where it ends where the others do
	newest  []git.DirChange
}

func readHistory(ctx context.Context, repo *git.Repo, p *pipeline.Promotion, sources, dirs []string, most config.HistoryBound) (pipeline.History, error) {
	now, err := repo.CommitTime(ctx, p.Target.Commit)
	if err != nil {
		return nil, err
	}
	bound := git.Bound{Commits: most.Commits, Since: now.AddDate(0, 0, -most.Days)}
	all, err := repo.History(ctx, p.Target.Commit, dirs, bound)
	if err != nil {
		return nil, err
	}
	newest, err := repo.LastChanged(ctx, p.Source.Commit, sources, maxMainline)
	if err != nil || p.Source.Commit == p.Target.Commit {
		return fileHistory{all: all, newest: newest}, err
	}
	until, err := repo.History(ctx, p.Source.Commit, sources, bound)
	return fileHistory{all, sources, until, newest}, err
}

// Versions implements promote.History.
func (h fileHistory) Versions(name string) (out []promote.Version, complete bool, err error) {
	list, err := h.all.Versions(name)
	if err != nil {
		return nil, false, err
	}
	var known map[string]bool // commits; nil for all
	if h.until != nil && h.isSource(name) {
		then, err := h.until.Versions(name)
		if err != nil {
			return nil, false, err
		}
		known = make(map[string]bool, len(then))
		for _, v := range then {
			known[v.Commit] = true
		}
	}
	for _, v := range list {
		if known == nil || known[v.Commit] {
			out = append(out, promote.Version{Seq: v.Seq, Commit: v.Commit, Data: v.Data, Deleted: v.Deleted})
		}
	}
	return out, h.all.Whole(name), nil
}

// Newest implements pipeline.History.
func (h fileHistory) Newest(sources ...string) string {
	for _, change := range h.newest {
		if slices.Contains(sources, change.Dir) {
			return change.Commit
		}
	}
	return ""
}

func (h fileHistory) isSource(name string) bool {
	for _, dir := range h.sources {
		if dir == "." || strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// checkPromotion looks at the result as at a pull request. Where there are no targets, there is nothing to render.
func (c *Command) checkPromotion(cmd *cobra.Command, p *pipeline.Promotion, planned *pipeline.PromotionPlan) (err error) {
	files := planned.Files()
	if len(files) == 0 {
		return nil
	}
	if !planned.Targets {
		planned.Notes = append(planned.Notes, "nothing was rendered, for the repository has no targets that sluice knows: `sluice check --all` says why")
		return nil
	}
	after := sides{base: p.Target, head: pipeline.Side{Commit: "promotion", Tree: pipeline.Overlay(p.Target.Tree, files)}}
	for _, f := range files {
		after.changed = append(after.changed, f.Path)
	}
	slices.Sort(after.changed)
	planned.Check, err = c.runCheck(cmd.Context(), checkRun{
		sides: after, gate: report.Gate{FailOn: "error", Findings: "new"}, log: c.logger(cmd), progress: c.newProgress(),
	})
	return err
}

// writePlan writes the plan in each format that was asked for.
func (c *Command) writePlan(planned *pipeline.PromotionPlan, outputs []output, written bool) error {
	return c.writeOutputs(outputs, func(w io.Writer, out output) error {
		if out.format == "json" {
			encoder := json.NewEncoder(w)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			return encoder.Encode(planned)
		}
		return writePlanText(w, planned, written, report.TextOptions{Color: out.file == "" && c.colored()})
	})
}

// maxRecords bounds the commits that are searched for what promotions recorded.
const maxRecords = 2000

// recordsOf reads what promotions recorded in the history of a commit, once, when it is first asked for.
func recordsOf(ctx context.Context, repo *git.Repo, head string) func() ([]pipeline.RecordAt, error) {
	return sync.OnceValues(func() (out []pipeline.RecordAt, err error) {
		commits, err := repo.Commits(ctx, "", head, nil, maxRecords, "^Sluice-Promotion: ")
		for _, c := range commits {
			for _, record := range slices.Backward(promote.Records(c.Message)) {
				out = append(out, pipeline.RecordAt{Record: record, Commit: c.ID})
			}
		}
		return out, err
	})
}
