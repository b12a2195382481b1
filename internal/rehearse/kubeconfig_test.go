package rehearse

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// startServer gives a test an API server of its own.
func startServer(t *testing.T) *local {
	t.Helper()
	needAssets(t)
	assets, err := FindAssets(minorOf(AssetsKubernetes))
	if err != nil {
		t.Fatal(err)
	}
	s, err := startEnvtest(t.Context(), assets, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s.(*local)
}

// TestKubeconfigNeverWrites asks a cluster about a change, and then compares all that the cluster holds with what it held before.
func TestKubeconfigNeverWrites(t *testing.T) {
	s := startServer(t)
	c, err := s.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	live := objectsOf(t, "live.yaml", read(t, "live.yaml"))
	for _, o := range live {
		applyAs(t, c, "argocd-controller", o)
	}
	applyAs(t, c, "scaler", objectsOf(t, "scaler.yaml", read(t, "scaler.yaml"))[0])
	for _, o := range live {
		if o.ID.Name == "ending" { // without a controller, it is terminating for ever
			r, _, err := c.resource(t.Context(), "", "v1", "Namespace")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.remove(t.Context(), r, o.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	maps, _, err := c.resource(t.Context(), "", "v1", "ConfigMap")
	if err != nil {
		t.Fatal(err)
	}
	guarded, err := poll(t.Context(), establishTimeout, func(ctx context.Context) (bool, error) { // by the policy, which takes a moment
		return c.tryRemove(ctx, maps, manifest.ID{Namespace: "shop", Name: "guarded"}) != nil, nil
	})
	if err != nil || !guarded {
		t.Fatalf("the policy does not judge: %v", err)
	}
	before := everything(t, c)
	for { // until the API server has made what it makes for itself
		time.Sleep(500 * time.Millisecond)
		again := everything(t, c)
		if cmp.Equal(before, again) {
			break
		}
		before = again
	}

	kubeconfig := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:  map[string]*clientcmdapi.Cluster{"c": {Server: s.config.Host, CertificateAuthority: s.config.CAFile}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"u": {Token: s.config.BearerToken}},
		Contexts:  map[string]*clientcmdapi.Context{"admin@prod": {Cluster: "c", AuthInfo: "u"}},
	}, kubeconfig); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", kubeconfig)
	results, err := Run(t.Context(), Options{Provider: Kubeconfig, Contexts: map[string]string{"prod": "admin@prod"}, Log: testLogger(t)}, []Target{{
		ID: "shop", Environment: "prod", Kubernetes: minorOf(AssetsKubernetes),
		Base: objectsOf(t, "base.yaml", read(t, "base.yaml")), Head: objectsOf(t, "head.yaml", read(t, "head.yaml")),
	}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "want.txt", describe("shop", results[0]))
	if diff := cmp.Diff(before, everything(t, c)); diff != "" {
		t.Errorf("the cluster has changed:\n%s", diff)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "live", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// golden compares a text with a file of testdata/live.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "live", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, name)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// applyAs stores an object as somebody else does.
func applyAs(t *testing.T, c *client, manager string, o *manifest.Object) {
	t.Helper()
	r, ok, err := c.resource(t.Context(), o.ID.Group, o.Version, o.ID.Kind)
	if err != nil || !ok {
		t.Fatalf("%s: %v", o.ID, err)
	}
	body, err := json.Marshal(o.Value())
	if err != nil {
		t.Fatal(err)
	}
	force := true
	if _, err := c.at(r, o.ID.Namespace).Patch(t.Context(), o.ID.Name, types.ApplyPatchType, body,
		metav1.PatchOptions{FieldManager: manager, Force: &force}); err != nil {
		t.Fatal(err)
	}
}

// everything gives all objects of all kinds that a cluster holds, as the API server gives them, but for the leases by which its
// parts say every few seconds that they live.
func everything(t *testing.T, c *client) map[string]string {
	t.Helper()
	ctx := context.Background()
	var groups metav1.APIGroupList
	if err := c.get(ctx, "/apis", &groups); err != nil {
		t.Fatal(err)
	}
	paths := []string{"/api/v1"}
	for _, group := range groups.Groups {
		paths = append(paths, "/apis/"+group.PreferredVersion.GroupVersion)
	}
	all := make(map[string]string)
	for _, path := range paths {
		var list metav1.APIResourceList
		if err := c.get(ctx, path, &list); err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if strings.Contains(r.Name, "/") || !strings.Contains(fmt.Sprint(r.Verbs), "list") || r.Name == "leases" {
				continue
			}
			var objects struct{ Items []json.RawMessage }
			if err := c.get(ctx, path+"/"+r.Name, &objects); err != nil {
				t.Fatal(err)
			}
			for _, o := range objects.Items {
				var id struct {
					Metadata struct{ Namespace, Name string }
				}
				if err := json.Unmarshal(o, &id); err != nil {
					t.Fatal(err)
				}
				all[path+"/"+r.Name+" "+id.Metadata.Namespace+"/"+id.Metadata.Name] = string(o)
			}
		}
	}
	if len(all) < 50 {
		t.Fatalf("only %d objects: this is no cluster", len(all))
	}
	return all
}

// TestReadOnly holds that what would write does not leave the program, whatever asks for it.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	passed := 0
	guard := readOnly{roundTripper(func(*http.Request) (*http.Response, error) {
		passed++
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})}
	for _, test := range []struct {
		method, query string
		passes        bool
	}{
		{http.MethodGet, "", true},
		{http.MethodPatch, "?dryRun=All", true},
		{http.MethodPost, "?fieldValidation=Strict&dryRun=All", true},
		{http.MethodPatch, "", false},
		{http.MethodPatch, "?dryRun=", false},
		{http.MethodPatch, "?dryRun=None", false},
		{http.MethodPost, "?dryRun=All&dryRun=None", false},
		{http.MethodDelete, "", false},
		{http.MethodPut, "?dry-run=All", false},
	} {
		passed = 0
		request, err := http.NewRequestWithContext(t.Context(), test.method, "https://example.invalid/api/v1/pods"+test.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := guard.RoundTrip(request)
		if err == nil {
			response.Body.Close()
		}
		if (err == nil) != test.passes || (passed == 1) != test.passes {
			t.Errorf("%s %q: passed %d times, error %v", test.method, test.query, passed, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestLiveAnswers holds what answers of a live cluster mean that a throw-away one does not give.
func TestLiveAnswers(t *testing.T) {
	t.Parallel()
	p := piece{object: objectsOf(t, "a.yaml", []byte(configMap("a", 1)))[0]}
	status := func(code int32, reason metav1.StatusReason, message string) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}}
	}
	for _, test := range []struct {
		name string
		err  error
		want judgement
	}{
		{"a webhook with side effects", status(400, metav1.StatusReasonBadRequest, `admission webhook "a.example.com" does not support dry run`), judgement{leftOut: whyNoDryRun}},
		{"no namespace yet", status(404, metav1.StatusReasonNotFound, `namespaces "shop" not found`), judgement{leftOut: whyNamespace}},
		{"no permission", status(403, metav1.StatusReasonForbidden, `configmaps "a" is forbidden: User "ci" cannot patch resource "configmaps"`),
			judgement{mute: true, findings: finding.List{p.finding(RuleUnavailable, "", `the user of the kubeconfig may not try this in the cluster: configmaps "a" is forbidden: User "ci" cannot patch resource "configmaps"`)}}},
		{"an admission that refuses", status(403, metav1.StatusReasonForbidden, "not here"), judgement{findings: finding.List{p.finding(RuleRefused, "", refusesObject+"not here")}}},
	} {
		got, err := answer(test.err, p, true, true)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(judgement{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if _, err := answer(status(401, metav1.StatusReasonUnauthorized, "Unauthorized"), p, true, true); err == nil {
		t.Error("credentials that are not valid are no reason to end")
	}
}

// TestNoCluster holds that a kubeconfig that leads nowhere is one clear finding.
func TestNoCluster(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("KUBECONFIG", filepath.Join(dir, "missing"))
	t.Setenv("HOME", dir)
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	targets := []Target{{ID: "a", Environment: "prod"}, {ID: "b", Environment: "prod"}}
	results, err := Run(t.Context(), Options{Provider: Kubeconfig}, targets)
	if err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, results, "KUBECONFIG")

	other := &existing{&rest.Config{Host: "https://127.0.0.1:1"}}
	if _, err := other.client(t.Context()); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("a cluster that is not there: %v", err)
	}
}

// wantUnavailable demands that no target was judged, each with one finding that holds some words.
func wantUnavailable(t *testing.T, results []Result, words string) {
	t.Helper()
	for _, r := range results {
		if !r.Incomplete || len(r.Head) != 1 || r.Head[0].Rule != RuleUnavailable || !strings.Contains(r.Head[0].Message, words) {
			t.Errorf("want one finding about %q, got %+v", words, r)
		}
	}
	if len(results) == 0 {
		t.Error("there are no results")
	}
}
