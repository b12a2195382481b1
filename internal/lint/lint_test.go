package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/lint"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// object writes a manifest: its kind, then further lines.
func object(apiVersion, kind, rest string) string {
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: x}\n%s\n", apiVersion, kind, rest)
}

func annotated(apiVersion, kind, annotation, rest string) string {
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: x, annotations: {%s}}\n%s\n", apiVersion, kind, annotation, rest)
}

func deployment(rest string) string { return object("apps/v1", "Deployment", rest) }

// pods writes a Deployment with one container.
func pods(container string) string {
	return deployment("spec: {template: {spec: {containers: [{name: c, " + container + "}]}}}")
}

const rbac = "rbac.authorization.k8s.io/v1"

// Each case is an object on base and on head ("" where a side has none) and what is to be found: "severity rule path", a line each.
var cases = []struct{ name, base, head, want string }{
	// What the API server refuses.
	{"selector", deployment("spec: {selector: {matchLabels: {app: a}}}"), deployment("spec: {selector: {matchLabels: {app: b}}}"),
		"error lint/immutable-field spec.selector"},
	{"same selector, another field", deployment("spec: {selector: {matchLabels: {a: a, b: b}}}"), deployment("spec: {paused: true, selector: {matchLabels: {b: b, a: a}}}"), ""},
	{"daemon set", object("apps/v1", "DaemonSet", "spec: {selector: {matchLabels: {app: a}}}"), object("apps/v1", "DaemonSet", "spec: {selector: {matchLabels: {app: b}}}"),
		"error lint/immutable-field spec.selector"},
	{"claim templates", object("apps/v1", "StatefulSet", "spec: {volumeClaimTemplates: [{metadata: {name: d}, spec: {resources: {requests: {storage: 1Gi}}}}]}"),
		object("apps/v1", "StatefulSet", "spec: {volumeClaimTemplates: [{metadata: {name: d}, spec: {resources: {requests: {storage: 2Gi}}}}]}"),
		"error lint/immutable-field spec.volumeClaimTemplates"},
	{"claim templates that mean the same", object("apps/v1", "StatefulSet", "spec: {replicas: 1, volumeClaimTemplates: [{spec: {resources: {requests: {storage: 1Gi}}}}]}"),
		object("apps/v1", "StatefulSet", "spec: {replicas: 2, volumeClaimTemplates: [{spec: {resources: {requests: {storage: 1024Mi}}}}]}"), ""},
	{"a default written out", object("apps/v1", "StatefulSet", "spec: {replicas: 1}"), object("apps/v1", "StatefulSet", "spec: {replicas: 1, podManagementPolicy: OrderedReady}"), ""},
	{"another than the default", object("apps/v1", "StatefulSet", "spec: {replicas: 1}"), object("apps/v1", "StatefulSet", "spec: {replicas: 1, podManagementPolicy: Parallel}"),
		"error lint/immutable-field spec.podManagementPolicy"},
	{"service name taken away", object("apps/v1", "StatefulSet", "spec: {serviceName: a}"), object("apps/v1", "StatefulSet", "spec: {replicas: 2}"),
		"error lint/immutable-field spec.serviceName"},
	{"cluster IP", object("v1", "Service", "spec: {clusterIP: 10.0.0.1}"), object("v1", "Service", "spec: {clusterIP: 10.0.0.2}"),
		"error lint/immutable-field spec.clusterIP"},
	{"service becomes headless", object("v1", "Service", "spec: {type: ClusterIP}"), object("v1", "Service", "spec: {clusterIP: None}"),
		"error lint/immutable-field spec.clusterIP"},
	{"cluster IP no longer said: the API server keeps it", object("v1", "Service", "spec: {clusterIP: 10.0.0.1}"), object("v1", "Service", "spec: {type: ClusterIP}"), ""},
	{"external name forgets its IP", object("v1", "Service", "spec: {clusterIP: 10.0.0.1}"), object("v1", "Service", "spec: {type: ExternalName, clusterIP: None}"), ""},
	{"class of a load balancer", object("v1", "Service", "spec: {type: LoadBalancer}"), object("v1", "Service", "spec: {type: LoadBalancer, loadBalancerClass: a/b}"),
		"error lint/immutable-field spec.loadBalancerClass"},
	{"role of a binding", object(rbac, "RoleBinding", "roleRef: {kind: Role, name: a}"), object(rbac, "RoleBinding", "roleRef: {kind: Role, name: b}"),
		"error lint/immutable-field roleRef.name"},
	{"group of a role written out", object(rbac, "RoleBinding", "roleRef: {kind: Role, name: a}"), object(rbac, "RoleBinding", "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}"), ""},
	{"job template", object("batch/v1", "Job", "spec: {template: {spec: {containers: [{name: c, command: [a]}]}}}"), object("batch/v1", "Job", "spec: {template: {spec: {containers: [{name: c, command: [b]}]}}}"),
		"error lint/immutable-field spec.template"},
	{"program of a suspended job", object("batch/v1", "Job", "spec: {suspend: true, template: {spec: {containers: [{name: c, image: a}]}}}"), object("batch/v1", "Job", "spec: {template: {spec: {containers: [{name: c, image: b}]}}}"),
		"error lint/immutable-field spec.template"},
	{"place of a suspended job", object("batch/v1", "Job", "spec: {suspend: true, template: {spec: {containers: [{name: c, image: a}]}}}"),
		object("batch/v1", "Job", "spec: {template: {metadata: {labels: {a: a}}, spec: {nodeSelector: {a: a}, tolerations: [{key: a}], containers: [{name: c, image: a, resources: {requests: {cpu: 1}}}]}}}"), ""},
	{"place of a job that runs", object("batch/v1", "Job", "spec: {template: {spec: {containers: [{name: c, image: a}]}}}"), object("batch/v1", "Job", "spec: {template: {spec: {nodeSelector: {a: a}, containers: [{name: c, image: a}]}}}"),
		"error lint/immutable-field spec.template"},
	{"image of a pod", object("v1", "Pod", "spec: {containers: [{name: c, image: a}]}"), object("v1", "Pod", "spec: {containers: [{name: c, image: b}]}"), ""},
	{"command of a pod", object("v1", "Pod", "spec: {containers: [{name: c, command: [a]}]}"), object("v1", "Pod", "spec: {containers: [{name: c, command: [b]}]}"), "error lint/immutable-field spec.containers"},
	{"one more container in a pod", object("v1", "Pod", "spec: {containers: [{name: c}]}"), object("v1", "Pod", "spec: {containers: [{name: c}, {name: d}]}"), "error lint/immutable-field spec.containers"},
	{"account of a pod", object("v1", "Pod", "spec: {serviceAccountName: a}"), object("v1", "Pod", "spec: {serviceAccountName: b}"), "error lint/immutable-field spec.serviceAccountName"},
	{"a default of a pod written out", object("v1", "Pod", "spec: {containers: []}"), object("v1", "Pod", "spec: {restartPolicy: Always, terminationGracePeriodSeconds: 30, containers: []}"), ""},
	{"policy of a pod", object("v1", "Pod", "spec: {containers: []}"), object("v1", "Pod", "spec: {restartPolicy: Never, containers: []}"), "error lint/immutable-field spec.restartPolicy"},
	{"one more toleration of a pod", object("v1", "Pod", "spec: {tolerations: [{key: a}]}"), object("v1", "Pod", "spec: {tolerations: [{key: b}, {key: a}]}"), ""},
	{"one toleration of a pod less", object("v1", "Pod", "spec: {tolerations: [{key: a}]}"), object("v1", "Pod", "spec: {tolerations: []}"), "error lint/immutable-field spec.tolerations"},
	{"a pod gets a deadline", object("v1", "Pod", "spec: {containers: []}"), object("v1", "Pod", "spec: {activeDeadlineSeconds: 9, containers: []}"), ""},
	{"deadline of a pod", object("v1", "Pod", "spec: {activeDeadlineSeconds: 9}"), object("v1", "Pod", "spec: {activeDeadlineSeconds: 10}"), "error lint/immutable-field spec.activeDeadlineSeconds"},
	{"place of a pod", object("v1", "Pod", "spec: {nodeSelector: {a: a}}"), object("v1", "Pod", "spec: {nodeSelector: {a: b}}"), "error lint/immutable-field spec.nodeSelector"},
	{"place of a pod that is gated", object("v1", "Pod", "spec: {schedulingGates: [{name: g}], nodeSelector: {a: a}}"), object("v1", "Pod", "spec: {nodeSelector: {a: a, b: b}}"), ""},
	{"labels of a pod", object("v1", "Pod", "spec: {containers: []}"), annotated("v1", "Pod", "a: a", "spec: {containers: []}"), ""},
	{"first family of a service", object("v1", "Service", "spec: {ipFamilies: [IPv4]}"), object("v1", "Service", "spec: {ipFamilies: [IPv6, IPv4]}"), "error lint/immutable-field spec.ipFamilies"},
	{"second family of a service", object("v1", "Service", "spec: {ipFamilies: [IPv4]}"), object("v1", "Service", "spec: {ipFamilies: [IPv4, IPv6]}"), ""},
	{"families of a headless service", object("v1", "Service", "spec: {clusterIP: None, ipFamilies: [IPv4]}"), object("v1", "Service", "spec: {clusterIP: None, ipFamilies: [IPv6]}"), ""},
	{"template of a job that Argo CD runs as a hook", annotated("batch/v1", "Job", "argocd.argoproj.io/hook: PreSync", "spec: {template: {a: a}}"), annotated("batch/v1", "Job", "argocd.argoproj.io/hook: PreSync", "spec: {template: {a: b}}"),
		"warning lint/immutable-field spec.template"},
	{"template of a job that Flux replaces", annotated("batch/v1", "Job", "kustomize.toolkit.fluxcd.io/force: Enabled", "spec: {template: {a: a}}"), annotated("batch/v1", "Job", "kustomize.toolkit.fluxcd.io/force: Enabled", "spec: {template: {a: b}}"),
		"warning lint/immutable-field spec.template"},
	{"replace without force", annotated("batch/v1", "Job", "argocd.argoproj.io/sync-options: Replace=true", "spec: {template: {a: a}}"), annotated("batch/v1", "Job", "argocd.argoproj.io/sync-options: Replace=true", "spec: {template: {a: b}}"),
		"error lint/immutable-field spec.template"},
	{"completions", object("batch/v1", "Job", "spec: {completions: 1}"), object("batch/v1", "Job", "spec: {completions: 2}"), "error lint/immutable-field spec.completions"},
	{"completions of an indexed job", object("batch/v1", "Job", "spec: {completionMode: Indexed, completions: 1}"), object("batch/v1", "Job", "spec: {completionMode: Indexed, completions: 2}"), ""},
	{"template of a cron job may change", object("batch/v1", "CronJob", "spec: {jobTemplate: {spec: {template: {a: a}}}}"), object("batch/v1", "CronJob", "spec: {jobTemplate: {spec: {template: {a: b}}}}"), ""},
	{"sealed config map", object("v1", "ConfigMap", "immutable: true\ndata: {a: a}"), object("v1", "ConfigMap", "immutable: true\ndata: {a: b}"), "error lint/immutable-field data"},
	{"unsealed", object("v1", "ConfigMap", "immutable: true\ndata: {a: a}"), object("v1", "ConfigMap", "data: {a: a}"), "error lint/immutable-field immutable"},
	{"sealed from now on", object("v1", "ConfigMap", "data: {a: a}"), object("v1", "ConfigMap", "immutable: true\ndata: {a: b}"), ""},
	{"sealed secret", object("v1", "Secret", "immutable: true\ndata: {a: YQ==}"), object("v1", "Secret", "immutable: true\ndata: {a: Yg==}"), "error lint/immutable-field data"},
	{"type of a secret", object("v1", "Secret", "type: Opaque"), object("v1", "Secret", "type: kubernetes.io/tls"), "error lint/immutable-field type"},
	{"class of a claim", object("v1", "PersistentVolumeClaim", "spec: {storageClassName: a}"), object("v1", "PersistentVolumeClaim", "spec: {storageClassName: b}"), "error lint/immutable-field spec.storageClassName"},
	{"class of a claim said for the first time", object("v1", "PersistentVolumeClaim", "spec: {volumeMode: Filesystem}"), object("v1", "PersistentVolumeClaim", "spec: {storageClassName: b}"), ""},
	{"claim grows", object("v1", "PersistentVolumeClaim", "spec: {resources: {requests: {storage: 1Gi}}}"), object("v1", "PersistentVolumeClaim", "spec: {resources: {requests: {storage: 2Gi}}}"), ""},
	{"claim shrinks", object("v1", "PersistentVolumeClaim", "spec: {resources: {requests: {storage: 1Gi}}}"), object("v1", "PersistentVolumeClaim", "spec: {resources: {requests: {storage: 1000Mi}}}"),
		"error lint/storage-shrunk spec.resources.requests.storage"},
	{"volume lies elsewhere", object("v1", "PersistentVolume", "spec: {nfs: {path: /a}}"), object("v1", "PersistentVolume", "spec: {hostPath: {path: /a}}"),
		"error lint/immutable-field spec.hostPath\nerror lint/immutable-field spec.nfs"},
	{"storage class", object("storage.k8s.io/v1", "StorageClass", "provisioner: a\nparameters: {type: a}"), object("storage.k8s.io/v1", "StorageClass", "provisioner: a\nreclaimPolicy: Retain\nparameters: {type: b}"),
		"error lint/immutable-field parameters\nerror lint/immutable-field reclaimPolicy"},
	{"default of a list", object("storage.k8s.io/v1", "CSIDriver", "spec: {podInfoOnMount: true}"), object("storage.k8s.io/v1", "CSIDriver", "spec: {volumeLifecycleModes: [Persistent]}"), ""},
	{"ingress class", object("networking.k8s.io/v1", "IngressClass", "spec: {controller: a}"), object("networking.k8s.io/v1", "IngressClass", "spec: {controller: b}"), "error lint/immutable-field spec.controller"},
	{"priority", object("scheduling.k8s.io/v1", "PriorityClass", "value: 1"), object("scheduling.k8s.io/v1", "PriorityClass", "value: 2"), "error lint/immutable-field value"},
	{"scope of a custom resource", object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {scope: Namespaced}"), object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {scope: Cluster}"), "error lint/immutable-field spec.scope"},
	{"names of a custom resource", object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {group: a.example.com, names: {kind: A, plural: as}}"),
		object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {group: b.example.com, names: {kind: B, plural: bs}}"),
		"error lint/immutable-field spec.group\nerror lint/immutable-field spec.names.kind\nerror lint/immutable-field spec.names.plural"},
	{"short names of a custom resource", object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {names: {kind: A, shortNames: [a]}}"),
		object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {names: {kind: A, shortNames: [aa]}}"), ""},
	{"version of a custom resource gone", object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {versions: [{name: v1, served: true}, {name: v1beta1, served: true}]}"),
		object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {versions: [{name: v1, served: true}]}"), "warning lint/crd-version-removed spec.versions"},
	{"version of a custom resource added", object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {versions: [{name: v1, served: true}]}"),
		object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {versions: [{name: v1, served: true}, {name: v2, served: true}]}"), ""},
	{"kind of a role", object(rbac, "ClusterRoleBinding", "roleRef: {kind: ClusterRole, name: a}"), object(rbac, "ClusterRoleBinding", "roleRef: {kind: Role, name: a}"), "error lint/immutable-field roleRef.kind"},
	{"a kind of another group with the same name", object("example.com/v1", "Deployment", "spec: {selector: a}"), object("example.com/v1", "Deployment", "spec: {selector: b}"), ""},

	// What deletes data or access.
	{"claim removed", object("v1", "PersistentVolumeClaim", "spec: {}"), "", "warning lint/volume-removed"},
	{"claim renamed", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x-a}\nspec: {a: a, b: b, c: c}\n", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x-b}\nspec: {a: a, b: b, c: c}\n", "warning lint/volume-removed"},
	{"claim that Argo CD keeps", annotated("v1", "PersistentVolumeClaim", "'argocd.argoproj.io/sync-options': 'ServerSideApply=true,Prune=false'", ""), "", "notice lint/volume-removed"},
	{"claim that Flux keeps", annotated("v1", "PersistentVolumeClaim", "kustomize.toolkit.fluxcd.io/prune: disabled", ""), "", "notice lint/volume-removed"},
	{"stateful set removed", object("apps/v1", "StatefulSet", "spec: {}"), "", "warning lint/statefulset-removed"},
	{"namespace removed", object("v1", "Namespace", ""), "", "warning lint/namespace-removed"},
	{"custom resource definition removed", object("apiextensions.k8s.io/v1", "CustomResourceDefinition", ""), "", "warning lint/crd-removed"},
	{"version no longer served", object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {versions: [{name: v1, served: true}, {name: v1beta1, served: true}]}"),
		object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {versions: [{name: v1, served: true}, {name: v1beta1, served: false}]}"), "warning lint/crd-version-removed spec.versions"},
	{"secret removed", object("v1", "Secret", "data: {a: YQ==}"), "", "warning lint/secret-removed"},
	{"generated secret with another hash", "apiVersion: v1\nkind: Secret\nmetadata: {name: x-6ct58987ht}\ndata: {a: YQ==}\n", "apiVersion: v1\nkind: Secret\nmetadata: {name: x-9ct58987hk}\ndata: {a: Yg==}\n", ""},
	{"sealed secret removed", object("bitnami.com/v1alpha1", "SealedSecret", ""), "", "warning lint/secret-removed"},
	{"service account removed", object("v1", "ServiceAccount", ""), "", "notice lint/access-removed"},
	{"network policy removed", object("networking.k8s.io/v1", "NetworkPolicy", ""), "", "warning lint/network-policy-removed"},
	{"deployment removed", deployment(""), "", ""},
	{"volume no longer retained", object("v1", "PersistentVolume", "spec: {persistentVolumeReclaimPolicy: Retain}"), object("v1", "PersistentVolume", "spec: {persistentVolumeReclaimPolicy: Delete}"),
		"warning lint/retention-lost spec.persistentVolumeReclaimPolicy"},
	{"claims no longer retained", object("apps/v1", "StatefulSet", "spec: {replicas: 1}"), object("apps/v1", "StatefulSet", "spec: {persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}}"),
		"warning lint/retention-lost spec.persistentVolumeClaimRetentionPolicy.whenScaled"},

	// What gives power.
	{"cluster admin", "", object(rbac, "ClusterRoleBinding", "roleRef: {kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: User, name: a}]"), "warning lint/cluster-admin subjects"},
	{"one more administrator", object(rbac, "ClusterRoleBinding", "roleRef: {kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: User, name: a}]"),
		object(rbac, "ClusterRoleBinding", "roleRef: {kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: User, name: a}, {kind: ServiceAccount, namespace: n, name: b}]"), "warning lint/cluster-admin subjects"},
	{"one administrator less", object(rbac, "ClusterRoleBinding", "roleRef: {kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: User, name: a}, {kind: User, name: b}]"),
		object(rbac, "ClusterRoleBinding", "roleRef: {kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: User, name: a}]"), ""},
	{"a role of the same name", "", object(rbac, "RoleBinding", "roleRef: {kind: Role, name: cluster-admin}\nsubjects: [{kind: User, name: a}]"), ""},
	{"wildcard role", object(rbac, "Role", "rules: [{apiGroups: ['*'], resources: [pods], verbs: ['*']}]"), object(rbac, "Role", "rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]"), "warning lint/wildcard-role rules"},
	{"privileged", pods("image: a"), pods("image: a, securityContext: {privileged: true}"), "warning lint/privileged spec.template.spec.containers[name=c].securityContext.privileged"},
	{"was privileged already", pods("image: a:1.0, securityContext: {privileged: true}"), pods("image: a:1.1, securityContext: {privileged: true}"), ""},
	{"privileged from the start", "", pods("image: a, securityContext: {privileged: true}"), "warning lint/privileged spec.template.spec.containers[name=c].securityContext.privileged"},
	{"privileged cron job", "", object("batch/v1", "CronJob", "spec: {jobTemplate: {spec: {template: {spec: {initContainers: [{name: i, securityContext: {privileged: true}}]}}}}}"),
		"warning lint/privileged spec.jobTemplate.spec.template.spec.initContainers[name=i].securityContext.privileged"},
	{"host network", deployment("spec: {template: {spec: {containers: []}}}"), deployment("spec: {template: {spec: {hostNetwork: true, containers: []}}}"), "warning lint/host-access spec.template.spec.hostNetwork"},
	{"host path and port", "", deployment("spec: {template: {spec: {volumes: [{name: v, hostPath: {path: /var}}], containers: [{name: c, ports: [{containerPort: 1, hostPort: 80}]}]}}}"),
		"warning lint/host-access spec.template.spec.volumes[name=v].hostPath\nwarning lint/host-access spec.template.spec.containers[name=c].ports"},

	// What starts, stops or opens.
	{"load balancer", object("v1", "Service", "spec: {ports: [{port: 80}]}"), object("v1", "Service", "spec: {type: LoadBalancer}"), "warning lint/service-exposed spec.type"},
	{"node port from the start", "", object("v1", "Service", "spec: {type: NodePort}"), "warning lint/service-exposed spec.type"},
	{"load balancer becomes a node port", object("v1", "Service", "spec: {type: LoadBalancer}"), object("v1", "Service", "spec: {type: NodePort}"), ""},
	{"scaled to zero", deployment("spec: {replicas: 2, template: {spec: {containers: []}}}"), deployment("spec: {replicas: 0, template: {spec: {containers: []}}}"), "warning lint/scaled-to-zero spec.replicas"},
	{"major version", pods("image: r.io:5000/postgres:15-alpine"), pods("image: r.io:5000/postgres:16-alpine"), "warning lint/major-version spec.template.spec.containers[name=c].image"},
	{"minor version", pods("image: a:v1.2.3"), pods("image: a:v1.3.0"), ""},
	{"downgrade", pods("image: a:v1.10.0"), pods("image: a:v1.9.9"), "notice lint/image-downgrade spec.template.spec.containers[name=c].image"},
	{"back to a candidate", pods("image: a:1.0.0"), pods("image: a:1.0.0-rc1"), "notice lint/image-downgrade spec.template.spec.containers[name=c].image"},
	{"another variant", pods("image: a:1.0.0-bookworm"), pods("image: a:1.0.0-alpine"), ""},
	{"calendar versions", pods("image: a:2024.1"), pods("image: a:2025.1"), ""},
	{"build numbers", pods("image: a:4711"), pods("image: a:4712"), ""},
	{"commits", pods("image: a:9f8e7d6"), pods("image: a:1a2b3c4"), ""},
	{"another program", pods("image: a:1.0"), pods("image: b:2.0"), ""},
	{"more exact", pods("image: a:1.2.3"), pods("image: a:1.2"), ""},
}

func TestCheck(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, c := range cases {
		var got []string
		for _, change := range changes(t, c.base, c.head) {
			for _, f := range lint.Check(change) {
				seen[f.Rule] = true
				got = append(got, strings.TrimSpace(f.Severity.String()+" "+f.Rule+" "+f.Path))
				if f.Message == "" || f.File != "file.yaml" || f.Object == "" {
					t.Errorf("%s: incomplete finding %+v", c.name, f)
				}
			}
		}
		if d := cmp.Diff(c.want, strings.Join(got, "\n")); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
	for _, rule := range lint.Rules() {
		if !seen[rule.ID] && rule.ID != "lint/unproven-image" {
			t.Errorf("no case breaks %s", rule.ID)
		}
	}
}

func changes(t *testing.T, base, head string) []diff.Change {
	t.Helper()
	return diff.Sets(parse(t, base), parse(t, head), diff.Options{})
}

func parse(t *testing.T, text string) []*manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse("file.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatalf("%s: %s", text, problems)
	}
	return objects
}

func TestUnproven(t *testing.T) {
	t.Parallel()
	earlier := make(map[string]bool)
	lint.Images(earlier, parse(t, pods("image: dev.example.com/shop/web:1.5.0")))
	for head, want := range map[string]string{
		"prod.example.com/web:1.5.0":               "",
		"prod.example.com/web:1.6.0":               "spec.template.spec.containers[name=c].image",
		"prod.example.com/web:1.5.0@sha256:abcdef": "spec.template.spec.containers[name=c].image",
	} {
		for _, c := range changes(t, pods("image: prod.example.com/web:1.4.0"), pods("image: "+head)) {
			if !lint.BringsImage(c) {
				t.Errorf("%s: brings no image", head)
			}
			got := ""
			for _, f := range lint.Unproven(c, earlier) {
				got += f.Path
				if f.Rule != "lint/unproven-image" || f.Severity != finding.Warning {
					t.Errorf("%s: %+v", head, f)
				}
			}
			if got != want {
				t.Errorf("%s: %q, want %q", head, got, want)
			}
		}
	}
}

// TestSecrets holds findings to tell no value of a Secret.
func TestSecrets(t *testing.T) {
	t.Parallel()
	base := object("v1", "Secret", "immutable: true\nstringData: {a: hunter2}")
	head := object("v1", "Secret", "immutable: true\ntype: b\nstringData: {a: hunter3}")
	for _, c := range append(changes(t, base, head), changes(t, base, "")...) {
		for _, f := range lint.Check(c) {
			if strings.Contains(fmt.Sprintf("%+v", f), "hunter") {
				t.Errorf("tells a secret: %s", f)
			}
		}
	}
}

// TestHostile holds the rules to any object, whatever the types of its fields.
func TestHostile(t *testing.T) {
	t.Parallel()
	odd := []string{"1", "[1]", "{a: 1}", "[[]]", "'a'", "null", "{template: 1}", "{template: {spec: {containers: 1}}}", "{template: {spec: {containers: [1, {image: 1, ports: 1}], volumes: [1]}}}"}
	for key := range strings.SplitSeq("apps/v1 Deployment,v1 Service,v1 PersistentVolume,batch/v1 Job,v1 Secret,"+rbac+" ClusterRoleBinding,"+rbac+" Role,apiextensions.k8s.io/v1 CustomResourceDefinition", ",") {
		apiVersion, kind, _ := strings.Cut(key, " ")
		for _, a := range odd {
			for _, b := range odd {
				one := object(apiVersion, kind, fmt.Sprintf("spec: %s\nsubjects: %s\nroleRef: %s\nrules: %s\nimmutable: %s", a, a, a, a, a))
				two := object(apiVersion, kind, fmt.Sprintf("spec: %s\nsubjects: %s\nroleRef: %s\nrules: %s\nimmutable: %s", b, b, b, b, b))
				for _, c := range changes(t, one, two) {
					lint.Check(c)
				}
			}
		}
	}
}
