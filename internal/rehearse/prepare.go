package rehearse

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// Why objects are left out, or only judged.
const (
	whyWebhook    = "webhooks have no backend here: judged, not enforced"
	whyQuota      = "quotas need a controller that counts: judged, not enforced"
	whyAPIService = "aggregated APIs have no backend here: judged, not enforced"
	whyUndefined  = "of kinds whose definition is not in the repository"
	whyEncrypted  = "encrypted with sops"
	whyHolder     = "hold placeholders that are filled in when they are deployed"
	whyElsewhere  = "pods that need a ServiceAccount, PriorityClass or RuntimeClass which is not in the change"
	whyNamespace  = "in a namespace that the cluster does not have yet"
	whyUnstored   = "that base could not apply, so that their removal was not tried"
	whyAbsent     = "to be removed that the cluster does not have"
	whyNoDryRun   = "that a webhook of the cluster cannot judge by dry-run"
	whyNewKind    = "of kinds whose definition the cluster does not have yet"
)

// piece is one object as it is sent to the API server.
type piece struct {
	object *manifest.Object
	value  map[string]any // may differ from the object's own, see prepare
	// judged says why the server only judges the object and does not store it; "" where it does.
	judged string
	// leftOut says why the object is not even sent; "" where it is.
	leftOut string
}

func (p piece) is(group, kind string) bool {
	return p.object.ID.Group == group && p.object.ID.Kind == kind
}

func (p piece) isNamespace() bool  { return p.is("", "Namespace") }
func (p piece) isDefinition() bool { return p.is("apiextensions.k8s.io", "CustomResourceDefinition") }

func (p piece) isPolicy() bool {
	return p.object.ID.Group == "admissionregistration.k8s.io" &&
		slices.Contains([]string{
			"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
		}, p.object.ID.Kind)
}

// onlyJudged are the kinds that would change what the API server answers, by way of something that is not there.
var onlyJudged = map[string]string{
	"admissionregistration.k8s.io/ValidatingWebhookConfiguration": whyWebhook,
	"admissionregistration.k8s.io/MutatingWebhookConfiguration":   whyWebhook,
	"apiregistration.k8s.io/APIService":                           whyAPIService,
	"/ResourceQuota":                                              whyQuota,
}

// prepare makes of an object what a bare API server can judge as that of a live cluster would. before is the object as it is on base, if it
// is there. live says that the server is a live one: then nothing needs to be emulated, and its admission policies are not those of
// a pull request.
func prepare(o, before *manifest.Object, live bool) piece {
	p := piece{object: o, value: o.Value()}
	if p.value == nil {
		p.leftOut = "that are no YAML mapping"
		return p
	}
	if _, encrypted := p.value["sops"]; encrypted {
		p.leftOut = whyEncrypted
	}
	if p.is("", "Secret") && holdsPlaceholder(p.value) {
		p.leftOut = whyHolder
	}
	if live || p.leftOut != "" {
		return p
	}
	p.judged = onlyJudged[o.ID.Group+"/"+o.ID.Kind]
	switch {
	case p.is("", "Secret"):
		p.value = standIn(o, before)
	case p.isDefinition():
		p.value = withoutConversion(p.value)
	case p.is("", "Service"):
		p.value = withinRange(p.value)
	}
	return p
}

var placeholder = pattern(`\$\{|<path:|<[A-Za-z0-9_-]+>|\{\{`)

// holdsPlaceholder reports whether data of a Secret is not base64 because something else is to be put there.
func holdsPlaceholder(secret map[string]any) bool {
	data, _ := secret["data"].(map[string]any)
	for _, value := range data {
		text, _ := value.(string)
		if _, err := base64.StdEncoding.DecodeString(text); err != nil && placeholder().MatchString(text) {
			return true
		}
	}
	return false
}

// withoutConversion makes a definition do without the webhook that converts between its versions: there is none, and the API
// server must not call what a pull request names.
func withoutConversion(value map[string]any) map[string]any {
	spec, _ := value["spec"].(map[string]any)
	conversion, _ := spec["conversion"].(map[string]any)
	if conversion["strategy"] != "Webhook" {
		return value
	}
	value = runtime.DeepCopyJSON(value)
	value["spec"].(map[string]any)["conversion"] = map[string]any{"strategy": "None"}
	return value
}

// serviceRange is the range of cluster addresses that kubeadm, and so kind, gives a cluster. Servers that are started here have
// it too.
var serviceRange = netip.MustParsePrefix("10.96.0.0/12")

// withinRange puts the fixed addresses of a Service into the range of the API server, which is hardly that of the live cluster.
// The same address becomes the same one every time, and another one another, so that a change of it is still one.
func withinRange(value map[string]any) map[string]any {
	spec, _ := value["spec"].(map[string]any)
	move := func(v any) any {
		text, _ := v.(string)
		address, err := netip.ParseAddr(text)
		if err != nil || !address.Is4() || serviceRange.Contains(address) {
			return v
		}
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(text)) // never fails, says its documentation
		bytes := serviceRange.Addr().As4()
		offset := hash.Sum32() & (1<<(32-serviceRange.Bits()) - 1)
		binary.BigEndian.PutUint32(bytes[:], binary.BigEndian.Uint32(bytes[:])|offset)
		return netip.AddrFrom4(bytes).String()
	}
	if spec["clusterIP"] == nil && spec["clusterIPs"] == nil {
		return value
	}
	value = runtime.DeepCopyJSON(value)
	spec = value["spec"].(map[string]any)
	if v, set := spec["clusterIP"]; set {
		spec["clusterIP"] = move(v)
	}
	if list, ok := spec["clusterIPs"].([]any); ok {
		for i := range list {
			list[i] = move(list[i])
		}
	}
	return value
}
