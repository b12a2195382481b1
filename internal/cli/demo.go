package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/report"
	"github.com/sluice-dev/sluice/testdata"
)

func (c *Command) newDemo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the whole story on a sample repository, without network",
		Long: `Writes a sample config repository to a new temporary directory, commits a change on a branch, checks it as sluice would check
a pull request, and shows the comment and the findings. Then it promotes a merged change from dev to prod, and rolls it back.
The directories are kept, to play with.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.demo(cmd) },
	}
}

func (c *Command) demo(cmd *cobra.Command) error {
	ctx := cmd.Context()
	parent, err := os.MkdirTemp("", "sluice-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	dir := filepath.Join(parent, "review")
	repo, err := sampleRepository(ctx, dir)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer repo.Close()
	sides, err := chooseSides(ctx, repo, &checkOptions{base: "main", head: "change"})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	c.say("A sample config repository: two applications in dev, staging and prod.\n\n    cd %s\n\nA pull request changes:\n\n", dir)
	for _, file := range sides.changed {
		c.say("    %s\n", file)
	}
	gate := report.Gate{FailOn: "error", Findings: "new"}
	r, err := c.runCheck(ctx, checkRun{sides: sides, gate: gate, log: c.logger(cmd), progress: c.newProgress()})
	if err != nil {
		return err
	}
	c.say("\nWhat `sluice check --base main` prints:\n\n")
	if err := c.writeReport(r, []output{{format: "text"}}, report.TextOptions{}); err != nil {
		return err
	}
	out := filepath.Join(dir, ".git", "sluice") // inside .git, so that the working tree stays clean
	if err := writeReports(out, r, ""); err != nil {
		return err
	}
	comment := filepath.Join(out, "comment.md")
	body := report.Comment(r, report.MarkdownOptions{})[0]
	if err := writeFile(comment, []byte(body)); err != nil {
		return err
	}
	c.say("\nThe comment on the pull request:\n\n%s\n", indent(body))
	c.say("Files written:\n\n    %s\n", comment)
	for _, file := range reportFiles {
		c.say("    %s\n", filepath.Join(out, file.name))
	}
	c.say("\nThe verdict is %q: as a gate, sluice would end with exit code %d.\n", r.Verdict, c.exitCode(exitWith(r)))
	if err := c.demoPromotion(cmd, filepath.Join(parent, "promotion")); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// demoAuthor is who makes the commits of the sample repositories.
const demoAuthor = "A. Developer <developer@example.com>"

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ") + "\n"
}

// sampleRepository writes the sample to a directory: main as it stands, and the branch "change" with the pull request.
func sampleRepository(ctx context.Context, dir string) (*git.Repo, error) {
	if err := os.CopyFS(dir, testdata.Before()); err != nil {
		return nil, err
	}
	if err := git.Init(ctx, dir); err != nil {
		return nil, err
	}
	repo, err := git.Open(ctx, dir, git.Options{})
	if err != nil {
		return nil, err
	}
	err = repo.CommitAll(ctx, "main", demoAuthor, "Two applications in three environments")
	if err == nil {
		err = overwrite(dir, testdata.Change())
	}
	if err == nil {
		err = repo.CommitAll(ctx, "change", demoAuthor, "Shop 1.5.0 in prod, longer cart sessions, metrics")
	}
	if err != nil {
		repo.Close()
		return nil, err
	}
	return repo, nil
}

// overwrite writes the files of a tree over those of a directory (os.CopyFS refuses to).
func overwrite(dir string, files fs.FS) error {
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), data, 0o644)
	})
}
