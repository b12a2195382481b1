package manifest

import (
	"cmp"
	"strings"
)

// ID is the identity of an object within a target: what two renderings are paired by. The API version is not part
// of it: apps/v1beta1 and apps/v1 are the same Deployment.
type ID struct {
	Group     string `json:"group"` // "" for the core group
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"` // "" where the manifest names none
	Name      string `json:"name"`
}

// String gives "Deployment.apps shop/web", "ConfigMap shop/settings" or "Namespace shop".
func (id ID) String() string {
	var b strings.Builder
	b.WriteString(id.Kind)
	if id.Group != "" {
		b.WriteString("." + id.Group)
	}
	b.WriteString(" ")
	if id.Namespace != "" {
		b.WriteString(id.Namespace + "/")
	}
	b.WriteString(id.Name)
	return b.String()
}

// Compare orders identities by namespace, kind, group and name, the order in which people look for objects.
func (id ID) Compare(other ID) int {
	return cmp.Or(
		strings.Compare(id.Namespace, other.Namespace),
		strings.Compare(id.Kind, other.Kind),
		strings.Compare(id.Group, other.Group),
		strings.Compare(id.Name, other.Name),
	)
}

// SplitAPIVersion gives the group and version of an apiVersion: "apps/v1" is "apps", "v1"; "v1" is "", "v1".
func SplitAPIVersion(apiVersion string) (group, version string) {
	if group, version, ok := strings.Cut(apiVersion, "/"); ok {
		return group, version
	}
	return "", apiVersion
}

// ParseID reads what [ID.String] prints; ok is false for anything else.
func ParseID(s string) (id ID, ok bool) {
	kind, name, ok := strings.Cut(s, " ")
	if !ok || kind == "" || name == "" {
		return ID{}, false
	}
	id.Kind, id.Group, _ = strings.Cut(kind, ".")
	if namespace, rest, ok := strings.Cut(name, "/"); ok {
		id.Namespace, id.Name = namespace, rest
	} else {
		id.Name = name
	}
	return id, id.Kind != ""
}
