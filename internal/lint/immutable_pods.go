package lint

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// podDefaults are what the API server makes of fields of a pod that are missing. Source: SetDefaults_PodSpec and SetDefaults_Pod in
// pkg/apis/core/v1/defaults.go.
var podDefaults = map[string]string{
	"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "terminationGracePeriodSeconds": "30",
	"enableServiceLinks": "true", "hostNetwork": "false", "hostPID": "false", "hostIPC": "false", "shareProcessNamespace": "false",
	"preemptionPolicy": "PreemptLowerPriority", "serviceAccountName": "default", "setHostnameAsFQDN": "false",
}

// checkPod holds a Pod that no controller makes to what may change while it runs: images, a shorter deadline, more tolerations, fewer
// scheduling gates. Source: ValidatePodUpdate in pkg/apis/core/validation/validation.go. What a gated pod may change beside that is
// not said to be refused.
func checkPod(l *linter, base, head *manifest.Object) {
	const remedy = "Delete the Pod and let the new one take its place, or have a Deployment or a Job make it"
	was, _ := at(base, "spec").(map[string]any)
	is, _ := at(head, "spec").(map[string]any)
	names := make(map[string]bool)
	for _, spec := range []map[string]any{was, is} {
		for name := range spec {
			names[name] = true
		}
	}
	gated := !empty(was["schedulingGates"]) && was["schedulingGates"] != nil
	for _, name := range slices.Sorted(maps.Keys(names)) {
		refused := false
		switch name {
		case "schedulingGates", "serviceAccount", "nodeName": // the second is an old name of serviceAccountName, the third the scheduler's
		case "containers", "initContainers":
			refused = !sameButImage(list(was, name), list(is, name))
		case "tolerations":
			refused = !subset(was[name], is[name])
		case "activeDeadlineSeconds":
			refused = was[name] != nil && (is[name] == nil || above(is[name], was[name]))
		case "affinity", "nodeSelector":
			refused = !gated && !diff.SameField(base, head, "spec", name)
		default:
			refused = (fixed{path: "spec." + name, byDefault: podDefaults[name]}).changed(base, head)
		}
		if refused {
			l.refused("spec."+name, remedy)
		}
	}
}

// sameButImage compares containers, and takes no notice of their images.
func sameButImage(was, is []map[string]any) bool {
	return slices.EqualFunc(was, is, func(a, b map[string]any) bool {
		a, b = maps.Clone(a), maps.Clone(b)
		delete(a, "image")
		delete(b, "image")
		return reflect.DeepEqual(a, b)
	})
}

// subset reports whether each item of a list is in another one.
func subset(of, in any) bool {
	items, _ := of.([]any)
	others, _ := in.([]any)
	for _, item := range items {
		if !slices.ContainsFunc(others, func(other any) bool { return reflect.DeepEqual(item, other) }) {
			return false
		}
	}
	return true
}

// above compares two whole numbers; what is no number is not above anything.
func above(a, b any) bool {
	x, err := strconv.ParseInt(fmt.Sprint(a), 10, 64)
	y, wrong := strconv.ParseInt(fmt.Sprint(b), 10, 64)
	return err == nil && wrong == nil && x > y
}

// checkService finds addresses that change. The API server keeps what it has allocated where the new manifest is silent, and
// forgets it for an ExternalName. Source: ValidateServiceUpdate and
// validateUpgradeDowngradeIPFamilies in pkg/apis/core/validation/validation.go, and patchAllocatedValues
// in pkg/registry/core/service/storage/storage.go.
func checkService(l *linter, base, head *manifest.Object) {
	const external, balancer = "ExternalName", "LoadBalancer"
	wasType, isType := text(at(base, "spec", "type")), text(at(head, "spec", "type"))
	if wasType == external || isType == external {
		return
	}
	was, is := text(at(base, "spec", "clusterIP")), text(at(head, "spec", "clusterIP"))
	if was != is && is != "" && (was != "" || is == "None") {
		l.refused("spec.clusterIP", "")
	}
	if wasType == balancer && isType == balancer && !diff.SameField(base, head, "spec", "loadBalancerClass") {
		l.refused("spec.loadBalancerClass", "")
	}
	if text(at(base, "spec", "clusterIP")) != "None" && text(at(head, "spec", "clusterIP")) != "None" {
		// A headless Service may change them. The second family comes and goes; with two, the other order is another first one.
		was, is := words(at(base, "spec", "ipFamilies")), words(at(head, "spec", "ipFamilies"))
		if len(was) > 0 && len(is) > 0 && was[0] != is[0] {
			l.refused("spec.ipFamilies", "")
		}
	}
	port := fixed{path: "spec.healthCheckNodePort", settable: true}
	if at(head, "spec", "healthCheckNodePort") != nil && port.changed(base, head) {
		l.refused(port.path, "")
	}
}

// suspendedFields are what a Job that is suspended, and has not begun, may change of its pods. Source: validatePodTemplateUpdate in
// pkg/apis/batch/validation/validation.go; resources since 1.36, as validatePodResourceUpdatesOnly has it.
var suspendedFields = []string{"affinity", "nodeSelector", "tolerations", "schedulingGates"}

// sameButScheduling compares the templates of a suspended Job, and takes no notice of what it may change.
func sameButScheduling(base, head *manifest.Object) bool {
	strip := func(o *manifest.Object) any {
		template, _ := at(o, "spec", "template").(map[string]any)
		template = maps.Clone(template)
		delete(template, "metadata")
		spec, ok := template["spec"].(map[string]any)
		if !ok {
			return template
		}
		spec = maps.Clone(spec)
		for _, name := range suspendedFields {
			delete(spec, name)
		}
		for _, name := range []string{"containers", "initContainers"} {
			var containers []any
			for _, container := range list(spec, name) {
				container = maps.Clone(container)
				delete(container, "resources")
				containers = append(containers, container)
			}
			spec[name] = containers
		}
		template["spec"] = spec
		return template
	}
	return reflect.DeepEqual(strip(base), strip(head))
}

// checkJob holds a Job to what may change while it runs. Source: validateCompletions and validatePodTemplateUpdate in
// pkg/apis/batch/validation/validation.go.
func checkJob(l *linter, base, head *manifest.Object) {
	const remedy = "Give the Job a new name for each version, or have the deployer replace it"
	suspended, _ := at(base, "spec", "suspend").(bool)
	if !diff.SameField(base, head, "spec", "template") && !(suspended && sameButScheduling(base, head)) {
		l.refused("spec.template", remedy)
	}
	completions := fixed{path: "spec.completions"}
	if at(base, "spec", "parallelism") == nil {
		completions.byDefault = "1"
	}
	if text(at(head, "spec", "completionMode")) != "Indexed" && completions.changed(base, head) {
		l.refused(completions.path, remedy)
	}
}
