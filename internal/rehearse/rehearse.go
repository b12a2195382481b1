// Package rehearse applies what targets render to a real API server, first base, then head, and says what the server refuses:
// schemas, CEL rules, admission policies, immutable fields.
//
// [Run] starts a throw-away API server for each environment, unless the provider is [Kubeconfig]: an existing cluster is only
// ever asked to judge, with dry-run. No workload of a pull request runs anywhere: what schedules and starts pods is not
// started, or is stopped before anything is applied (docs/rehearsal.md has each provider's promise).
package rehearse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// Provider names where a rehearsal runs.
type Provider string

// The providers.
const (
	Kind       Provider = "kind"       // a cluster in a container, made by kind
	Envtest    Provider = "envtest"    // kube-apiserver and etcd, started here
	Kubeconfig Provider = "kubeconfig" // an existing cluster, dry-run only
)

// The rules of a rehearsal's findings.
const (
	RuleRefused     = "rehearse/refused"     // the API server takes the object in no way
	RuleImmutable   = "rehearse/immutable"   // it would take the object, but not in place of the one on base
	RuleConflict    = "rehearse/conflict"    // someone else owns a field in the cluster
	RuleLost        = "rehearse/lost"        // the removal of another object deletes it
	RuleFinalizers  = "rehearse/finalizers"  // its removal waits for somebody
	RuleTimeout     = "rehearse/timeout"     // the API server did not answer in time
	RuleVersion     = "rehearse/version"     // it was judged by another minor version than the environment has
	RuleUnavailable = "rehearse/unavailable" // there is no API server to rehearse on
)

// Options say where a rehearsal runs.
type Options struct {
	Provider Provider
	// Image is the node image of kind clusters; "" for the one that is pinned for the environment's version.
	Image string
	// Contexts are the contexts of the kubeconfig by environment; that of "" serves the others, and is the current one
	// where it is not there.
	Contexts map[string]string
	// Timeout bounds the rehearsal of one environment, the start of its API server included; 0 is ten minutes.
	Timeout time.Duration
	// Log hears what is done; nil for nobody.
	Log *slog.Logger
}

// Target is what one target renders on both sides.
type Target struct {
	ID          string
	Environment string
	Kubernetes  string             // the minor version of the environment's clusters, such as "1.37"
	Base, Head  []*manifest.Object // as rendered
	// Around are objects that the environment has besides: definitions and admission policies of other targets. They are
	// applied first, and nothing is said about them.
	Around []*manifest.Object
}

// Result is what the API server said about one target.
type Result struct {
	Base, Head finding.List   // with object and field, without lines; to be paired by the caller
	Gone       finding.List   // the same about the removal of what head no longer has: object, field and file are base's
	Objects    int            // of head, that the API server judged
	Removed    int            // of base, whose removal it judged because head has them no longer
	LeftOut    map[string]int // of head, or of what it removes: why that was not applied, or not wholly → how many objects
	Server     string         // version of the API server, such as "v1.37.0"
	// Incomplete says that objects were not judged which should have been; Head says why.
	Incomplete bool
}

// unavailableError says that there is no API server to rehearse on, and what to do about it.
type unavailableError struct {
	what string
	err  error // may be nil
}

func (e *unavailableError) Error() string {
	if e.err == nil {
		return e.what
	}
	return fmt.Sprintf("%s: %v", e.what, e.err)
}

func (e *unavailableError) Unwrap() error { return e.err }

func unavailable(err error, format string, args ...any) error {
	return &unavailableError{fmt.Sprintf(format, args...), err}
}

// provider makes API servers.
type provider interface {
	// start gives a server for an environment whose clusters have a minor version of Kubernetes. A fresh one holds nothing.
	start(ctx context.Context, environment, kubernetes string) (server, error)
}

// server is a running API server.
type server interface {
	client(ctx context.Context) (*client, error)
	// dead says why the server ended by itself; nil while it runs.
	dead() error
	// stop ends the server, removes all it has left, and waits until that is done. It is called once.
	stop() error
}

// Run rehearses targets, environment by environment, and gives their results in the same order. An error means that the context
// ended or that something broke which is not the repository's fault; a missing API server is a finding of each target.
func Run(ctx context.Context, options Options, targets []Target) (results []Result, err error) {
	if options.Timeout == 0 {
		options.Timeout = 10 * time.Minute
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	p, closer, err := newProvider(ctx, options)
	if err != nil {
		return failAll(targets, err), ctx.Err()
	}
	defer func() { err = errors.Join(err, closer()) }()
	results = make([]Result, len(targets))
	for _, round := range rounds(targets) {
		if err := rehearseRound(ctx, p, options, targets, round, results); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// newProvider gives the provider, and what ends it.
func newProvider(ctx context.Context, options Options) (provider, func() error, error) {
	if options.Provider == Kubeconfig {
		return kubeconfigProvider{options}, func() error { return nil }, nil
	}
	run, err := openRun(options.Log)
	if err != nil {
		return nil, nil, unavailable(err, "the rehearsal has no directory to work in")
	}
	switch options.Provider {
	case Envtest:
		return &envtestProvider{options: options, run: run}, run.close, nil
	case Kind:
		p, err := newKindProvider(ctx, options, run)
		if err != nil {
			return nil, nil, errors.Join(err, run.close())
		}
		return p, run.close, nil
	default:
		return nil, nil, errors.Join(unavailable(nil, "there is no provider %q: use kind, envtest or kubeconfig", options.Provider), run.close())
	}
}

// rehearseRound rehearses targets that share an API server.
func rehearseRound(ctx context.Context, p provider, options Options, targets []Target, round []int, results []Result) (err error) {
	limited, cancel := context.WithTimeoutCause(ctx, options.Timeout, fmt.Errorf("the rehearsal took longer than %s", options.Timeout))
	defer cancel()
	first := targets[round[0]]
	started := time.Now()
	fail := func(err error) {
		for _, i := range round {
			results[i] = failed(err)
		}
	}
	s, err := p.start(limited, first.Environment, first.Kubernetes)
	if err != nil {
		fail(err)
		return ctx.Err()
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	api, err := s.client(limited)
	if err != nil {
		fail(errors.Join(err, s.dead()))
		return ctx.Err()
	}
	options.Log.Debug("the API server is ready", "environment", first.Environment, "version", api.version, "took", time.Since(started))
	applied := time.Now()
	stage := newStage(api)
	for _, i := range round {
		stage.add(targets[i])
	}
	if err := stage.play(limited); err != nil {
		fail(errors.Join(err, s.dead()))
		return ctx.Err()
	}
	for n, i := range round {
		results[i] = stage.acts[n].result()
	}
	options.Log.Debug("rehearsed", "environment", first.Environment, "targets", len(round), "took", time.Since(applied))
	return nil
}

// failed is the result of a target that could not be rehearsed.
func failed(err error) Result {
	message := "the change could not be rehearsed: " + err.Error()
	return Result{Incomplete: true, Head: finding.List{{Rule: RuleUnavailable, Severity: finding.Error, Message: message}}}
}

func failAll(targets []Target, err error) []Result {
	results := make([]Result, len(targets))
	for i := range results {
		results[i] = failed(err)
	}
	return results
}

// rounds groups targets, by index, that can share an API server: those of one environment, as they share its clusters, unless
// two of them have an object of the same identity with different content on the same side. What one target has on base
// and another one on head is an object that moves, and must meet itself. Environments never share one: the definitions and
// policies of one must not judge the objects of another.
func rounds(targets []Target) [][]int {
	type round struct {
		environment, kubernetes string
		targets                 []int
		texts                   [2]map[manifest.ID]string // by side
	}
	var all []*round
	for i, t := range targets {
		fits := func(r *round) bool {
			if r.environment != t.Environment || r.kubernetes != t.Kubernetes {
				return false
			}
			for which, objects := range [][]*manifest.Object{base: t.Base, head: t.Head} {
				for _, o := range objects {
					if text, taken := r.texts[which][o.ID]; taken && text != string(o.Text) {
						return false
					}
				}
			}
			return true
		}
		at := slices.IndexFunc(all, fits)
		if at < 0 {
			at = len(all)
			all = append(all, &round{environment: t.Environment, kubernetes: t.Kubernetes, texts: [2]map[manifest.ID]string{{}, {}}})
		}
		r := all[at]
		r.targets = append(r.targets, i)
		for which, objects := range [][]*manifest.Object{base: t.Base, head: t.Head} {
			for _, o := range objects {
				r.texts[which][o.ID] = string(o.Text)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *round) int { return strings.Compare(a.environment, b.environment) })
	var out [][]int
	for _, r := range all {
		out = append(out, r.targets)
	}
	return out
}
