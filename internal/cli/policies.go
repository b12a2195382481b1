package cli

import (
	"context"
	"strings"

	"github.com/sluice-dev/sluice/internal/bundle"
	"github.com/sluice-dev/sluice/internal/config"
)

// remotePolicies says how policies from elsewhere are got, when they are compiled.
func (w *workshop) remotePolicies(placed []config.PlacedPolicies) ([]bundle.Remote, error) {
	var out []bundle.Remote
	for _, remote := range placed {
		from := bundle.Remote{Name: remote.Pin(), Dir: string(remote.Directory), Pos: remote.Pos}
		if remote.OCI != "" {
			from.Open = func(ctx context.Context) (bundle.Opened, error) { return w.artifact(ctx, string(remote.OCI)) }
		} else {
			if err := w.openRemotes(); err != nil {
				return nil, err
			}
			from.Open = func(ctx context.Context) (bundle.Opened, error) { return w.commit(ctx, string(remote.Git)) }
		}
		out = append(out, from)
	}
	return out, nil
}

// commit gives the files of a commit of another repository.
func (w *workshop) commit(ctx context.Context, name string) (bundle.Opened, error) {
	repository, commit, _ := strings.Cut(name, "@")
	tree, err := w.remotes.Commit(ctx, "https://"+repository, commit)
	if err != nil {
		return bundle.Opened{}, err
	}
	return bundle.Opened{Files: tree}, nil
}

// artifact gives the files of an artifact of a registry.
func (w *workshop) artifact(ctx context.Context, name string) (bundle.Opened, error) {
	artifact, err := w.registries().Open(ctx, name)
	if err != nil {
		return bundle.Opened{}, err
	}
	return bundle.Opened{Files: artifact.Files, Dir: artifact.Root, Data: artifact.Data}, nil
}
