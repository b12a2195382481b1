package cli

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/testdata"
)

// demoStep is a step of the story of a promotion: a command, and the merge that follows it.
type demoStep struct {
	says   string
	args   []string
	merged string // message of the commit that the merge leaves; "" where nothing is merged
}

// storyReason is why the story rolls back.
const storyReason = "checkout is slow"

var promotionStory = []demoStep{
	{"Shop 1.5.0 is merged to dev. What may go to staging:", []string{"promote", "--from", "dev", "--to", "staging", "--app", "shop"}, ""},
	{"On GitHub, `--open` opens the pull request. Here, `--write` makes the same change in the working tree:",
		[]string{"promote", "--from", "dev", "--to", "staging", "--app", "shop", "--write"}, "Promote shop: dev → staging"},
	{"Merged. The same from staging to prod:", []string{"promote", "--from", "staging", "--to", "prod", "--app", "shop", "--write"}, "Promote shop: staging → prod"},
	{"Merged. Which environment is how far behind which:", []string{"status"}, ""},
	{"1.5.0 turns out bad. Back to what prod had, with a hold until staging changes:",
		[]string{"promote", "--rollback", "--env", "prod", "--app", "shop", "--reason", storyReason}, ""},
}

// demoPromotion tells how a change that is merged to dev gets to prod, and back.
func (c *Command) demoPromotion(cmd *cobra.Command, dir string) error {
	ctx := cmd.Context()
	repo, err := promotionRepository(ctx, dir)
	if err != nil {
		return err
	}
	defer repo.Close()
	c.say("\nAfter the merge: promotion. Another sample repository:\n\n    cd %s\n", dir)
	for _, step := range promotionStory {
		c.say("\n%s\n\n    sluice %s\n\n", step.says, strings.Replace(strings.Join(step.args, " "), storyReason, strconv.Quote(storyReason), 1))
		root := c.root()
		root.SetArgs(append(step.args, "--repo", dir))
		if err := root.ExecuteContext(ctx); err != nil {
			return err
		}
		if step.merged != "" {
			if err := repo.CommitAll(ctx, "main", demoAuthor, step.merged); err != nil {
				return err
			}
		}
	}
	return nil
}

// promotionRepository writes the sample with a history: every environment ran 1.4.2, then dev got 1.5.0.
func promotionRepository(ctx context.Context, dir string) (*git.Repo, error) {
	if err := os.CopyFS(dir, testdata.Before()); err != nil {
		return nil, err
	}
	const dev = "apps/shop/overlays/dev/kustomization.yaml"
	now, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(dev)))
	if err != nil {
		return nil, err
	}
	before := strings.Replace(string(now), "newTag: 1.5.0", "newTag: 1.4.2", 1)
	if err := git.Init(ctx, dir); err != nil {
		return nil, err
	}
	repo, err := git.Open(ctx, dir, git.Options{})
	if err != nil {
		return nil, err
	}
	for _, state := range []struct{ content, message string }{
		{before, "Shop 1.4.2 in all environments"}, {string(now), "Shop 1.5.0 in dev"},
	} {
		if err = os.WriteFile(filepath.Join(dir, filepath.FromSlash(dev)), []byte(state.content), 0o644); err == nil {
			err = repo.CommitAll(ctx, "main", demoAuthor, state.message)
		}
		if err != nil {
			repo.Close()
			return nil, err
		}
	}
	return repo, nil
}
