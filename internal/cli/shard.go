package cli

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
)

// shardKey is the variable that may hold a key for the tokens of secrets in shards.
const shardKey = "SLUICE_SHARD_KEY"

// shardSalt is the key of the tokens that stand for secret values in all shards of a run.
//
// Shards must agree on it, or "the same value" could not be told across them; the jobs of a matrix share nothing but the
// workflow. So it is made from what all of them know. Who has a shard's file and knows the commits could then test guesses
// of a secret's value: the values are those of Secrets that stand in the repository, which who can download a run's
// artifacts can read anyway. Where that is not so, set SLUICE_SHARD_KEY from a secret. Tokens end when shards are
// joined: reports have ordinals.
func (c *Command) shardSalt(s sides) []byte {
	mac := hmac.New(sha256.New, []byte(c.Getenv(shardKey)))
	fmt.Fprintf(mac, "sluice shard salt 1\n%s\n%s\n", s.base.Commit, s.head.Commit)
	return mac.Sum(nil)
}

// checkShard does one part of a check and writes it.
func (c *Command) checkShard(ctx context.Context, run checkRun, shard plan.Shard, outputs []output) error {
	run.salt = c.shardSalt(run.sides)
	check, shop, err := newPipeline(run)
	if err != nil {
		return err
	}
	defer shop.Close()
	part, err := check.RunShard(ctx, shard)
	run.progress.end()
	if err != nil {
		return err
	}
	part.Program, part.All = Version(), run.scope.All
	part.Salt = fmt.Sprintf("%x", sha256.Sum256(run.salt))
	part.Report.Tell(run.notes...)
	return c.writeOutputs(outputs, func(w io.Writer, _ output) error { return report.WriteShard(w, part) })
}

func (c *Command) newReport() *cobra.Command {
	var outputs []string
	var gate report.Gate
	var publish bool
	cmd := &cobra.Command{
		Use:   "report FILE...",
		Short: "Join the shards of a check into one report and verdict",
		Long: `Joins the files that sluice check --shard wrote into the report that one run would have made, in every format. A shard that is
missing makes the verdict incomplete.

With --publish, in a workflow, it also writes the comment, the check run, the step summary, the annotations and the outputs, as
the action does; its inputs are read from INPUT_* variables.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error { return c.report(cmd, files, gate, outputs, publish) },
	}
	cmd.Flags().StringVar(&gate.FailOn, "fail-on", "error", "fail on findings of at least this severity: error, warning or never")
	cmd.Flags().StringVar(&gate.Findings, "findings", "new", "which findings count: new or all")
	cmd.Flags().StringArrayVarP(&outputs, "output", "o", nil, outputHelp)
	cmd.Flags().BoolVar(&publish, "publish", false, "publish the report, as the action does")
	return cmd
}

func (c *Command) report(cmd *cobra.Command, files []string, gate report.Gate, outputs []string, publish bool) error {
	if publish {
		return c.annotated(func(actions *github.Actions) error { return c.publishShards(cmd.Context(), actions, files) })
	}
	if err := validGate(gate); err != nil {
		return err
	}
	wanted, err := parseOutputs(outputs, formats)
	if err != nil {
		return err
	}
	r, all, err := joinShards(files, gate)
	if err != nil {
		return err
	}
	if err := c.writeReport(r, wanted, report.TextOptions{All: all}); err != nil {
		return err
	}
	return exitWith(r)
}

func joinShards(files []string, gate report.Gate) (r *report.Report, all bool, err error) {
	var shards []*report.Shard
	for _, name := range files {
		shard, err := readShard(name)
		if err != nil {
			return nil, false, usage(fmt.Errorf("%s cannot be joined: %w", name, err))
		}
		shards = append(shards, shard)
	}
	if r, err = report.JoinShards(shards, gate); err != nil {
		return nil, false, usage(err)
	}
	return r, shards[0].All, nil
}

func readShard(name string) (*report.Shard, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return report.ReadShard(file, Version())
}

// publishShards joins shards and publishes them for the event of the run, once they are of the commits that it is about.
func (c *Command) publishShards(ctx context.Context, actions *github.Actions, files []string) error {
	in, err := readInputs(actions)
	if err != nil {
		return err
	}
	actions.Mask(in.token)
	event, err := actions.Event()
	if err != nil {
		return err
	}
	return c.settle(ctx, actions, in, event, func() (*report.Report, error) { return joinFor(ctx, in, event, files) })
}

// joinFor joins shards, which must be of the commits that an event is about.
func joinFor(ctx context.Context, in actionInputs, event github.Event, files []string) (*report.Report, error) {
	r, _, err := joinShards(files, in.gate)
	if err != nil {
		return nil, err
	}
	repo, err := git.Open(ctx, in.directory, git.Options{Trust: true})
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	head, base, err := commitsOf(ctx, repo, event)
	if err != nil {
		return nil, err
	}
	if r.Head != head || r.Base != base {
		return nil, usage(errors.New("the shards are of other commits than this run is about"))
	}
	return r, nil
}
