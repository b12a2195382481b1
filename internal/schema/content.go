package schema

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// The rules about what schemas do not say: the API server and etcd refuse these all the same.
const (
	RuleNotBase64 = "schema/not-base64" // data that must be base64
	RuleTooLarge  = "schema/too-large"  // an object that is larger than what can be stored
)

// What can be stored, in bytes.
const (
	// maxData is what a Secret or a ConfigMap may hold. Source: MaxSecretSize in k8s.io/api/core/v1, and
	// ValidateConfigMap in k8s.io/kubernetes/pkg/apis/core/validation.
	maxData = 1 << 20
	// maxObject is what etcd takes by default (--max-request-bytes), for an object as JSON. Kinds of Kubernetes are
	// stored in a form that is somewhat smaller.
	maxObject = 3 << 19
)

// content finds what is wrong with an object whatever its schema.
func (c checker) content(o *manifest.Object) finding.List {
	var out finding.List
	if o.ID.Group == "" && (o.ID.Kind == "Secret" || o.ID.Kind == "ConfigMap") {
		out = c.data(o)
	}
	if len(o.Text) < maxObject/2 { // JSON is hardly ever twice as long as YAML, and most objects are small
		return out
	}
	if text, err := json.Marshal(o.Value()); err == nil && len(text) > maxObject {
		out = append(out, c.about(o, RuleTooLarge, finding.Error, "", fmt.Sprintf(
			"this object is %.1f MiB: etcd takes 1.5 MiB at most by default", float64(len(text))/(1<<20))))
	}
	return out
}

// data looks at what a Secret or a ConfigMap holds.
func (c checker) data(o *manifest.Object) finding.List {
	value := o.Value()
	if isEncrypted(value) {
		return nil
	}
	encoded := map[string]string{"Secret": "data", "ConfigMap": "binaryData"}[o.ID.Kind]
	plain := map[string]string{"Secret": "stringData", "ConfigMap": "data"}[o.ID.Kind]
	var out finding.List
	size := 0
	texts := func(field string) map[string]any { m, _ := value[field].(map[string]any); return m }
	for _, key := range slices.Sorted(maps.Keys(texts(encoded))) {
		text, ok := texts(encoded)[key].(string)
		if !ok || isPlaceholder(text) {
			continue
		}
		decoded, err := base64.StdEncoding.DecodeString(text) // it passes over line breaks, as the API server does
		if err != nil {
			path := fieldPath(value, []string{encoded, key})
			out = append(out, c.about(o, RuleNotBase64, finding.Error, path,
				fmt.Sprintf("%s: this is not base64; text as it is belongs under %s", path, plain)))
		}
		size += len(decoded)
	}
	for key, v := range texts(plain) {
		if _, both := texts(encoded)[key]; both && o.ID.Kind == "Secret" {
			continue // one replaces the other
		}
		text, _ := v.(string)
		size += len(text)
	}
	if size > maxData {
		out = append(out, c.about(o, RuleTooLarge, finding.Error, encoded, fmt.Sprintf(
			"this %s holds %.1f MiB: Kubernetes allows 1 MiB", o.ID.Kind, float64(size)/(1<<20))))
	}
	return out
}

// isPlaceholder reports whether a value stands for another that is filled in before the object is applied: ${NAME} of Flux, or
// <path:…> of the Vault plugin of Argo CD.
func isPlaceholder(text string) bool {
	return strings.Contains(text, "${") || strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">")
}
