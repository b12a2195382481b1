package cli

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/sluice-dev/sluice/internal/bundle"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/plan"
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
	log      *slog.Logger
	progress *progress
}

// runCheck builds the parts, runs the pipeline and ends what the parts have started.
func (c *Command) runCheck(ctx context.Context, run checkRun) (*report.Report, error) {
	shop := &workshop{log: run.log}
	defer shop.Close()
	check := pipeline.Check{
		Base: run.base, Head: run.head, Changed: run.changed,
		Scope: run.scope, Gate: run.gate, Salt: newSalt(), Workers: workers(), Workshop: shop,
		Progress: run.progress.update,
	}
	started := time.Now()
	r, err := check.Run(ctx)
	run.progress.end()
	if err != nil {
		return nil, err
	}
	run.log.Debug("checked", "targets", len(r.Targets), "took", time.Since(started))
	r.Notes = slices.Concat(run.notes, r.Notes)
	return r, nil
}

// workshop makes the parts of a check that reach outside: worker processes and compiled policies.
type workshop struct {
	log     *slog.Logger
	pool    *render.Pool
	schemas *bundle.Schemas
}

// Renderer starts the worker processes, with the limits of the configuration that binds.
func (w *workshop) Renderer(ctx context.Context, cfg *config.Config) (pipeline.Renderer, error) {
	w.pool = render.NewPool(ctx, renderLimits(cfg, w.log))
	return renderer{w.pool}, nil
}

// Policies compiles the built-in rules and those of the repository.
func (w *workshop) Policies(ctx context.Context, tree fs.FS, directories []string, opts policy.Options) (pipeline.Policies, finding.List, error) {
	return bundle.LoadPolicies(ctx, tree, directories, opts)
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
	return errors.Join(errs...)
}

func renderLimits(cfg *config.Config, log *slog.Logger) render.Options {
	return render.Options{
		Workers: workers(), Timeout: time.Duration(cfg.Render.Timeout), Memory: int64(cfg.Render.Memory),
		LoadRestrictor: loadRestrictors[cfg.Render.LoadRestrictor], Log: log,
	}
}

var loadRestrictors = map[config.LoadRestrictor]render.LoadRestrictor{
	config.Repository: render.Repository,
	config.RootOnly:   render.RootOnly,
}

// renderer is a pool as the pipeline sees it.
type renderer struct{ pool *render.Pool }

// Render implements pipeline.Renderer.
func (r renderer) Render(ctx context.Context, tree pipeline.Tree, target plan.Target) (pipeline.Rendering, error) {
	result, err := r.pool.Render(ctx, tree, target)
	out := pipeline.Rendering{Objects: result.Objects, Findings: result.Findings, Failed: result.Failed}
	for _, input := range result.Inputs {
		if input.Use == render.File {
			out.Sources = append(out.Sources, input.Path)
		}
	}
	return out, err
}
