package rehearse

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// unnamedClass stands for the class that the cluster gives claims which name none.
const unnamedClass = "sluice-default"

// clear removes the storage classes that a fresh cluster came with: they are not those of the live one.
func (s *stage) clear(ctx context.Context) error {
	classes, ok, err := s.api.resource(ctx, "storage.k8s.io", "v1", "StorageClass")
	if err != nil || !ok {
		return err
	}
	return s.api.patience(ctx, func(ctx context.Context) error {
		return s.api.at(classes, "").DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
	})
}

// shareClasses gives claims that name no storage class the same one on both sides, as the live cluster has given them one.
func shareClasses(before, after []piece) {
	class := func(p piece) (string, bool) {
		spec, _ := p.value["spec"].(map[string]any)
		name, ok := spec["storageClassName"].(string)
		return name, ok
	}
	of := make(map[manifest.ID]string)
	named := make(map[manifest.ID]bool) // on base
	for _, p := range before {
		if name, ok := class(p); ok {
			of[p.object.ID], named[p.object.ID] = name, true
		}
	}
	for _, p := range after {
		if name, ok := class(p); ok && !named[p.object.ID] {
			of[p.object.ID] = name
		}
	}
	for _, pieces := range [][]piece{before, after} {
		for i, p := range pieces {
			_, ok := p.value["spec"].(map[string]any)
			if _, has := class(p); !p.is("", "PersistentVolumeClaim") || has || !ok || named[p.object.ID] {
				continue
			}
			name, ok := of[p.object.ID]
			if !ok {
				name = unnamedClass
			}
			pieces[i].value = runtime.DeepCopyJSON(p.value)
			pieces[i].value["spec"].(map[string]any)["storageClassName"] = name
		}
	}
}

// furnish gives the server what a live cluster has and a target does not render: namespaces with the ServiceAccount that a
// controller makes in each, and storage classes that can grow. What the server refuses of it, it will refuse of the objects
// that need it.
func (s *stage) furnish(ctx context.Context, pieces []piece) error {
	spaces := map[string]bool{metav1.NamespaceDefault: true}
	classes := make(map[string]bool)
	for _, p := range pieces {
		if p.object.ID.Namespace != "" {
			spaces[p.object.ID.Namespace] = true
		}
		if p.isNamespace() {
			spaces[p.object.ID.Name] = true
		}
		if spec, _ := p.value["spec"].(map[string]any); p.is("", "PersistentVolumeClaim") && text(spec["storageClassName"]) != "" {
			classes[text(spec["storageClassName"])] = true
		}
	}
	for _, p := range pieces {
		if p.is("storage.k8s.io", "StorageClass") {
			delete(classes, p.object.ID.Name)
		}
	}
	var objects []map[string]any
	for _, name := range slices.Sorted(maps.Keys(spaces)) {
		objects = append(objects, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}})
	}
	for _, name := range slices.Sorted(maps.Keys(spaces)) {
		objects = append(objects, map[string]any{
			"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "default", "namespace": name},
		})
	}
	for _, name := range slices.Sorted(maps.Keys(classes)) {
		objects = append(objects, map[string]any{
			"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": map[string]any{"name": name},
			"provisioner": "kubernetes.io/no-provisioner", "allowVolumeExpansion": true,
		})
	}
	return s.provide(ctx, objects)
}

// provide stores objects of sluice's own, unless they are there.
func (s *stage) provide(ctx context.Context, objects []map[string]any) error {
	for _, value := range objects {
		group, version := manifest.SplitAPIVersion(text(value["apiVersion"]))
		metadata := value["metadata"].(map[string]any)
		id := manifest.ID{Group: group, Kind: text(value["kind"]), Namespace: text(metadata["namespace"]), Name: text(metadata["name"])}
		r, ok, err := s.api.resource(ctx, group, version, id.Kind)
		if err != nil || !ok {
			return err
		}
		if _, stored := s.has(id); stored {
			continue
		}
		body, err := json.Marshal(value)
		if err != nil {
			return err
		}
		o := &manifest.Object{ID: id}
		if _, err := answer(s.api.apply(ctx, r, id, body, true, false), piece{object: o}, false, false); err != nil {
			return err
		}
	}
	return nil
}

// bindClaims makes claims look bound, with the size that they ask for, as those of a live cluster are: an unbound claim cannot
// grow, and a bound one cannot shrink.
func (s *stage) bindClaims(ctx context.Context, sc *scene) error {
	for _, p := range sc.pieces {
		if _, stored := s.has(p.object.ID); !stored || !p.is("", "PersistentVolumeClaim") {
			continue
		}
		r, ok, err := s.lookUp(ctx, p)
		if err != nil || !ok {
			return err
		}
		spec, _ := p.value["spec"].(map[string]any)
		resources, _ := spec["resources"].(map[string]any)
		requests, _ := resources["requests"].(map[string]any)
		status := map[string]any{"phase": "Bound", "capacity": map[string]any{"storage": requests["storage"]}}
		if _, err := answer(s.api.patchStatus(ctx, r, p.object.ID, status), p, false, false); err != nil {
			return err
		}
	}
	return nil
}
