package rehearse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/cluster"
)

// kindProvider makes clusters of one node in a container of the local Docker.
type kindProvider struct {
	options  Options
	run      *run
	docker   docker
	self     func(context.Context) string // the container that this process runs in; "" for none
	kind     *cluster.Provider
	clusters atomic.Int64 // made so far
}

// newKindProvider looks whether there is a Docker, and removes the clusters that earlier runs left.
func newKindProvider(ctx context.Context, options Options, run *run) (*kindProvider, error) {
	p := &kindProvider{options: options, run: run, kind: cluster.NewProvider(cluster.ProviderWithDocker())}
	p.self = p.docker.self
	if err := p.docker.available(ctx); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(run.dir, clustersName), nil, 0o600); err != nil {
		return nil, err
	}
	sweep(options.Log, func(dir string) error { return p.removeLeft(ctx, dir) })
	p.removeOld(ctx)
	return p, nil
}

// maxAge is how old a cluster of a run on another machine or in another container, whose lock cannot be seen from here, must be
// before it counts as left.
const maxAge = 2 * time.Hour

// clusterPrefix begins the names of the clusters of a run.
func clusterPrefix(id string) string { return runPrefix + id + "-" }

// removeLeft removes the clusters of a run that has ended, by its directory, and the network if that run made it.
func (p *kindProvider) removeLeft(ctx context.Context, dir string) error {
	names, err := p.kind.List()
	for _, name := range names {
		if strings.HasPrefix(name, clusterPrefix(strings.TrimPrefix(filepath.Base(dir), runPrefix))) {
			err = errors.Join(err, p.kind.Delete(name, p.noKubeconfig()))
		}
	}
	if _, none := os.Lstat(filepath.Join(dir, networkName)); none == nil && err == nil {
		p.removeNetwork(ctx)
	}
	return err
}

// networkName is a file in the directory of a run that found no network of kind: kind makes it then, and it goes with the run.
const networkName = "network"

// removeNetwork removes the network of kind, unless there are clusters of others, which have come into it meanwhile. Docker refuses to
// remove what is in use.
func (p *kindProvider) removeNetwork(ctx context.Context) {
	if others, err := p.kind.List(); err == nil && len(others) == 0 && p.docker.hasNetwork(ctx) {
		_, _ = p.docker.run(ctx, "network", "rm", kindNetwork)
	}
}

// noKubeconfig is what kind may look for entries of a cluster in: not the user's own.
func (p *kindProvider) noKubeconfig() string { return filepath.Join(p.run.dir, "no-kubeconfig") }

// removeOld removes clusters of runs that are not of this machine, once they are so old that they cannot be in use. What cannot
// be removed is tried again by the next run.
func (p *kindProvider) removeOld(ctx context.Context) {
	names, err := p.kind.List()
	if err != nil {
		p.options.Log.Warn("the clusters of earlier rehearsals cannot be listed", "error", err)
		return
	}
	for _, name := range names {
		id, _, _ := strings.Cut(strings.TrimPrefix(name, runPrefix), "-")
		if _, err := os.Stat(filepath.Join(os.TempDir(), runPrefix+id)); err == nil || !strings.HasPrefix(name, runPrefix) {
			continue
		}
		created, err := p.docker.created(ctx, name+"-control-plane")
		if err == nil && time.Since(created) > maxAge {
			err = p.kind.Delete(name, p.noKubeconfig())
		}
		if err != nil {
			p.options.Log.Warn("a cluster of an earlier rehearsal cannot be removed", "cluster", name, "error", err)
		}
	}
}

// kindServer is a cluster.
type kindServer struct {
	provider   *kindProvider
	name       string
	kubeconfig string
	made       bool   // the network is this run's own
	joined     string // the container of this process, which was put into the network; "" for none
	config     *rest.Config
}

// start implements provider. It does not wait until the node is ready for workloads: none will run.
func (p *kindProvider) start(ctx context.Context, _, kubernetes string) (_ server, err error) {
	image := p.options.Image
	if image == "" {
		image = nodeImages[kubernetes]
	}
	if image == "" {
		return nil, unavailable(nil, "there is no node image for Kubernetes %s: name one with rehearse.image", kubernetes)
	}
	if err := p.docker.pull(ctx, image); err != nil {
		return nil, err
	}
	s := &kindServer{provider: p, name: fmt.Sprintf("%s%d", clusterPrefix(p.run.id), p.clusters.Add(1)), made: !p.docker.hasNetwork(ctx)}
	s.kubeconfig = filepath.Join(p.run.dir, s.name)
	if s.made {
		if err := os.WriteFile(filepath.Join(p.run.dir, networkName), nil, 0o600); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	if err := s.create(ctx, image); err != nil {
		return nil, err
	}
	if err := s.freeze(ctx); err != nil {
		return nil, unavailable(err, "the cluster could not be kept from running workloads, so that nothing was applied")
	}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	return s, s.awaitReady(ctx)
}

// create has kind make the cluster. kind knows no contexts: when ctx ends, its containers are taken away, so that it gives up.
func (s *kindServer) create(ctx context.Context, image string) error {
	done := make(chan error, 1)
	go func() {
		done <- s.provider.kind.Create(s.name,
			cluster.CreateWithNodeImage(image),
			cluster.CreateWithKubeconfigPath(s.kubeconfig),
			cluster.CreateWithV1Alpha4Config(&v1alpha4.Cluster{
				Networking: v1alpha4.Networking{DisableDefaultCNI: true, ServiceSubnet: serviceRange.String()},
			}))
	}()
	select {
	case err := <-done:
		if err != nil {
			return unavailable(err, "kind could not make a cluster of %s", image)
		}
		return nil
	case <-ctx.Done():
		for range removeAttempts {
			if err := s.provider.kind.Delete(s.name, s.kubeconfig); err != nil {
				s.provider.options.Log.Warn("the cluster cannot be removed yet", "cluster", s.name, "error", err)
			}
			select {
			case <-done:
				return context.Cause(ctx)
			case <-time.After(time.Second):
			}
		}
		return fmt.Errorf("%w, and kind does not give up making the cluster %s", context.Cause(ctx), s.name)
	}
}

// removeAttempts is how often, a second apart, containers are taken away from under kind when it is to give up.
const removeAttempts = 60

// connect finds the way to the API server: through the port of this machine, or, where this process runs in a container itself,
// through kind's network.
func (s *kindServer) connect(ctx context.Context) error {
	self := s.provider.self(ctx)
	if self != "" {
		_, err := s.provider.docker.run(ctx, "network", "connect", kindNetwork, self)
		switch {
		case err == nil:
			s.joined = self
		case !strings.Contains(err.Error(), "already exists in network"):
			return unavailable(err, "this container cannot join the network of the cluster")
		}
	}
	text, err := s.provider.kind.KubeConfig(s.name, self != "")
	if err != nil {
		return unavailable(err, "kind gives no way to its cluster")
	}
	s.config, err = clientcmd.RESTConfigFromKubeConfig([]byte(text))
	return err
}

// awaitReady waits for the API server, which may have been restarted.
func (s *kindServer) awaitReady(ctx context.Context) error {
	var last error
	ready, err := poll(ctx, readyTimeout, func(ctx context.Context) (bool, error) {
		_, last = newClient(ctx, s.config, false)
		return last == nil, nil
	})
	if err == nil && !ready {
		err = unavailable(last, "the API server of the cluster does not answer")
	}
	return err
}

func (s *kindServer) client(ctx context.Context) (*client, error) {
	return newClient(ctx, s.config, false)
}

// dead implements server: what a container says of its end is in the error of the call that failed.
func (s *kindServer) dead() error { return nil }

// stop implements server. It does not heed the end of the run's context: the cluster must go.
func (s *kindServer) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var errs []error
	if s.joined != "" {
		_, err := s.provider.docker.run(ctx, "network", "disconnect", "--force", kindNetwork, s.joined)
		errs = append(errs, err)
	}
	errs = append(errs, s.provider.kind.Delete(s.name, s.kubeconfig))
	nodes, err := s.provider.kind.ListNodes(s.name)
	if err == nil && len(nodes) > 0 {
		err = fmt.Errorf("%d of its containers are still there", len(nodes))
	}
	errs = append(errs, err)
	if s.made {
		s.provider.removeNetwork(ctx)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove the cluster %s: %w", s.name, err)
	}
	return nil
}
