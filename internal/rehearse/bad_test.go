package rehearse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// configMap writes a ConfigMap with so many bytes of data.
func configMap(name string, size int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: shop}\ndata: {a: %q}\n", name, strings.Repeat("x", size))
}

// TestTooLarge holds that objects which the API server, or its store, will not take are findings, and that others are judged.
func TestTooLarge(t *testing.T) {
	needAssets(t)
	private(t)
	text := configMap("small", 1) + "---\n" + configMap("large", 900_000) + "---\n" + configMap("too-large", 5<<20)
	results, err := Run(t.Context(), Options{Provider: Envtest, Log: testLogger(t)}, []Target{{
		ID: "a", Environment: "prod", Kubernetes: "1.28", Head: objectsOf(t, "head.yaml", []byte(text)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := describe("a", results[0])
	for _, want := range []string{
		"new error ConfigMap shop/too-large", "[rehearse/refused]", "3 judged",
		"notice", "the rehearsal ran on Kubernetes 1.37, the environment has 1.28", // and that is said, too
	} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "shop/small") || strings.Contains(got, "shop/large") {
		t.Errorf("too much is refused:\n%s", got)
	}
	if len(got) > 3_000 {
		t.Errorf("%d bytes are said about it", len(got))
	}
}

// TestNoAssets holds that missing programs are one finding with what to do.
func TestNoAssets(t *testing.T) {
	private(t)
	for _, dir := range []string{t.TempDir(), ""} {
		t.Setenv(assetsVariable, dir)
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		results, err := Run(t.Context(), Options{Provider: Envtest}, []Target{{ID: "a", Environment: "dev"}, {ID: "b", Environment: "prod"}})
		if err != nil {
			t.Fatal(err)
		}
		wantUnavailable(t, results, assetsVariable)
	}
}

// TestPortTaken holds that a port which somebody takes before the API server does costs another attempt, and no more.
func TestPortTaken(t *testing.T) {
	needAssets(t)
	private(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	attempts := 0
	findPorts = func(n int) ([]int, error) {
		ports, err := freePorts(n)
		if attempts++; attempts == 1 && err == nil {
			ports[2] = taken.Addr().(*net.TCPAddr).Port
		}
		return ports, err
	}
	defer func() { findPorts = freePorts }()
	results, err := Run(t.Context(), Options{Provider: Envtest, Log: testLogger(t)}, []Target{{
		ID: "a", Environment: "prod", Kubernetes: "1.37", Head: objectsOf(t, "head.yaml", []byte(configMap("a", 1))),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := describe("a", results[0]); got != "1 judged\n" || attempts != 2 {
		t.Errorf("%d attempts: %s", attempts, got)
	}
}

// deadly is an API server that ends when an object of a certain name comes.
type deadly struct{ *local }

func (d deadly) client(ctx context.Context) (*client, error) {
	config := rest.CopyConfig(d.config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/deadly") {
				d.apiserver.kill()
			}
			return next.RoundTrip(r)
		})
	})
	return newClient(ctx, config, false)
}

type providerOf func(ctx context.Context) (server, error)

func (p providerOf) start(ctx context.Context, _, _ string) (server, error) { return p(ctx) }

// TestServerDies holds that an API server which ends midway makes the rehearsal incomplete, and says that it did.
func TestServerDies(t *testing.T) {
	needAssets(t)
	dir := private(t)
	assets, err := FindAssets("1.37")
	if err != nil {
		t.Fatal(err)
	}
	options := Options{Timeout: time.Minute, Log: testLogger(t)}
	targets := []Target{{ID: "a", Head: objectsOf(t, "head.yaml", []byte(configMap("a", 1)+"---\n"+configMap("deadly", 1)))}}
	results := make([]Result, 1)
	provider := providerOf(func(ctx context.Context) (server, error) {
		s, err := startEnvtest(ctx, assets, dir)
		if err != nil {
			return nil, err
		}
		return deadly{s.(*local)}, nil
	})
	if err := rehearseRound(t.Context(), provider, options, targets, []int{0}, results); err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, results, "kube-apiserver ended by itself")
}

// TestSlowObject holds that an object which the API server does not answer in time is a finding of its own, that the others are
// judged, and that the whole is incomplete.
func TestSlowObject(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := func(text string) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintln(w, text)
		}
		switch {
		case r.URL.Path == "/version":
			answer(`{"gitVersion":"v1.37.0"}`)
		case r.URL.Path == "/apis":
			answer(`{"kind":"APIGroupList","groups":[]}`)
		case r.URL.Path == "/api/v1":
			answer(`{"kind":"APIResourceList","resources":[{"name":"configmaps","namespaced":true,"kind":"ConfigMap"}]}`)
		case r.URL.Path == "/openapi/v3":
			answer(`{"paths":{}}`)
		case strings.HasSuffix(r.URL.Path, "/slow"):
			select {
			case <-r.Context().Done():
			case <-release:
			}
		case r.Method == http.MethodPatch:
			answer(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer api.Close()
	defer close(release)
	c, err := newClient(t.Context(), &rest.Config{Host: api.URL}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.patient = 200 * time.Millisecond
	s := newStage(c)
	s.add(Target{ID: "a", Kubernetes: "1.37", Head: objectsOf(t, "head.yaml", []byte(configMap("quick", 1)+"---\n"+configMap("slow", 1)))})
	if err := s.play(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := s.acts[0].result()
	if len(r.Head) != 1 || r.Head[0].Rule != RuleTimeout || r.Head[0].Object != "ConfigMap shop/slow" || !r.Incomplete || r.Objects != 1 {
		t.Errorf("got %s", describe("a", r))
	}
}

// TestCancelled holds that a run which is cancelled at any time ends, as cancelled, and leaves nothing.
func TestCancelled(t *testing.T) {
	needAssets(t)
	head := objectsOf(t, "head.yaml", []byte(configMap("a", 1)))
	for name, message := range map[string]string{"while it starts": "", "when it is ready": "the API server is ready"} {
		t.Run(name, func(t *testing.T) {
			private(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			log := slog.New(hook{message, cancel})
			if message == "" {
				time.AfterFunc(500*time.Millisecond, cancel)
			}
			_, err := Run(ctx, Options{Provider: Envtest, Log: log}, []Target{{ID: "a", Environment: "prod", Kubernetes: "1.37", Head: head}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// hook does something when a message is logged.
type hook struct {
	message string
	do      func()
}

func (h hook) Enabled(context.Context, slog.Level) bool { return true }
func (h hook) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h hook) WithGroup(string) slog.Handler            { return h }
func (h hook) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.do()
	}
	return nil
}

const childVariable = "SLUICE_TEST_REHEARSE_CHILD"

// child is the other side of TestKilled and TestKindKilled: a process that rehearses, says when its API server is ready, and then waits for its end.
func child() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(hook{"the API server is ready", func() {
		fmt.Println("ready")
		<-ctx.Done()
	}})
	results, err := Run(ctx, Options{Provider: Provider(os.Getenv(childVariable)), Log: log}, []Target{{ID: "a", Environment: "prod", Kubernetes: "1.37"}})
	fmt.Println(results, err)
}

// startChild starts a process that rehearses with a provider. ready waits until its API server is.
func startChild(t *testing.T, provider Provider) (command *exec.Cmd, ready func()) {
	t.Helper()
	command = exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childVariable+"="+string(provider))
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command, func() {
		t.Helper()
		if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != "ready" {
			t.Fatalf("the child says %q", lines.Text())
		}
	}
}

// TestKilled holds that neither SIGTERM nor SIGKILL leaves processes, and that what a killed run leaves of files goes with the
// next run.
func TestKilled(t *testing.T) {
	needAssets(t)
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Kill} {
		t.Run(sig.String(), func(t *testing.T) {
			dir := private(t)
			command, ready := startChild(t, Envtest)
			ready()
			if len(processesIn(dir)) < 2 {
				t.Fatalf("the child has only these processes: %v", processesIn(dir))
			}
			if err := command.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			_ = command.Wait() // it was killed
			gone, err := poll(t.Context(), 30*time.Second, func(context.Context) (bool, error) { return len(processesIn(dir)) == 0, nil })
			if err != nil || !gone {
				t.Errorf("there are still processes: %v (%v)", processesIn(dir), err)
			}
			left, _ := filepath.Glob(filepath.Join(dir, runPrefix+"*"))
			if want := map[os.Signal]int{syscall.SIGTERM: 0, os.Kill: 1}[sig]; len(left) != want {
				t.Errorf("the child left %v", left)
			}
			r, err := openRun(testLogger(t)) // which removes what is left
			if err != nil {
				t.Fatal(err)
			}
			if err := r.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRounds holds what shares an API server: an environment's targets, as far as they agree about their objects.
func TestRounds(t *testing.T) {
	t.Parallel()
	one, two := objectsOf(t, "a.yaml", []byte(configMap("a", 1))), objectsOf(t, "a.yaml", []byte(configMap("a", 2)))
	other := objectsOf(t, "b.yaml", []byte(configMap("b", 1)))
	targets := []Target{
		{Environment: "prod", Head: one}, {Environment: "dev", Head: one}, {Environment: "prod", Head: two},
		{Environment: "prod", Base: other}, {Environment: "dev", Base: one, Head: one}, {Environment: "prod", Kubernetes: "1.30", Head: other},
		{Environment: "moved", Base: one}, {Environment: "moved", Head: two}, // one object, in another target and changed: it meets itself
	}
	if got, want := fmt.Sprint(rounds(targets)), "[[1 4] [6 7] [0 3] [2] [5]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSecretsStay holds that no value of a Secret is repeated, whatever the API server says about it.
func TestSecretsStay(t *testing.T) {
	t.Parallel()
	p := piece{object: objectsOf(t, "s.yaml", []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"))[0]}
	for _, reason := range []string{"FieldValueInvalid", "FieldValueForbidden"} {
		for _, message := range []string{`Invalid value: "hunter2": must be something`, `Invalid value: {"a":"hunter2"}: field is immutable`} {
			if got := p.discreet(reason, withoutValue(message)); strings.Contains(got, "hunter2") {
				t.Errorf("%s: %s", message, got)
			}
		}
	}
}

// TestFieldPath holds how the API server's names of fields become those of findings.
func TestFieldPath(t *testing.T) {
	t.Parallel()
	o := objectsOf(t, "o.yaml", []byte(`
apiVersion: v1
kind: Thing
metadata: {name: x, annotations: {example.com/a: b}}
spec:
  containers: [{name: web, ports: [{containerPort: 80, protocol: TCP}], env: [{name: A}]}]
  list: [a, b]
`))[0]
	for field, want := range map[string]string{
		"":                               "",
		"spec":                           "spec",
		"spec.containers[0].env[0].name": "spec.containers[name=web].env[name=A].name",
		`.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].x`: "spec.containers[name=web].ports[0].x",
		"spec.list[1]":                        "spec.list[1]",
		"spec.list[7]":                        "spec.list",
		"metadata.annotations[example.com/a]": `metadata.annotations["example.com/a"]`,
		"spec.nothing.at.all":                 "spec.nothing",
	} {
		if got := fieldPath(o.Value(), field); got != want {
			t.Errorf("%s: got %s, want %s", field, got, want)
		}
	}
}
