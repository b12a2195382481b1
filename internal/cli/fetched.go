package cli

import (
	"context"

	"github.com/sluice-dev/sluice/internal/charts"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/oci"
	"github.com/sluice-dev/sluice/internal/render"
)

// remotes is git as package render sees it.
type remotes struct{ git *git.Remotes }

// Commit implements render.Remotes.
func (r remotes) Commit(ctx context.Context, url, commit string) (render.Tree, error) {
	return r.git.Commit(ctx, url, commit)
}

// remoteCharts gives the charts that may be fetched.
func remoteCharts(cfg *config.Config) []render.Chart {
	if !cfg.Render.Helm {
		return nil
	}
	var out []render.Chart
	for _, c := range cfg.Render.Charts {
		out = append(out, render.Chart{Repo: string(c.Repo), Name: string(c.Name), Version: string(c.Version), Digest: string(c.Digest)})
	}
	return out
}

// chartSource fetches charts for rendering.
type chartSource struct{ *charts.Charts }

// Archive implements render.Charts.
func (s chartSource) Archive(ctx context.Context, chart render.Chart) ([]byte, error) {
	return s.Charts.Archive(ctx, charts.Chart(chart))
}

// registries gives what fetches from OCI registries.
func (w *workshop) registries() *oci.Artifacts {
	w.artifacts.Do(func() { w.fromRegistries = oci.New(oci.Options{Kept: w.blobs()}) })
	return w.fromRegistries
}

// blobs is where what was fetched is kept from run to run; nil without a cache.
func (w *workshop) blobs() oci.Kept {
	if w.cache == nil {
		return nil
	}
	return memory{w.cache, w.log}
}

// remoteBases gives the commits of other repositories that may be fetched.
func remoteBases(cfg *config.Config) []string {
	names := make([]string, len(cfg.Render.Remote))
	for i, base := range cfg.Render.Remote {
		names[i] = string(base)
	}
	return names
}
