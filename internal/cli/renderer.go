package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/render"
)

// renderer is a pool as the pipeline sees it, with a cache before it.
type renderer struct {
	pool    *render.Pool
	options render.Options
	cache   *render.Cache // nil without one
	misses  *atomic.Int32 // targets that the cache did not know
	closure pipeline.Closure
	hidden  diff.Options // says what is sensitive
	log     *slog.Logger
	base    pipeline.Tree // tells the sides apart
	watch   *timings
}

// Warm implements pipeline.Renderer. With a cache there is little to render: what the change brings. Where it knows little, all
// workers start soon after.
func (r renderer) Warm() {
	if r.cache != nil {
		r.pool.Warm(1)
		return
	}
	r.pool.Warm(r.options.Workers)
}

// manyMisses is how many targets that the cache does not know are worth all workers.
const manyMisses = 3

// Render implements pipeline.Renderer.
func (r renderer) Render(ctx context.Context, tree pipeline.Tree, target plan.Target) (pipeline.Rendering, error) {
	began, side := time.Now(), "head"
	if tree == r.base {
		side = "base"
	}
	result, kept, err := r.result(ctx, tree, target)
	r.watch.rendered(target.ID, side, began, result)
	out := pipeline.Rendering{Objects: result.Objects, Findings: result.Findings, Failed: result.Failed, Kept: kept, Remotes: result.Remotes}
	for _, input := range result.Inputs {
		if input.Use == render.File {
			out.Sources = append(out.Sources, input.Path)
		}
	}
	return out, err
}

// result renders, unless the cache knows what would come out; kept says that it does now. What is wrong with the cache costs
// time, and nothing else.
func (r renderer) result(ctx context.Context, tree pipeline.Tree, target plan.Target) (result render.Result, kept bool, err error) {
	if r.cache == nil {
		result, err = r.pool.Render(ctx, tree, target)
		return result, false, err
	}
	sources, identified := render.SourcesOf(tree, target, r.closure(tree, target), r.options)
	if identified {
		if result, ok := r.cache.Remembered(sources); ok {
			r.log.Debug("remembered", "target", target.ID)
			return result, true, nil
		}
	}
	if r.misses.Add(1) == manyMisses {
		r.pool.Warm(r.options.Workers)
	}
	result, err = r.pool.Render(ctx, tree, target)
	if err != nil || !identified || r.sensitive(result) {
		return result, false, err
	}
	kept, failed := r.cache.Remember(sources, result)
	if failed != nil {
		r.log.Warn("the cache cannot be written", "error", failed)
	}
	return result, kept, nil
}

// memory is the cache as package pipeline sees it.
type memory struct {
	cache *render.Cache
	log   *slog.Logger
}

// Get implements pipeline.Memory.
func (m memory) Get(key [sha256.Size]byte) ([]byte, bool) {
	content, ok := m.cache.Get(key)
	m.log.Debug("memory", "found", ok, "key", fmt.Sprintf("%.4x", key))
	return content, ok
}

// Put implements pipeline.Memory.
func (m memory) Put(key [sha256.Size]byte, content []byte) {
	if err := m.cache.Put(key, content); err != nil {
		m.log.Warn("the cache cannot be written", "error", err)
	}
}

// sensitive reports whether a result holds what must not be shown, and so not be stored: the cache leaves Secrets out by itself,
// but does not know what the configuration calls sensitive.
func (r renderer) sensitive(result render.Result) bool {
	return slices.ContainsFunc(result.Objects, func(o *manifest.Object) bool { return !bytes.Equal(diff.Mask(o, r.hidden), o.Text) })
}

// openCache opens the cache, where one is asked for.
func (w *workshop) openCache() (err error) {
	if w.cacheDir == "" {
		return nil
	}
	if w.cache, err = render.OpenCache(w.cacheDir, render.CacheOptions{Version: programIdentity()}); err != nil {
		return usage(err)
	}
	return nil
}

// programIdentity changes whenever the program does: the version of a release; else, beside the commit, the size and date of the executable.
func programIdentity() string {
	if version != "" {
		return version
	}
	identity := Version()
	if self, err := os.Executable(); err == nil {
		if info, err := os.Stat(self); err == nil {
			identity += fmt.Sprintf(" %d %d", info.Size(), info.ModTime().UnixNano())
		}
	}
	return identity
}
