package cli

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-dev/sluice/internal/bundle"
	"github.com/sluice-dev/sluice/internal/charts"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/oci"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/policy"
	"github.com/sluice-dev/sluice/internal/render"
	"github.com/sluice-dev/sluice/internal/report"
	"github.com/sluice-dev/sluice/internal/schema"
)

// checkRun is what one run of the pipeline needs from the command that starts it.
type checkRun struct {
	sides
	scope    pipeline.Scope
	gate     report.Gate
	cache    string // directory of the cache; "" for none
	salt     []byte // nil: a new one
	rehearse config.RehearseProvider
	watch    *timings // nil: nothing is measured
	log      *slog.Logger
	progress *progress
}

// runCheck builds the parts, runs the pipeline and ends what the parts have started.
func (c *Command) runCheck(ctx context.Context, run checkRun) (*report.Report, error) {
	check, shop, err := newPipeline(run)
	if err != nil {
		return nil, err
	}
	defer shop.Close()
	started := time.Now()
	r, known := check.Recall()
	if !known {
		r, err = check.Run(ctx)
	}
	run.progress.end()
	if err != nil {
		return nil, err
	}
	run.log.Debug("checked", "targets", len(r.Targets), "recalled", known, "took", time.Since(started))
	r.Tell(run.notes...)
	return r, nil
}

// recall gives the report of an earlier run over the same commits, before any tree is read. ok is false where there is none.
func recall(run checkRun) (r *report.Report, ok bool, err error) {
	if run.cache == "" {
		return nil, false, nil
	}
	check, shop, err := newPipeline(run)
	if err != nil {
		return nil, false, err
	}
	defer shop.Close()
	if r, ok = check.Recall(); ok {
		run.log.Debug("recalled", "targets", len(r.Targets))
		r.Tell(run.notes...)
	}
	return r, ok, nil
}

// newPipeline sets a check up. The workshop must be closed.
func newPipeline(run checkRun) (*pipeline.Check, *workshop, error) {
	shop := &workshop{log: run.log, cacheDir: run.cache, base: run.base.Tree, watch: run.watch}
	if err := shop.openCache(); err != nil {
		return nil, nil, err
	}
	if run.salt == nil {
		run.salt = newSalt()
	}
	check := &pipeline.Check{
		Base: run.base, Head: run.head, Changed: run.changed,
		Scope: run.scope, Gate: run.gate, Salt: run.salt, Today: config.Date(time.Now().UTC().Format(time.DateOnly)), Workers: workers(), Workshop: shop,
		Rehearse: run.rehearse, Stopwatch: run.watch,
		Progress: run.progress.update,
	}
	if shop.cache != nil {
		check.Memory = memory{shop.cache, run.log}
	}
	return check, shop, nil
}

// workshop makes the parts of a check that reach outside: worker processes and compiled policies.
type workshop struct {
	log      *slog.Logger
	cacheDir string
	base     pipeline.Tree // of the run's base; nil without one
	watch    *timings      // nil: nothing is measured
	pool     *render.Pool
	cache    *render.Cache // nil without one
	remotes  *git.Remotes  // nil where none are allowed
	schemas  *bundle.Schemas

	artifacts      sync.Once // makes fromRegistries
	fromRegistries *oci.Artifacts
}

// Renderer starts the worker processes, with the limits of the configuration that binds.
func (w *workshop) Renderer(ctx context.Context, cfg *config.Config, closure pipeline.Closure) (pipeline.Renderer, error) {
	options := renderLimits(cfg, w.log)
	if len(options.Remote) > 0 {
		if err := w.openRemotes(); err != nil {
			return nil, err
		}
		options.Remotes = remotes{w.remotes}
	}
	if len(options.Charts) > 0 {
		options.ChartSource = chartSource{charts.New(charts.Options{Kept: w.blobs(), Registries: w.registries()})}
	}
	w.pool = render.NewPool(ctx, options)
	return renderer{
		pool: w.pool, options: options, cache: w.cache, closure: closure, hidden: pipeline.DiffOptions(cfg), log: w.log,
		base: w.base, watch: w.watch, misses: new(atomic.Int32),
	}, nil
}

// openRemotes prepares the fetching of other repositories' commits.
func (w *workshop) openRemotes() (err error) {
	if w.remotes != nil {
		return nil
	}
	dir := ""
	if w.cacheDir != "" {
		dir = filepath.Join(w.cacheDir, "remotes")
	}
	w.remotes, err = git.NewRemotes(git.RemotesOptions{Dir: dir})
	return err
}

// Policies compiles the built-in rules and those of the repository.
func (w *workshop) Policies(ctx context.Context, tree fs.FS, directories []string, remote []config.PlacedPolicies, opts policy.Options) (*policy.Engine, finding.List, error) {
	w.log.Debug("compiling policies", "directories", directories, "remote", len(remote))
	from, err := w.remotePolicies(remote)
	if err != nil {
		return nil, nil, err
	}
	return bundle.LoadPolicies(ctx, tree, directories, from, opts)
}

// Schemas gives the JSON schemas that the configuration names.
func (w *workshop) Schemas(tree fs.FS, cfg *config.Config) (schema.External, finding.List, error) {
	schemas, problems, err := bundle.LoadSchemas(tree, cfg)
	if err != nil {
		return nil, nil, err
	}
	w.schemas = schemas
	return schemas, problems, nil
}

// Close ends the worker processes, and removes what was written for the checks.
func (w *workshop) Close() error {
	var errs []error
	if w.schemas != nil {
		errs = append(errs, w.schemas.Close())
	}
	if w.pool != nil {
		errs = append(errs, w.pool.Close())
	}
	if w.remotes != nil {
		errs = append(errs, w.remotes.Close())
	}
	if w.cache != nil && w.cache.Grown() {
		errs = append(errs, w.cache.Trim())
	}
	return errors.Join(errs...)
}

func renderLimits(cfg *config.Config, log *slog.Logger) render.Options {
	return render.Options{
		Workers: workers(), Timeout: time.Duration(cfg.Render.Timeout), Memory: int64(cfg.Render.Memory),
		LoadRestrictor: loadRestrictors[cfg.Render.LoadRestrictor], Remote: remoteBases(cfg), Helm: cfg.Render.Helm, Charts: remoteCharts(cfg), Log: log,
	}
}

var loadRestrictors = map[config.LoadRestrictor]render.LoadRestrictor{
	config.Repository: render.Repository,
	config.RootOnly:   render.RootOnly,
}
