package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

const keepHint = " Nothing is deleted, and the finding is a notice, where an annotation keeps the object: `argocd.argoproj.io/sync-options: Prune=false`, " +
	"`kustomize.toolkit.fluxcd.io/prune: disabled` or `helm.sh/resource-policy: keep`."

var storageShrunk = Rule{
	ID: "lint/storage-shrunk", Title: "A volume cannot shrink", Severity: finding.Error,
	Description: "Kubernetes grows volumes and never shrinks them: the API server refuses a PersistentVolumeClaim that asks for less than it has. " +
		"To get a smaller volume, make a new claim and copy the data.",
	Sources: []string{"https://github.com/kubernetes/kubernetes/blob/v1.37.1/pkg/apis/core/validation/validation.go (ValidatePersistentVolumeClaimUpdate)"},
	check: func(l *linter) {
		base, head, ok := l.existing()
		if !ok || !is(base, "", "PersistentVolumeClaim") {
			return
		}
		was, is := fmt.Sprint(at(base, "spec", "resources", "requests", "storage")), fmt.Sprint(at(head, "spec", "resources", "requests", "storage"))
		if order, ok := diff.CompareQuantities(is, was); ok && order < 0 {
			l.report(head, "spec.resources.requests.storage", "the volume is to shrink from %q to %q, which the API server refuses: make a new claim and copy the data", was, is)
		}
	},
}

var crdVersionRemoved = Rule{
	ID: "lint/crd-version-removed", Title: "A version of a custom resource is gone", Severity: finding.Warning,
	Description: "Objects may be stored in, and clients may use, a version that a CustomResourceDefinition no longer has or serves. The API server refuses to drop one that " +
		"`status.storedVersions` still names. Move what uses it first.",
	Sources: []string{"https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#upgrade-existing-objects-to-a-new-stored-version"},
	check: func(l *linter) {
		base, head, ok := l.existing()
		if !ok || !is(base, "apiextensions.k8s.io", "CustomResourceDefinition") {
			return
		}
		serves := served(head)
		for _, version := range served(base) {
			if !slices.Contains(serves, version) {
				l.report(head, "spec.versions", "version %q is no longer served: objects that are stored in it, and clients that use it, must be moved first", version)
			}
		}
	},
}

func served(crd *manifest.Object) []string {
	var out []string
	for _, version := range list(crd.Value(), "spec", "versions") {
		if on, _ := version["served"].(bool); on {
			out = append(out, text(version, "name"))
		}
	}
	return out
}

var volumeRemoved = Rule{
	ID: "lint/volume-removed", Title: "A volume is deleted", Severity: finding.Warning,
	Description: "With a PersistentVolumeClaim its volume goes, and with the volume its data, unless the volume's reclaim policy is Retain." + keepHint,
	Sources:     []string{"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming"},
	check: func(l *linter) {
		l.removed("the claim is deleted, and with it the data of its volume unless the reclaim policy is Retain", "/PersistentVolumeClaim")
		l.removed("the volume is no longer known to the cluster: no claim can use its data", "/PersistentVolume")
	},
}

var statefulSetRemoved = Rule{
	ID: "lint/statefulset-removed", Title: "A StatefulSet is deleted", Severity: finding.Warning,
	Description: "The pods stop. Their claims stay behind, out of this repository's sight, unless `persistentVolumeClaimRetentionPolicy.whenDeleted` is Delete: then the data goes too." + keepHint,
	Sources:     []string{"https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention"},
	check: func(l *linter) {
		consequence := "the StatefulSet is deleted: its pods stop, its claims stay behind"
		if text(at(l.change.Base, "spec", "persistentVolumeClaimRetentionPolicy"), "whenDeleted") == "Delete" {
			consequence = "the StatefulSet is deleted, and with it its claims and their data: whenDeleted is Delete"
		}
		l.removed(consequence, "apps/StatefulSet")
	},
}

var namespaceRemoved = Rule{
	ID: "lint/namespace-removed", Title: "A namespace is deleted", Severity: finding.Warning,
	Description: "Everything in a namespace is deleted with it, whether it is in this repository or not: volumes, Secrets, what operators made." + keepHint,
	Sources:     []string{"https://kubernetes.io/docs/tasks/administer-cluster/namespaces/#deleting-a-namespace"},
	check: func(l *linter) {
		l.removed("everything in the namespace is deleted with it, whether this repository knows it or not", "/Namespace")
	},
}

var crdRemoved = Rule{
	ID: "lint/crd-removed", Title: "A custom resource definition is deleted", Severity: finding.Warning,
	Description: "All objects of the kind are deleted with its definition, in all namespaces." + keepHint,
	Sources:     []string{"https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#delete-a-customresourcedefinition"},
	check: func(l *linter) {
		l.removed("all objects of this kind are deleted with its definition, in all namespaces", "apiextensions.k8s.io/CustomResourceDefinition")
	},
}

var secretRemoved = Rule{
	ID: "lint/secret-removed", Title: "A Secret is deleted", Severity: finding.Warning,
	Description: "What is in a Secret is often nowhere else, and pods that refer to it do not start any more. This holds for what Secrets are made from, too: SealedSecret, ExternalSecret." + keepHint,
	Sources:     []string{"https://kubernetes.io/docs/concepts/configuration/secret/#restriction-secret-must-exist"},
	check: func(l *linter) {
		l.removed("the Secret is deleted: pods that refer to it do not start any more, and what only it held is lost",
			"/Secret", "bitnami.com/SealedSecret", "external-secrets.io/ExternalSecret")
	},
}

var accessRemoved = Rule{
	ID: "lint/access-removed", Title: "Somebody loses access", Severity: finding.Notice,
	Description: "A ServiceAccount, Role, ClusterRole or a binding is deleted: programs that act by it are refused from then on." + keepHint,
	Sources:     []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/"},
	check: func(l *linter) {
		const rbac = "rbac.authorization.k8s.io/"
		l.removed("what acts by it loses its access", "/ServiceAccount", rbac+"Role", rbac+"ClusterRole", rbac+"RoleBinding", rbac+"ClusterRoleBinding")
	},
}

var networkPolicyRemoved = Rule{
	ID: "lint/network-policy-removed", Title: "A network policy is deleted", Severity: finding.Warning,
	Description: "Pods that no other NetworkPolicy selects accept connections from everywhere, and may connect to everything." + keepHint,
	Sources:     []string{"https://kubernetes.io/docs/concepts/services-networking/network-policies/#the-two-sorts-of-pod-isolation"},
	check: func(l *linter) {
		l.removed("connections that the policy kept out are let in, unless another policy selects the same pods",
			"networking.k8s.io/NetworkPolicy", "cilium.io/CiliumNetworkPolicy", "cilium.io/CiliumClusterwideNetworkPolicy")
	},
}

// removed reports an object of one of the kinds, each "group/Kind", that leaves the cluster.
func (l *linter) removed(consequence string, kinds ...string) {
	o, ok := l.gone()
	if !ok || !slices.Contains(kinds, o.ID.Group+"/"+o.ID.Kind) {
		return
	}
	if name, ok := kept(o); ok {
		l.reportAs(min(l.rule.Severity, finding.Notice), o, "", "the %s leaves this repository and stays in the cluster: its annotation %s keeps it from being deleted", o.ID.Kind, name)
		return
	}
	if l.change.Action == diff.Renamed {
		consequence = fmt.Sprintf("it has a new name, %q, and the old one goes: %s", l.change.ID.Name, consequence)
	}
	l.report(o, "", "%s", consequence)
}

// kept gives the annotation that keeps an object when it leaves the repository. Sources:
// https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#no-prune-resources,
// https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources and
// https://helm.sh/docs/howto/charts_tips_and_tricks/#tell-helm-not-to-uninstall-a-resource.
func kept(o *manifest.Object) (name string, ok bool) {
	const options, prune, policy = "argocd.argoproj.io/sync-options", "kustomize.toolkit.fluxcd.io/prune", "helm.sh/resource-policy"
	switch {
	case has(o, options, "Prune=false"):
		return options, true
	case strings.EqualFold(annotation(o, prune), "disabled"):
		return prune, true
	case annotation(o, policy) == "keep":
		return policy, true
	default:
		return "", false
	}
}

var retentionLost = Rule{
	ID: "lint/retention-lost", Title: "Data is no longer kept", Severity: finding.Warning,
	Description: "A volume that outlived its claim, or claims that outlived their StatefulSet or replica, are deleted with it from now on: " +
		"`persistentVolumeReclaimPolicy`, `persistentVolumeClaimRetentionPolicy.whenDeleted` or `whenScaled` changes from Retain to Delete.",
	Sources: []string{
		"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming",
		"https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention",
	},
	check: func(l *linter) {
		base, head, ok := l.existing()
		if !ok {
			return
		}
		for _, f := range retention[base.ID.Group+"/"+base.ID.Kind] {
			if text(at(base, f...)) != "Delete" && text(at(head, f...)) == "Delete" {
				l.report(head, strings.Join(f, "."), "%s changes to Delete: data that was kept goes with what used it", f[len(f)-1])
			}
		}
	},
}

// retention are the fields that say whether data is kept; all of them are Retain where nothing is said (a volume that
// a person wrote; one that was provisioned has the policy of its class).
var retention = map[string][][]string{
	"/PersistentVolume": {{"spec", "persistentVolumeReclaimPolicy"}},
	"apps/StatefulSet": {
		{"spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"}, {"spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"},
	},
}
