package cli

import (
	"context"
	"io/fs"
	"strings"

	"github.com/sluice-dev/sluice/internal/bundle"
	"github.com/sluice-dev/sluice/internal/config"
)

// remotePolicies says how policies from elsewhere are got, when they are compiled.
func (w *workshop) remotePolicies(placed []config.PlacedPolicies) ([]bundle.Remote, error) {
	var out []bundle.Remote
	for _, remote := range placed {
		if err := w.openRemotes(); err != nil {
			return nil, err
		}
		repository, commit, _ := strings.Cut(string(remote.Git), "@")
		out = append(out, bundle.Remote{
			Name: string(remote.Git), Dir: string(remote.Directory), Pos: remote.Pos,
			Open: func(ctx context.Context) (fs.FS, error) { return w.remotes.Commit(ctx, "https://"+repository, commit) },
		})
	}
	return out, nil
}
