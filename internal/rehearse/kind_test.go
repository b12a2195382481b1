package rehearse

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// fakeDocker puts a docker command before all others, which says of itself what a script tells, and gives the file in which it
// notes how it was called.
func fakeDocker(t *testing.T, script string) (calls string) {
	t.Helper()
	dir := t.TempDir()
	calls = filepath.Join(dir, "calls")
	text := "#!/bin/sh\necho \"$@\" >> " + calls + "\nstate=" + dir + "\n" + script
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return calls
}

func called(t *testing.T, calls string) string {
	t.Helper()
	data, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestNoDocker holds that without a Docker that answers there is one finding with what to do.
func TestNoDocker(t *testing.T) {
	t.Run("not installed", func(t *testing.T) {
		private(t)
		t.Setenv("PATH", t.TempDir())
		results, err := Run(t.Context(), Options{Provider: Kind}, []Target{{ID: "a"}, {ID: "b"}})
		if err != nil {
			t.Fatal(err)
		}
		wantUnavailable(t, results, "Docker is not installed")
	})
	t.Run("not running", func(t *testing.T) {
		private(t)
		fakeDocker(t, "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
		results, err := Run(t.Context(), Options{Provider: Kind}, []Target{{ID: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		wantUnavailable(t, results, "start it")
		wantUnavailable(t, results, "Cannot connect to the Docker daemon")
	})
}

// TestImageCannotBePulled holds that a missing image is one finding, and that nothing is made for it.
func TestImageCannotBePulled(t *testing.T) {
	private(t)
	calls := fakeDocker(t, `
case "$1" in
version) echo 29.0.0 ;;
ps) ;;
image) exit 1 ;;
pull) echo 'manifest unknown' >&2; exit 1 ;;
*) echo "surprise: $*" >&2; exit 1 ;;
esac`)
	results, err := Run(t.Context(), Options{Provider: Kind}, []Target{{ID: "a", Kubernetes: "1.36"}})
	if err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, results, "manifest unknown")
	wantUnavailable(t, results, nodeImages["1.36"])
	if strings.Contains(called(t, calls), "run ") {
		t.Error("a container was made")
	}
	results, err = Run(t.Context(), Options{Provider: Kind, Image: "example.com/node:1"}, []Target{{ID: "a", Kubernetes: "1.36"}})
	if err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, results, "example.com/node:1")
	results, err = Run(t.Context(), Options{Provider: Kind}, []Target{{ID: "a", Kubernetes: "1.12"}})
	if err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, results, "no node image for Kubernetes 1.12")
}

// TestLeftClusters holds that a run removes the clusters of runs that have ended, and no others: neither those of runs that live, nor
// young ones of runs whose lock cannot be seen from here, nor anybody else's.
func TestLeftClusters(t *testing.T) {
	tmp := private(t)
	calls := fakeDocker(t, `
case "$*" in
version*) echo 29.0.0 ;;
*"label=io.x-k8s.kind.cluster --format"*) cat "$state/clusters" ;;
*label=io.x-k8s.kind.cluster=*) echo "$*" | sed 's/.*cluster=\([a-z0-9-]*\) .*/\1-control-plane/' ;;
inspect*young*) date -u +%Y-%m-%dT%H:%M:%SZ ;;
inspect*) echo 2020-01-02T03:04:05Z ;;
rm*) sed -i "/${4%-control-plane}/d" "$state/clusters" ;;
image*|pull*) exit 1 ;;
*) echo "surprise: $*" >&2; exit 1 ;;
esac`)
	clusters := []string{"sluice-rehearsal-dead-1", "sluice-rehearsal-alive-1", "sluice-rehearsal-young-1", "sluice-rehearsal-old-1", "mine"}
	if err := os.WriteFile(filepath.Join(filepath.Dir(calls), "clusters"), []byte(strings.Join(clusters, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"dead", "alive"} {
		dir := filepath.Join(tmp, runPrefix+id)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		lock, ok, err := lockDir(dir)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if err := os.WriteFile(filepath.Join(dir, clustersName), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if id == "dead" {
			lock.Close()
			continue
		}
		defer os.RemoveAll(dir)
		defer lock.Close()
	}
	// A rehearsal without clusters cannot remove them, and so leaves the directory for one that can.
	if r, err := openRun(testLogger(t)); err != nil || r.close() != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(tmp, runPrefix+"dead")); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), Options{Provider: Kind}, []Target{{ID: "a", Kubernetes: "1.37"}}); err != nil {
		t.Fatal(err)
	}
	var removed []string
	for line := range strings.Lines(called(t, calls)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "rm -f -v "); ok {
			removed = append(removed, name)
		}
	}
	if got, want := strings.Join(removed, " "), "sluice-rehearsal-dead-1-control-plane sluice-rehearsal-old-1-control-plane"; got != want {
		t.Errorf("removed %q, want %q", got, want)
	}
	if _, err := os.Stat(filepath.Join(tmp, runPrefix+"dead")); err == nil {
		t.Error("the directory of the dead run is still there")
	}
}

// TestPinned holds that every pinned image has its version and a digest.
func TestPinned(t *testing.T) {
	t.Parallel()
	for minor, image := range nodeImages {
		name, digest, ok := strings.Cut(image, "@sha256:")
		if !ok || len(digest) != 64 || !strings.HasPrefix(name, "kindest/node:v"+minor+".") {
			t.Errorf("%s: %s", minor, image)
		}
	}
}

// TestKind rehearses on a real cluster of kind: what is found on a bare API server is found there too, no workload runs, and nothing
// is left.
func TestKind(t *testing.T) {
	image := os.Getenv("SLUICE_TEST_KIND_IMAGE")
	if image == "" {
		t.Skip("SLUICE_TEST_KIND_IMAGE names no node image: kind is not tested")
	}
	private(t)
	before := dockerState(t)
	all, files := cases(t)
	var targets []Target
	for i, target := range all {
		// In one environment, and so in one cluster: those that define no kind do not get into each other's way.
		if target.Environment, target.Kubernetes = "prod", ""; slices.Contains([]string{"admission", "deployment", "immutable", "removed"}, target.ID) {
			targets = append(targets, target)
			files[len(targets)-1] = files[i]
		}
	}
	results, err := Run(t.Context(), Options{Provider: Kind, Image: image, Log: testLogger(t)}, targets)
	if err != nil {
		t.Fatal(err)
	}
	for i, target := range targets {
		archive, err := txtar.ParseFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		// The words are those of a version; what is said of which field is not.
		want, got := withoutWords(string(part(archive, "findings"))), withoutWords(describe(target.ID, results[i]))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-bare API server +kind):\n%s", target.ID, diff)
		}
	}
	if after := dockerState(t); after != before {
		t.Errorf("Docker has\n%s\nbefore it had\n%s", after, before)
	}
}

var words = regexp.MustCompile(`(?m): .* \[`)

// withoutWords leaves the messages out of a description.
func withoutWords(description string) string { return words.ReplaceAllString(description, " [") }

// TestKindIsFrozen makes a cluster of kind and looks at its node: when objects are about to be applied, nothing runs there but the API
// server and its store.
func TestKindIsFrozen(t *testing.T) {
	image := os.Getenv("SLUICE_TEST_KIND_IMAGE")
	if image == "" {
		t.Skip("SLUICE_TEST_KIND_IMAGE names no node image: kind is not tested")
	}
	private(t)
	r, err := openRun(testLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	p, err := newKindProvider(t.Context(), Options{Provider: Kind, Image: image, Log: testLogger(t)}, r)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.start(t.Context(), "prod", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}()
	out, err := exec.Command("docker", "exec", s.(*kindServer).name+"-control-plane", "crictl", "ps", "--output", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Containers []container }
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range list.Containers {
		names = append(names, c.Metadata.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"etcd", "kube-apiserver"}, names); diff != "" {
		t.Errorf("containers of the node (-want +got):\n%s", diff)
	}
}

// dockerState gives all containers, networks and volumes.
func dockerState(t *testing.T) string {
	t.Helper()
	var all []string
	for _, args := range [][]string{{"ps", "-a", "-q"}, {"network", "ls", "-q"}, {"volume", "ls", "-q"}} {
		out, err := exec.Command("docker", args...).Output()
		if err != nil {
			t.Fatalf("docker %v: %v", args, err)
		}
		all = append(all, string(out))
	}
	return strings.Join(all, "\n")
}
