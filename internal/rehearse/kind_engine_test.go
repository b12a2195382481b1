package rehearse

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// engine is a docker command that remembers containers and networks in files, as far as kind and this package use them. Its nodes boot
// at once, and have the API server of the test. What it does not know it refuses.
const engine = `
node=$state/nodes
touch $node
# A node is a line of that file; what runs in it, and whether its kubelet does, is in files of its name.
has() { grep -qx "$1" $node; }
case "$*" in
version*) echo 29.0.0 ;;
info*) echo '{"CgroupVersion":"2","CgroupDriver":"systemd"}' ;;
"image inspect"*|"inspect --type=image"*) echo sha256:0 ;;
"inspect --type=container"*) exit 1 ;;
"network ls"*) [ ! -e $state/network ] || echo 0123 ;;
"network inspect --format"*) [ -e $state/network ] || exit 1; echo 0123 ;;
"network inspect bridge"*) echo 1500 ;;
"network inspect -f"*) echo 172.18.0.0/16 ;;
"network create"*) touch $state/network ;;
"network rm kind") rm $state/network ;;
"network connect kind me"|"network disconnect --force kind me") ;;
"ps "*"label=io.x-k8s.kind.cluster --format"*) sed s/-control-plane// $node ;;
"ps "*) cluster=${4#label=io.x-k8s.kind.cluster=}; grep -x "$cluster-control-plane" $node || true ;;
"run --name "*)
	echo $3 >>$node
	touch $state/$3.kubelet
	for name in kube-apiserver etcd kube-scheduler coredns; do touch $state/$3.runs.$name; done ;;
"logs -f "*) echo 'Reached target Multi-User System.' ;;
"rm -f -v "*)
	shift 3
	for name; do
		{ grep -vx "$name" $node || true; } >$state/rest
		mv $state/rest $node
		rm -f $state/$name.*
	done ;;
"inspect --format "*role*) echo control-plane ;;
"inspect --format "*desktop*) echo ;;
"inspect --format "*HostPort*) cat $state/port ;;
"inspect -f "*) echo 172.18.0.2, ;;
exec*)
	shift 2
	[ "$1" != -i ] || shift
	name=$1
	shift
	has $name || { echo "Error response from daemon: No such container: $name" >&2; exit 1; }
	case "$*" in
	"cat /kind/version") echo v1.37.0 ;;
	"cat /etc/kubernetes/admin.conf") sed s/inside/$name/ $state/admin.conf ;;
	"cat /kind/manifests/"*) echo '{}' ;;
	"mkdir "*|"kubectl "*) ;;
	"cp /dev/stdin "*) cat >/dev/null ;;
	"kubeadm init"*)
		touch $state/boots
		while [ -e $state/never-boots ] && has $name; do sleep 0.05; done
		has $name ;;
	"systemctl stop kubelet") rm $state/$name.kubelet ;;
	"systemctl is-active kubelet") if [ -e $state/$name.kubelet ]; then echo active; else echo inactive; exit 3; fi ;;
	"crictl ps"*)
		printf '{"containers":['
		comma=
		for file in $state/$name.runs.*; do
			printf '%s{"id":"%s","metadata":{"name":"%s"}}' "$comma" "${file##*.}" "${file##*.}"
			comma=,
		done
		printf ']}' ;;
	"crictl stop "*)
		[ "$5" = $(cat $state/stubborn 2>/dev/null || echo none) ] || rm $state/$name.runs.$5 ;;
	*) echo "surprise in a node: $*" >&2; exit 1 ;;
	esac ;;
*) echo "surprise: $*" >&2; exit 1 ;;
esac`

// fakeEngine puts the engine before all other docker commands, with the way to an API server, which may be nil, and what the kubeconfig says
// of the cluster also. It gives the directory of its state.
func fakeEngine(t *testing.T, s *local, also ...string) (state string) {
	t.Helper()
	state = filepath.Dir(fakeDocker(t, "set -eu"+engine))
	if s == nil {
		return state
	}
	address, err := url.Parse(s.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(s.config.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	admin := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: kind, cluster: {server: "https://inside:6443", certificate-authority-data: %s%s}}]
users: [{name: admin, user: {token: %s}}]
contexts: [{name: admin@kind, context: {cluster: kind, user: admin}}]
current-context: admin@kind
`, base64.StdEncoding.EncodeToString(ca), strings.Join(append([]string{""}, also...), ", "), s.config.BearerToken)
	for name, text := range map[string]string{"admin.conf": admin, "port": address.Hostname() + "\t" + address.Port() + "\n"} {
		if err := os.WriteFile(filepath.Join(state, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return state
}

// engineHolds gives what the engine has: nodes, and the network of kind.
func engineHolds(t *testing.T, state string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(state, "nodes"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	out := string(data)
	if _, err := os.Stat(filepath.Join(state, "network")); err == nil {
		out += "the network\n"
	}
	return out
}

// TestKindOnFakeEngine rehearses in a cluster that kind makes on the engine, whose API server is a real one: with or without findings,
// nothing but the API server runs when objects are applied, and nothing is left.
func TestKindOnFakeEngine(t *testing.T) {
	for _, name := range []string{"deployment", "immutable"} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t) // one for each: clusters are not emptied
			state := fakeEngine(t, server)
			private(t)
			archive, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			target := Target{
				ID: name, Environment: "prod", Kubernetes: minorOf(AssetsKubernetes),
				Base: objectsOf(t, "base.yaml", part(archive, "base")), Head: objectsOf(t, "head.yaml", part(archive, "head")),
			}
			results, err := Run(t.Context(), Options{Provider: Kind, Log: testLogger(t)}, []Target{target})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(part(archive, "findings")), describe(name, results[0])); diff != "" {
				t.Errorf("(-bare API server +kind):\n%s", diff)
			}
			if left := engineHolds(t, state); left != "" {
				t.Errorf("the engine still has %s", left)
			}
			calls := called(t, filepath.Join(state, "calls"))
			for _, want := range []string{"systemctl stop kubelet", "crictl stop --timeout 1 kube-scheduler", "crictl stop --timeout 1 coredns"} {
				if !strings.Contains(calls, want) {
					t.Errorf("it was not told to %s:\n%s", want, calls)
				}
			}
			if strings.Contains(calls, "stop --timeout 1 kube-apiserver") || strings.Contains(calls, "stop --timeout 1 etcd") {
				t.Errorf("the API server was stopped:\n%s", calls)
			}
		})
	}
}

// TestKindFromAContainer has this process be in a container of the engine: it joins the network of kind for the time, and reaches the API
// server by the name of the node.
func TestKindFromAContainer(t *testing.T) {
	server := startServer(t)
	address, err := url.Parse(server.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	asked := make(map[string]bool)
	// The proxy stands for the network of kind, in which the node has its name.
	network := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.Host] = true
		mu.Unlock()
		there, err := net.Dial("tcp", address.Host)
		if r.Method != http.MethodConnect || err != nil {
			http.Error(w, "no way", http.StatusBadGateway)
			return
		}
		defer there.Close()
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer here.Close()
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(there, here); there.Close() }()
		_, _ = io.Copy(here, there)
	}))
	t.Cleanup(network.Close)
	state := fakeEngine(t, server, "proxy-url: "+network.URL, "tls-server-name: "+address.Hostname())
	private(t)
	r, err := openRun(testLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	options := Options{Provider: Kind, Timeout: time.Minute, Log: testLogger(t)}
	p, err := newKindProvider(t.Context(), options, r)
	if err != nil {
		t.Fatal(err)
	}
	p.self = func(context.Context) string { return "me" }
	results := make([]Result, 1)
	targets := []Target{{ID: "a", Environment: "prod", Kubernetes: "1.37", Head: objectsOf(t, "head.yaml", []byte(configMap("a", 1)))}}
	if err := rehearseRound(t.Context(), p, options, targets, []int{0}, results); err != nil {
		t.Fatal(err)
	}
	if got := describe("a", results[0]); got != "1 judged\n" {
		t.Error(got)
	}
	mu.Lock()
	defer mu.Unlock()
	if node := clusterPrefix(r.id) + "1-control-plane:6443"; len(asked) != 1 || !asked[node] {
		t.Errorf("it asked %v, want %s", asked, node)
	}
	var joined []string
	for line := range strings.Lines(called(t, filepath.Join(state, "calls"))) {
		if strings.HasPrefix(line, "network connect") || strings.HasPrefix(line, "network disconnect") || strings.HasPrefix(line, "network rm") {
			joined = append(joined, strings.TrimSpace(line))
		}
	}
	if diff := cmp.Diff([]string{"network connect kind me", "network disconnect --force kind me", "network rm kind"}, joined); diff != "" {
		t.Errorf("what it did with networks (-want +got):\n%s", diff)
	}
	if left := engineHolds(t, state); left != "" {
		t.Errorf("the engine still has %s", left)
	}
}

// TestKindThatRuns holds that nothing is applied to a cluster of which a part that could run workloads cannot be stopped.
func TestKindThatRuns(t *testing.T) {
	state := fakeEngine(t, nil)
	private(t)
	if err := os.WriteFile(filepath.Join(state, "stubborn"), []byte("kube-scheduler"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "admin.conf"), []byte("apiVersion: v1\nkind: Config\nclusters: [{name: kind, cluster: {}}]\n"+
		"users: [{name: admin, user: {}}]\ncontexts: [{name: admin@kind, context: {cluster: kind, user: admin}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "port"), []byte("127.0.0.1\t1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	results, err := Run(t.Context(), Options{Provider: Kind, Log: testLogger(t)}, []Target{{ID: "a", Environment: "prod", Kubernetes: "1.37"}})
	if err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, results, "the container kube-scheduler still runs")
	if left := engineHolds(t, state); left != "" {
		t.Errorf("the engine still has %s", left)
	}
}

// TestKindKilled holds that a run which SIGTERM ends takes its cluster with it, while kind makes it and when it is ready, and that the next
// run removes what SIGKILL leaves, found by kind's label and the lock of its run.
func TestKindKilled(t *testing.T) {
	for _, test := range []struct {
		name  string
		sig   os.Signal
		boots bool // the cluster is ready when the signal comes
	}{
		{"SIGTERM while it is made", syscall.SIGTERM, false},
		{"SIGKILL while it is made", os.Kill, false},
		{"SIGTERM when it is ready", syscall.SIGTERM, true},
		{"SIGKILL when it is ready", os.Kill, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var server *local
			if test.boots {
				server = startServer(t)
			}
			state := fakeEngine(t, server)
			dir := private(t)
			if !test.boots {
				if err := os.WriteFile(filepath.Join(state, "never-boots"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			command, ready := startChild(t, Kind)
			if test.boots {
				ready()
			} else {
				await(t, "the node to boot", func() bool { _, err := os.Stat(filepath.Join(state, "boots")); return err == nil })
			}
			if held := engineHolds(t, state); strings.Count(held, "\n") != 2 {
				t.Fatalf("the engine has %q, want a node and the network", held)
			}
			if err := command.Process.Signal(test.sig); err != nil {
				t.Fatal(err)
			}
			_ = command.Wait() // it was killed
			if left := engineHolds(t, state); (left == "") != (test.sig == syscall.SIGTERM) {
				t.Errorf("after %s the engine has %q", test.sig, left)
			}
			if test.sig == os.Kill {
				sweepClusters(t, state)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
				t.Errorf("there are still %v", left)
			}
		})
	}
}

// sweepClusters has another run come by, which cannot make a cluster itself, and demands that it removes the one that was left.
func sweepClusters(t *testing.T, state string) {
	t.Helper()
	left := strings.Fields(engineHolds(t, state))[0]
	if _, err := Run(t.Context(), Options{Provider: Kind, Log: testLogger(t)}, []Target{{ID: "a", Environment: "prod", Kubernetes: "1.1"}}); err != nil {
		t.Fatal(err)
	}
	if held := engineHolds(t, state); held != "" {
		t.Errorf("the next run left %q", held)
	}
	if calls := strings.Split(called(t, filepath.Join(state, "calls")), "\n"); !slices.Contains(calls, "rm -f -v "+left) {
		t.Errorf("the node was not removed by its name: %q", calls)
	}
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	happened, err := poll(t.Context(), 30*time.Second, func(context.Context) (bool, error) { return so(), nil })
	if err != nil || !happened {
		t.Fatalf("waited in vain for %s: %v", what, err)
	}
}
