// Package cli is the command line of sluice: commands, flags, exit codes, progress and logging. It builds the edges of the
// house (git, workers, GitHub), hands them to package pipeline and writes the report where it was asked for.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	_ "github.com/sluice-dev/sluice/internal/heap" // for the collector of every command
	"github.com/sluice-dev/sluice/internal/render"
	"github.com/sluice-dev/sluice/internal/report"
)

// The exit codes: a contract, see the README.
const (
	ExitClean      = 0
	ExitFindings   = 1 // findings that gate
	ExitUsage      = 2 // usage or configuration
	ExitIncomplete = 3 // something could not be checked; wins over ExitFindings
)

// Command is one run of the program. Its streams and environment are given, so that a test runs what a user runs.
type Command struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string

	adjust   func(*github.Options)             // how a test reaches GitHub, with a clock of its own; nil outside of tests
	examined func(github.Event) *report.Report // what a test has the action find; nil outside of tests
}

// reach gives the options of a client as a test wants them.
func (c *Command) reach(opts github.Options) github.Options {
	if c.adjust != nil {
		c.adjust(&opts)
	}
	return opts
}

// exitError ends the run with a code. Its text, if any, is printed.
type exitError struct {
	code int
	err  error // nil: everything has been said
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usage(err error) error { return &exitError{ExitUsage, err} }

// Main runs the program with the given arguments, the program's name first, and returns its exit code.
func (c *Command) Main(ctx context.Context, args []string) (code int) {
	if render.IsWorker(args) {
		if err := render.Worker(c.Stdin, c.Stdout); err != nil {
			fmt.Fprintln(c.Stderr, err)
			return ExitIncomplete
		}
		return ExitClean
	}
	if c.inActions() {
		c.Stderr = github.HarmlessLog(c.Stderr)
	}
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(c.Stderr, "sluice: internal error: %v\nThis is a mistake in sluice. Please report it with the command that you ran.\n%s", p, debug.Stack())
			code = ExitIncomplete
		}
	}()
	root := c.root()
	root.SetArgs(args[1:])
	started := false
	for _, cmd := range append(root.Commands(), root) {
		runE := cmd.RunE
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			started = true
			return runE(cmd, args)
		}
	}
	err := root.ExecuteContext(ctx)
	if err != nil && !started { // cobra refused the arguments
		err = usage(fmt.Errorf("%w\nRun 'sluice --help' for the commands, 'sluice COMMAND --help' for the flags of one", err))
	}
	return c.exitCode(err)
}

// inActions reports whether a runner of GitHub Actions reads what is printed.
func (c *Command) inActions() bool { return c.Getenv("GITHUB_ACTIONS") == "true" }

// say prints text for people. A runner finds no command in it, whatever the repository brought into it.
func (c *Command) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if c.inActions() {
		text = github.Harmless(text)
	}
	_, _ = io.WriteString(c.Stdout, text)
}

// exitCode is the one place where errors become exit codes and are printed.
func (c *Command) exitCode(err error) int {
	var exit *exitError
	var unknown *git.UnknownRevisionError
	switch {
	case err == nil:
		return ExitClean
	case errors.As(err, &exit):
		if exit.err != nil {
			c.sayError(exit.err)
		}
		return exit.code
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(c.Stderr, "sluice: interrupted: nothing was published")
		return ExitIncomplete
	case errors.Is(err, git.ErrNotRepository), errors.Is(err, git.ErrEmpty), errors.As(err, &unknown), errors.As(err, new(*github.EventError)):
		c.sayError(err)
		return ExitUsage
	default:
		c.sayError(err)
		return ExitIncomplete
	}
}

func (c *Command) sayError(err error) { fmt.Fprintf(c.Stderr, "sluice: %v\n", err) }

// root builds the command tree.
func (c *Command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "sluice",
		Short: "The gate of a Kubernetes GitOps config repository",
		Long: `sluice renders every environment overlay that a change can reach, validates schemas and policies, and shows the
rendered difference. It needs no cluster, no server and no network.

Exit codes: 0 clean, 1 findings that gate, 2 usage or configuration, 3 could not be completed.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(c.Stdin)
	root.SetOut(c.Stdout)
	root.SetErr(c.Stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().Bool("debug", false, "log what sluice does, to standard error")
	root.AddCommand(c.newCheck(), c.newDiff(), c.newPlan(), c.newReport(), c.newRender(), c.newPromote(), c.newStatus(), c.newAction(), c.newInit(), c.newDoctor(), c.newDemo(), c.newVersion())
	return root
}

// logger is silent unless --debug asks for it.
func (c *Command) logger(cmd *cobra.Command) *slog.Logger {
	if on, err := cmd.Flags().GetBool("debug"); err != nil || !on {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(c.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// configError ends a run whose configuration has mistakes: all of them at once, each at its line.
func configError(problems finding.List) error {
	return usage(fmt.Errorf("the configuration has mistakes:\n%s", problems))
}

func (c *Command) newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(c.Stdout, Version())
			return err
		},
	}
}

// version is set by the linker in releases.
var version string

// Version is that of the program: of the release, else of the module or of the commit it was built from.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return "built from " + setting.Value
		}
	}
	return info.Main.Version
}
