package rehearse

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/sluice-dev/sluice/internal/finding"
)

// TestKubeconfigRights proves the verbs that docs/rehearsal.md names: a ServiceAccount that has these, of the kinds that are rendered, and
// nothing else can rehearse all of a change; without any one of them something is not judged, and said so.
func TestKubeconfigRights(t *testing.T) {
	s := startServer(t)
	c, err := s.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const there = `{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: stays, namespace: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: goes, namespace: shop}}
`
	live := objectsOf(t, "live.yaml", []byte(there))
	for _, o := range live {
		applyAs(t, c, "argocd-controller", o)
	}
	applyAs(t, c, "admin", objectsOf(t, "ci.yaml", []byte("{apiVersion: v1, kind: Namespace, metadata: {name: ci}}"))[0])
	head := objectsOf(t, "head.yaml", []byte(`{apiVersion: v1, kind: ConfigMap, metadata: {name: stays, namespace: shop}, data: {a: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: comes, namespace: shop}}
`))
	verbs := []string{"create", "delete", "get", "patch"}
	for _, missing := range append([]string{""}, verbs...) {
		granted := slices.DeleteFunc(slices.Clone(verbs), func(verb string) bool { return verb == missing })
		t.Run("without "+missing, func(t *testing.T) {
			t.Setenv("KUBECONFIG", s.serviceAccount(t, c, "no-"+missing+"x", granted))
			results, err := Run(t.Context(), Options{Provider: Kubeconfig, Log: testLogger(t)}, []Target{{ID: "shop", Environment: "prod", Base: live[1:], Head: head}})
			if err != nil {
				t.Fatal(err)
			}
			r := results[0]
			if missing == "" {
				if got := describe("shop", r); got != "2 judged, 1 removed\n" {
					t.Errorf("with all of the verbs: %s", got)
				}
				return
			}
			refused := func(f finding.Finding) bool {
				return f.Rule == RuleUnavailable && strings.Contains(f.Message, "cannot "+missing+` resource "configmaps"`)
			}
			if !r.Incomplete || !slices.ContainsFunc(slices.Concat(r.Head, r.Gone), refused) {
				t.Errorf("without %s: %s", missing, describe("shop", r))
			}
		})
	}
}

// serviceAccount makes a ServiceAccount that may do some things with ConfigMaps and nothing else, and gives a kubeconfig for it.
func (s *local) serviceAccount(t *testing.T, c *client, name string, verbs []string) (kubeconfig string) {
	t.Helper()
	for _, o := range objectsOf(t, "account.yaml", fmt.Appendf(nil, `{apiVersion: v1, kind: ServiceAccount, metadata: {name: %[1]s, namespace: ci}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: %[1]s}, rules: [{apiGroups: [""], resources: [configmaps], verbs: [%[2]s]}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[1]s}
subjects: [{kind: ServiceAccount, name: %[1]s, namespace: ci}]
`, name, strings.Join(verbs, ", "))) {
		applyAs(t, c, "admin", o)
	}
	create := func(group, name, namespace string, object map[string]any, subresources ...string) map[string]any {
		gvr := schema.GroupVersionResource{Group: group, Version: "v1", Resource: name}
		door := c.at(resource{gvr, namespace != ""}, namespace)
		out, err := door.Create(t.Context(), &unstructured.Unstructured{Object: object}, metav1.CreateOptions{}, subresources...)
		if err != nil {
			t.Fatal(err)
		}
		return out.Object
	}
	token, _, err := unstructured.NestedString(create("", "serviceaccounts", "ci", map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": map[string]any{"name": name},
	}, "token"), "status", "token")
	if err != nil || token == "" {
		t.Fatalf("no token: %v", err)
	}
	for _, verb := range verbs { // a role takes a moment
		allowed, err := poll(t.Context(), establishTimeout, func(context.Context) (bool, error) {
			review := create("authorization.k8s.io", "subjectaccessreviews", "", map[string]any{
				"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": map[string]any{
					"user": "system:serviceaccount:ci:" + name, "resourceAttributes": map[string]any{"verb": verb, "resource": "configmaps", "namespace": "shop"},
				},
			})
			yes, _, err := unstructured.NestedBool(review, "status", "allowed")
			return yes, err
		})
		if err != nil || !allowed {
			t.Fatalf("%s may not %s: %v", name, verb, err)
		}
	}
	kubeconfig = filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: s.config.Host, CertificateAuthority: s.config.CAFile}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": {Token: token}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	}, kubeconfig); err != nil {
		t.Fatal(err)
	}
	return kubeconfig
}
