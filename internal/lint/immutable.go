package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

var immutableField = Rule{
	ID: "lint/immutable-field", Title: "The API server will refuse this update", Severity: finding.Error,
	Description: "Some fields are fixed when an object is created. A deployment that changes one fails, and with it often everything that is deployed together. " +
		"Keep the old value, or give the object a new name. It is a warning where an annotation has Argo CD or Flux delete the object and make it anew: " +
		"`argocd.argoproj.io/sync-options: Force=true,Replace=true`, an `argocd.argoproj.io/hook`, or `kustomize.toolkit.fluxcd.io/force: enabled`.",
	Sources: []string{
		"https://github.com/kubernetes/kubernetes/tree/v1.37.1/pkg/apis (the functions Validate…Update of each group's validation package)",
		"https://github.com/kubernetes/apiextensions-apiserver/blob/v0.37.1/pkg/apis/apiextensions/validation/validation.go (ValidateCustomResourceDefinitionUpdate)",
	},
	check: checkImmutable,
}

// fixed is a field that cannot change once the object exists.
type fixed struct {
	path      string
	byDefault string // what the API server makes of a missing value
	// settable says that it may be set where the manifest had none: the cluster's own choice is not known.
	settable bool
	remedy   string // "": that of all
}

const orphan = "Delete the StatefulSet with --cascade=orphan and let the new one take over its pods, or keep the old value"

// fixedFields are those that the update validation of Kubernetes 1.37.1 refuses to change, by group and kind. Source: the
// functions named ValidateXUpdate in k8s.io/kubernetes/pkg/apis/*/validation, and the defaults in pkg/apis/*/v1/defaults.go.
var fixedFields = map[string][]fixed{
	"apps/Deployment": {{path: "spec.selector"}}, // apps: ValidateDeploymentUpdate
	"apps/DaemonSet":  {{path: "spec.selector"}}, // apps: ValidateDaemonSetSpecUpdate
	"apps/ReplicaSet": {{path: "spec.selector"}}, // apps: ValidateReplicaSetUpdate
	"apps/StatefulSet": { // apps: ValidateStatefulSetUpdate
		{path: "spec.selector", remedy: orphan},
		{path: "spec.volumeClaimTemplates", remedy: orphan},
		{path: "spec.serviceName", remedy: orphan},
		{path: "spec.podManagementPolicy", byDefault: "OrderedReady", remedy: orphan},
	},
	"batch/Job": { // batch: ValidateJobSpecUpdate; completions and template have rules of their own
		{path: "spec.selector"},
		{path: "spec.completionMode", byDefault: "NonIndexed"},
		{path: "spec.podFailurePolicy"},
		{path: "spec.backoffLimitPerIndex"},
		{path: "spec.managedBy"},
		{path: "spec.successPolicy"},
	},
	"/PersistentVolumeClaim": { // core: ValidatePersistentVolumeClaimUpdate
		{path: "spec.accessModes"},
		{path: "spec.selector"},
		{path: "spec.storageClassName", settable: true},
		{path: "spec.volumeName", settable: true},
		{path: "spec.volumeMode", byDefault: "Filesystem"},
		{path: "spec.dataSource", settable: true},
		{path: "spec.dataSourceRef", settable: true},
	},
	"/PersistentVolume": {{path: "spec.volumeMode", byDefault: "Filesystem"}}, // core: ValidatePersistentVolumeUpdate
	"/Secret":           {{path: "type", byDefault: "Opaque"}},                // core: ValidateSecretUpdate
	"/ResourceQuota":    {{path: "spec.scopes"}},                              // core: ValidateResourceQuotaUpdate
	"rbac.authorization.k8s.io/RoleBinding": { // rbac: ValidateRoleBindingUpdate
		{path: "roleRef.apiGroup", byDefault: "rbac.authorization.k8s.io"}, {path: "roleRef.kind"}, {path: "roleRef.name"},
	},
	"rbac.authorization.k8s.io/ClusterRoleBinding": { // rbac: ValidateClusterRoleBindingUpdate
		{path: "roleRef.apiGroup", byDefault: "rbac.authorization.k8s.io"}, {path: "roleRef.kind"}, {path: "roleRef.name"},
	},
	"storage.k8s.io/StorageClass": { // storage: ValidateStorageClassUpdate
		{path: "parameters"},
		{path: "provisioner"},
		{path: "reclaimPolicy", byDefault: "Delete"},
		{path: "volumeBindingMode", byDefault: "Immediate"},
	},
	"storage.k8s.io/VolumeAttributesClass": {{path: "driverName"}, {path: "parameters"}}, // storage: ValidateVolumeAttributesClassUpdate
	"storage.k8s.io/CSIDriver": { // storage: ValidateCSIDriverUpdate
		{path: "spec.attachRequired", byDefault: "true"},
		{path: "spec.volumeLifecycleModes", byDefault: "[Persistent]"},
	},
	"networking.k8s.io/IngressClass": {{path: "spec.controller"}}, // networking: validateIngressClassSpecUpdate
	"scheduling.k8s.io/PriorityClass": { // scheduling: ValidatePriorityClassUpdate
		{path: "value", byDefault: "0"},
		{path: "preemptionPolicy", byDefault: "PreemptLowerPriority"},
	},
	"node.k8s.io/RuntimeClass":                      {{path: "handler"}},         // node: ValidateRuntimeClassUpdate
	"certificates.k8s.io/CertificateSigningRequest": {{path: "spec"}},            // certificates: ValidateCertificateSigningRequestUpdate
	"certificates.k8s.io/ClusterTrustBundle":        {{path: "spec.signerName"}}, // certificates: ValidateClusterTrustBundleUpdate
	"discovery.k8s.io/EndpointSlice":                {{path: "addressType"}},     // discovery: ValidateEndpointSliceUpdate
	"resource.k8s.io/ResourceClaim":                 {{path: "spec"}},            // resource: ValidateResourceClaimUpdate
	"resource.k8s.io/ResourceClaimTemplate":         {{path: "spec"}},            // resource: ValidateResourceClaimTemplateUpdate
	"apiextensions.k8s.io/CustomResourceDefinition": { // apiextensions: ValidateCustomResourceDefinitionUpdate
		{path: "spec.scope"}, {path: "spec.group"}, {path: "spec.names.kind"}, {path: "spec.names.plural"},
	},
}

func checkImmutable(l *linter) {
	base, head, ok := l.existing()
	if !ok {
		return
	}
	for _, f := range fixedFields[base.ID.Group+"/"+base.ID.Kind] {
		if f.changed(base, head) {
			l.refused(f.path, f.remedy)
		}
	}
	switch base.ID.Group + "/" + base.ID.Kind {
	case "/Service":
		checkService(l, base, head)
	case "/ConfigMap", "/Secret":
		checkSealed(l, base, head)
	case "/PersistentVolume":
		checkVolumeSource(l, base, head)
	case "/Pod":
		checkPod(l, base, head)
	case "batch/Job":
		checkJob(l, base, head)
	}
}

func (f fixed) changed(base, head *manifest.Object) bool {
	steps := strings.Split(f.path, ".")
	was, is := at(base, steps...), at(head, steps...)
	switch {
	case was == nil && is == nil:
		return false
	case was == nil:
		return !f.settable && !empty(is) && fmt.Sprint(is) != f.byDefault
	case is == nil:
		return !empty(was) && fmt.Sprint(was) != f.byDefault
	default:
		return !diff.SameField(base, head, steps...)
	}
}

// empty reports whether a value means the same to the API server as none.
func empty(value any) bool {
	switch value := value.(type) {
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	default:
		return false
	}
}

// refused reports a field that cannot change.
func (l *linter) refused(path, remedy string) {
	head := l.change.Head
	if name, ok := remade(head); ok {
		l.reportAs(min(l.rule.Severity, finding.Warning), head, path,
			"%s of a %s cannot be changed, and its annotation %s makes the deployer delete the object and make it anew", path, head.ID.Kind, name)
		return
	}
	if remedy == "" {
		remedy = "Keep the old value, or give the object a new name"
	}
	l.report(head, path, "%s of a %s cannot be changed once it exists: the API server will refuse this update. %s", path, head.ID.Kind, remedy)
}

// remade gives the annotation by which Argo CD or Flux deletes an object that cannot be updated, and makes it anew. Sources:
// https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/ and https://fluxcd.io/flux/components/kustomize/kustomizations/.
func remade(o *manifest.Object) (name string, ok bool) {
	const options, hook, force = "argocd.argoproj.io/sync-options", "argocd.argoproj.io/hook", "kustomize.toolkit.fluxcd.io/force"
	switch {
	case has(o, options, "Force=true") && has(o, options, "Replace=true"):
		return options, true
	case annotation(o, hook) != "" && annotation(o, hook) != "Skip":
		return hook, true
	case strings.EqualFold(annotation(o, force), "enabled"):
		return force, true
	default:
		return "", false
	}
}

// checkSealed finds what changes in an immutable ConfigMap or Secret. Source: ValidateConfigMapUpdate and ValidateSecretUpdate in
// pkg/apis/core/validation/validation.go.
func checkSealed(l *linter, base, head *manifest.Object) {
	if sealed, _ := at(base, "immutable").(bool); !sealed {
		return
	}
	for _, field := range []string{"immutable", "data", "binaryData", "stringData"} {
		if (fixed{path: field}).changed(base, head) {
			l.refused(field, fmt.Sprintf("The %s is marked immutable: make one of another name and refer to that", base.ID.Kind))
		}
	}
}

// volumeFields are the fields of a PersistentVolume that are not its source. Source: PersistentVolumeSpec in k8s.io/api/core/v1.
var volumeFields = []string{
	"accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy", "storageClassName",
	"volumeAttributesClassName", "volumeMode",
}

// checkVolumeSource finds a PersistentVolume that is to lie elsewhere.
func checkVolumeSource(l *linter, base, head *manifest.Object) {
	sources := make(map[string]bool)
	for _, o := range []*manifest.Object{base, head} {
		spec, _ := at(o, "spec").(map[string]any)
		for name := range spec {
			if !slices.Contains(volumeFields, name) {
				sources[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if !diff.SameField(base, head, "spec", name) {
			l.refused("spec."+name, "")
		}
	}
}
