package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/rehearse"
)

// Rehearse has a real API server judge targets, where the configuration or the command line says.
func (w *workshop) Rehearse(ctx context.Context, how config.Rehearse, targets []pipeline.Rehearsal) ([]pipeline.Rehearsed, error) {
	options := rehearse.Options{
		Provider: rehearse.Provider(how.Provider), Image: string(how.Image), Timeout: time.Duration(how.Timeout), Log: w.log,
		Contexts: make(map[string]string),
	}
	for environment, name := range how.Contexts {
		options.Contexts[string(environment)] = string(name)
	}
	in := make([]rehearse.Target, len(targets))
	for i, t := range targets {
		in[i] = rehearse.Target{
			ID: t.Target.ID, Environment: t.Target.Environment, Kubernetes: t.Kubernetes, Base: t.Base, Head: t.Head, Around: t.Around,
		}
	}
	results, err := rehearse.Run(ctx, options, in)
	if err != nil {
		return nil, err
	}
	out := make([]pipeline.Rehearsed, len(results))
	for i, r := range results {
		out[i] = pipeline.Rehearsed(r)
	}
	return out, nil
}

// parseRehearse reads --rehearse.
func parseRehearse(value string) (config.RehearseProvider, error) {
	switch provider := config.RehearseProvider(value); provider {
	case "", config.RehearseKind, config.RehearseEnvtest, config.RehearseKubeconfig:
		return provider, nil
	}
	return "", usage(fmt.Errorf("--rehearse %q: use kind, envtest or kubeconfig", value))
}
