package rehearse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/exec"
)

// needed are the containers of a node without which there is no API server. Nothing else may run once objects are applied.
var needed = []string{"kube-apiserver", "etcd"}

// freeze stops everything in a cluster that could run a workload: the kubelet first, which would start the others again and
// any pod that names its node, then the containers of scheduler, controllers and add-ons. It then looks: an error means
// that something still runs, and that nothing may be applied.
func (s *kindServer) freeze(ctx context.Context) error {
	all, err := s.provider.kind.ListInternalNodes(s.name)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("the cluster has no node")
	}
	for _, node := range all {
		if err := freezeNode(ctx, node); err != nil {
			return fmt.Errorf("node %s: %w", node, err)
		}
	}
	return nil
}

func freezeNode(ctx context.Context, node nodes.Node) error {
	if err := node.CommandContext(ctx, "systemctl", "stop", "kubelet").Run(); err != nil {
		return fmt.Errorf("stop the kubelet: %w", err)
	}
	others, err := runningContainers(ctx, node)
	if err != nil {
		return err
	}
	for _, c := range others {
		if err := node.CommandContext(ctx, "crictl", "stop", "--timeout", "1", c.ID).Run(); err != nil {
			return fmt.Errorf("stop the container %s: %w", c.Metadata.Name, err)
		}
	}
	if others, err = runningContainers(ctx, node); err != nil {
		return err
	}
	if len(others) > 0 {
		return fmt.Errorf("the container %s still runs", others[0].Metadata.Name)
	}
	// systemctl says "inactive", and fails, for what does not run.
	state, _ := exec.OutputLines(node.CommandContext(ctx, "systemctl", "is-active", "kubelet"))
	if text := strings.Join(state, " "); text != "inactive" && text != "failed" {
		return fmt.Errorf("the kubelet is %q", text)
	}
	return nil
}

// container is one that crictl lists.
type container struct {
	ID       string `json:"id"`
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
}

// runningContainers gives the containers of a node that run and are not needed.
func runningContainers(ctx context.Context, node nodes.Node) ([]container, error) {
	out, err := exec.Output(node.CommandContext(ctx, "crictl", "ps", "--output", "json"))
	if err != nil {
		return nil, fmt.Errorf("list the containers: %w", err)
	}
	var list struct {
		Containers []container `json:"containers"`
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("list the containers: %w", err)
	}
	return slices.DeleteFunc(list.Containers, func(c container) bool { return slices.Contains(needed, c.Metadata.Name) }), nil
}
