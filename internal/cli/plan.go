package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/plan"
)

func (c *Command) newPlan() *cobra.Command {
	var opts checkOptions
	var outputs []string
	var shards int
	cmd := &cobra.Command{
		Use:   "plan --shards N",
		Short: "Split a check into parts of about the same cost, for the jobs of a matrix",
		Long: `Finds what a check would look at, renders nothing, and splits it into at most N shards. As json it is a matrix of GitHub Actions:

  strategy:
    matrix: ${{ fromJSON(needs.plan.outputs.matrix) }}

Each job runs sluice check --shard ${{ matrix.shard }} --output shard=FILE with the same revisions; sluice report FILE...
joins the files.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.plan(cmd, &opts, shards, outputs) },
	}
	opts.addFlags(cmd)
	cmd.Flags().IntVar(&shards, "shards", 0, "into how many shards at most")
	cmd.Flags().StringArrayVarP(&outputs, "output", "o", nil, "write the plan as `FORMAT[=FILE]`: text or json; may be repeated")
	_ = cmd.MarkFlagRequired("shards")
	return cmd
}

// matrix is a plan as strategy.matrix takes it. It is one line, so that it fits an output of a step.
type matrix struct {
	Include []matrixJob `json:"include"`
}

type matrixJob struct {
	Shard   string `json:"shard"`
	Targets int    `json:"targets"`
}

func (c *Command) plan(cmd *cobra.Command, opts *checkOptions, shards int, outputs []string) error {
	if shards < 1 || shards > plan.MaxShards {
		return usage(fmt.Errorf("--shards %d: use 1 to %d", shards, plan.MaxShards))
	}
	wanted, err := parseOutputs(outputs, []string{"text", "json"})
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	repo, err := git.Open(ctx, opts.repo, git.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	sides, err := chooseSides(ctx, repo, opts)
	if err != nil {
		return err
	}
	check := pipeline.Check{Base: sides.base, Head: sides.head, Changed: sides.changed, Scope: opts.scope}
	parts, err := check.Plan(shards)
	if err != nil {
		return err
	}
	return c.writeOutputs(wanted, func(w io.Writer, out output) error {
		if out.format == "json" {
			return json.NewEncoder(w).Encode(matrixOf(parts))
		}
		for _, part := range parts {
			fmt.Fprintf(w, "%s  %s\n", part.Shard, counted(part.Targets, "target"))
		}
		return nil
	})
}

func matrixOf(parts []pipeline.Part) matrix {
	var m matrix
	for _, part := range parts {
		m.Include = append(m.Include, matrixJob{part.Shard.String(), part.Targets})
	}
	return m
}
