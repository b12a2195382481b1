package manifest

import (
	"fmt"
	"strings"
	"testing"
)

// TestKustomizationLocate holds each way to set a field in a kustomization to the line that sets it: the one with "HERE".
func TestKustomizationLocate(t *testing.T) {
	t.Parallel()
	const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: p-web
  namespace: prod
  labels: {team: shop, app.kubernetes.io/name: web}
  annotations: {owner: shop}
spec:
  replicas: 3
  template:
    spec:
      containers:
        - {name: proxy, image: "registry:5000/proxy:1.2@sha256:00"}
        - {name: web, image: "example/web:2.0.0", securityContext: {privileged: true}, ports: [{containerPort: 80}]}
`
	const image, privileged = "spec.template.spec.containers[name=web].image", "spec.template.spec.containers[name=web].securityContext.privileged"
	tests := []struct {
		name, path, text string // the place is where HERE stands, without it; no HERE, no place
		depth            int    // 0: all of the path
	}{
		{"image", image, "images:\n- name: other\n  newTag: a\n- name: example/web\n  HEREnewTag: 2.0.0\n", 0},
		{"renamed image", image, "images: [{name: web, newName: example/web, HEREdigest: x}]\n", 0},
		{"image with a port and a digest", "spec.template.spec.containers[name=proxy].image", "images: [{name: 'registry:5000/proxy', HEREdigest: sha256:00}]\n", 0},
		{"another image", image, "images: [{name: example/website, newTag: x}]\n", 0},
		{"replicas", "spec.replicas", "replicas:\n- name: web\n  HEREcount: 3\n", 0},
		{"other replicas", "spec.replicas", "replicas:\n- name: web\n  count: 4\n- name: api\n  count: 3\n", 0},
		{"namespace", "metadata.namespace", "resources: [a]\nHEREnamespace: prod\n", 0},
		{"common label", "metadata.labels.team", "commonLabels: {HEREteam: shop}\n", 0},
		{"label with dots", `metadata.labels["app.kubernetes.io/name"]`, "labels:\n- pairs:\n    HEREapp.kubernetes.io/name: web\n  includeSelectors: true\n", 0},
		{"label of another value", "metadata.labels.team", "commonLabels: {team: pay}\n", 0},
		{"annotation", "metadata.annotations.owner", "commonAnnotations:\n  HEREowner: shop\n", 0},
		{"inline patch", privileged, `patches:
- patch: |-
    kind: Deployment
    apiVersion: apps/v1
    metadata: {name: web}
    spec:
      template:
        spec:
          containers:
          - name: web
            securityContext:
              HEREprivileged: true
`, 0},
		{"patch with a target and any name", privileged, `patches:
- target: {kind: Deploy.*, name: web}
  patch: |
    kind: Any
    metadata: {name: any}
    spec: {template: {spec: {containers: [{name: web, securityContext: {HEREprivileged: true}}]}}}
`, 0},
		{"patch for others", privileged, "patches:\n- target: {kind: StatefulSet}\n  patch: |\n    spec: {template: {spec: {containers: [{name: web, securityContext: {privileged: true}}]}}}\n", 0},
		{"legacy inline patch", "spec.replicas", "patchesStrategicMerge:\n- patch.yaml\n- |-\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web}\n  spec:\n    HEREreplicas: 3\n", 0},
		{"operation", "spec.replicas", "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: test\n      path: /spec/replicas\n      value: 1\n    - op: replace\n      path: /spec/replicas\n      HEREvalue: 3\n", 0},
		{"operation on an item", privileged, "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: /spec/template/spec/containers/0/securityContext, value: {privileged: true}}\n    - {op: add, path: /spec/template/spec/containers/1/securityContext, value: {HEREprivileged: true}}\n", 0},
		{"operation that appends", privileged, "patchesJson6902:\n- target: {group: apps, version: v1, kind: Deployment, name: web}\n  patch: |-\n    - op: add\n      path: /spec/template/spec/containers/-\n      value:\n        name: web\n        securityContext:\n          HEREprivileged: true\n", 0},
		{"operation with an escape", `metadata.labels["app.kubernetes.io/name"]`, "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: /metadata/labels/app.kubernetes.io~1name, HEREvalue: web}\n", 0},
		{"operations as JSON in quotes", "spec.replicas", "patches:\n- target: {kind: Deployment}\n  patch: HERE'[{\"op\": \"add\", \"path\": \"/spec/replicas\", \"value\": 3}]'\n", 0},
		{"the last of two", "spec.replicas", "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: /spec/replicas, value: 2}\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: /spec/replicas, HEREvalue: 3}\n", 0},
		{"the nearest around it", privileged, "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: add\n      path: /spec/template/spec/containers/1\n      value:\n        HEREname: web\n", 5},
		{"replacement", image, "replacements:\n- source: {kind: ConfigMap, name: v, fieldPath: data.tag}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths:\n    - spec.replicas\n    - HEREspec.template.spec.containers.[name=web].image\n    options: {delimiter: ':', index: 1}\n", 0},
		{"replacement of all items", image, "replacements: [{source: {}, targets: [{select: {kind: Deployment, name: web}, fieldPaths: [HEREspec.template.spec.containers.*.image]}]}]\n", 0},
		{"replacement by number", image, "replacements: [{source: {}, targets: [{select: {kind: Deployment}, fieldPaths: [spec.template.spec.containers.0.image, HEREspec.template.spec.containers.1.image]}]}]\n", 0},
		{"replacement of what is around it", `metadata.labels["app.kubernetes.io/name"]`, "replacements: [{source: {}, targets: [{select: {kind: Deployment}, fieldPaths: [HEREmetadata.labels]}]}]\n", 0},
		{"replacement with an escape", `metadata.labels["app.kubernetes.io/name"]`, "replacements: [{source: {}, targets: [{select: {kind: Deployment}, fieldPaths: [HERE'metadata.labels.app\\.kubernetes\\.io/name']}]}]\n", 0},
		{"replacement of the name", "metadata.name", "replacements: [{source: {}, targets: [{HEREselect: {kind: Deployment}}]}]\n", 0},
		{"replacement after an entry of images", image, "images: [{name: example/web, newTag: 2.0.0}]\nreplacements: [{source: {}, targets: [{select: {kind: Deployment}, fieldPaths: [HEREspec.template.spec.containers.1.image]}]}]\n", 0},
		{"the last of two replacements", "spec.replicas", "replacements: [{source: {}, targets: [{select: {kind: Deployment}, fieldPaths: [spec.replicas]}]}, {source: {}, targets: [{select: {kind: Deployment}, fieldPaths: [HEREspec.replicas]}]}]\n", 0},
		{"the one that names it as it is", "spec.replicas", "replacements: [{source: {}, targets: [{select: {name: p-web}, fieldPaths: [HEREspec.replicas]}, {select: {name: web}, fieldPaths: [spec.replicas]}]}]\n", 0},
		{"replacement of another field", "spec.replicas", "replacements: [{source: {}, targets: [{select: {kind: Deployment}, fieldPaths: [spec.template, spec.replicas.deeper]}]}]\n", 0},
		{"replacement for others", "spec.replicas", "replacements: [{source: {}, targets: [{select: {kind: Service}, fieldPaths: [spec.replicas]}]}]\n", 0},
		{"replacement that rejects it", "spec.replicas", "replacements: [{source: {}, targets: [{select: {kind: Deployment}, reject: [{name: p-web}], fieldPaths: [spec.replicas]}]}]\n", 0},
		{"replacement of what is not there", "spec.paused", "replacements: [{source: {}, targets: [{select: {kind: Deployment}, fieldPaths: [spec.paused]}]}]\n", 0},
		{"broken", "spec.replicas", "patches: [", 0},
		{"no kustomization", "spec.replicas", "[1, 2]", 0},
		{"strange", "spec.replicas", "patches: {a: b}\nimages: 7\nreplicas: [1, {name: web}]\nlabels: [x]\npatchesJson6902: [null]\nreplacements: [null, {targets: [null, {select: 7, fieldPaths: [[]]}]}]\n", 0},
	}
	objects, problems := Parse("d.yaml", []byte(deployment))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, test := range tests {
		before, _, found := strings.Cut(test.text, "HERE")
		want := "-"
		if found {
			line := strings.Count(before, "\n") + 1
			want = fmt.Sprintf("k.yaml:%d:%d", line, len(before)-strings.LastIndexByte(before, '\n'))
		}
		k := ParseKustomization("k.yaml", []byte(strings.Replace(test.text, "HERE", "", 1)), func(string) []byte { return nil })
		place := k.Locate(objects[0], test.path)
		got := "-"
		if place.Line > 0 {
			got = fmt.Sprintf("%s:%d:%d", place.File, place.Line, place.Column)
		}
		if test.depth > 0 {
			if place.Exact || place.Depth < test.depth {
				t.Errorf("%s: depth %d, exact %t", test.name, place.Depth, place.Exact)
			}
			continue
		}
		if got != want || found && !place.Exact {
			t.Errorf("%s: %s, want %s (exact %t)", test.name, got, want, place.Exact)
		}
	}
}

// What is for another object, whose name is a part of this one's, is not meant.
func TestKustomizationLocateOthers(t *testing.T) {
	t.Parallel()
	objects, _ := Parse("d.yaml", []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web-cache}\nspec: {replicas: 3}\n"))
	other := ID{Group: "apps", Kind: "Deployment", Name: "web"}
	for name, text := range map[string]string{
		"replicas":    "replicas: [{name: web, count: 3}]\n",
		"patch":       "patches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {replicas: 3}\n",
		"operation":   "patches:\n- target: {kind: Deployment, name: web}\n  patch: |-\n    - {op: replace, path: /spec/replicas, value: 3}\n",
		"replacement": "replacements: [{source: {}, targets: [{select: {kind: Deployment, name: web}, fieldPaths: [spec.replicas]}]}]\n",
	} {
		k := ParseKustomization("k.yaml", []byte(text), func(string) []byte { return nil })
		if place := k.Locate(objects[0], "spec.replicas", other); place.Line != 0 {
			t.Errorf("%s: %+v", name, place)
		}
		if place := k.Locate(objects[0], "spec.replicas", ID{Kind: "Service", Name: "web"}); !place.Exact {
			t.Errorf("%s, where nothing else has the name: %+v", name, place)
		}
	}
	source := ParseSource([]byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n"))
	if place := source.Locate(objects[0].ID, "spec.replicas", other); place.Line != 0 {
		t.Errorf("source: %+v", place)
	}
}

// A patch in a file of its own is found by the target that the kustomization gives it.
func TestKustomizationLocatePatchFile(t *testing.T) {
	t.Parallel()
	objects, _ := Parse("d.yaml", []byte("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"))
	k := ParseKustomization("apps/web/kustomization.yaml", []byte("patches:\n- {path: ../ops.yaml, target: {kind: Service}}\n"), func(file string) []byte {
		if file != "apps/ops.yaml" {
			t.Errorf("reads %s", file)
		}
		return []byte("# why\n- op: add\n  path: /spec/ports/0\n  value:\n    port: 80\n")
	})
	if place := k.Locate(objects[0], "spec.ports[0].port"); place != (FilePlace{"apps/ops.yaml", Place{Line: 5, Column: 5, Depth: 4, Exact: true}}) {
		t.Errorf("%+v", place)
	}
}

// A file of replacements holds one or a list of them.
func TestKustomizationLocateReplacementFile(t *testing.T) {
	t.Parallel()
	objects, _ := Parse("d.yaml", []byte("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"))
	for _, text := range []string{
		"source: {kind: ConfigMap}\ntargets:\n- select: {kind: Service}\n  fieldPaths: [spec.ports.0.port]\n",
		"- targets: []\n\n- targets:\n  - {select: {kind: Service}, fieldPaths: [spec.ports.0.port]}\n",
	} {
		k := ParseKustomization("apps/web/kustomization.yaml", []byte("replacements:\n- path: ../r.yaml\n"), func(file string) []byte {
			if file != "apps/r.yaml" {
				t.Errorf("reads %s", file)
			}
			return []byte(text)
		})
		if place := k.Locate(objects[0], "spec.ports[0].port"); place.File != "apps/r.yaml" || place.Line != 4 || !place.Exact {
			t.Errorf("%+v", place)
		}
	}
}

func TestKustomizationGenerator(t *testing.T) {
	t.Parallel()
	files := map[string]string{"apps/web/prod.env": "# settings\nLEVEL=debug\n  TOKEN=x\n"}
	k := ParseKustomization("apps/web/kustomization.yaml", []byte(`configMapGenerator:
- name: settings
  literals:
  - MODE=fast
  - "PATH=/"
  files: [web.conf, nginx=conf/n.conf]
  envs: [prod.env]
secretGenerator:
- {name: key, files: [id_rsa]}
`), func(file string) []byte { return []byte(files[file]) })
	const here = "apps/web/kustomization.yaml"
	for path, want := range map[string]string{
		"":                 here + ":2:3",
		"metadata.name":    here + ":2:3",
		"data.MODE":        here + ":4:5",
		"data.PATH":        here + ":5:5",
		`data["web.conf"]`: here + ":6:11",
		"data.nginx":       here + ":6:21",
		"data.LEVEL":       "apps/web/prod.env:2:1",
		"data.TOKEN":       "apps/web/prod.env:3:3",
		"data.OTHER":       here + ":2:3",
	} {
		place := k.Generator(ID{Kind: "ConfigMap", Name: "web-settings-7h2fk4c8dt"}, path)
		if got := fmt.Sprintf("%s:%d:%d", place.File, place.Line, place.Column); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
	if place := k.Generator(ID{Kind: "Secret", Name: "key-7h2fk4c8dt"}, "data.id_rsa"); place.Line != 9 || !place.Exact {
		t.Errorf("secret: %+v", place)
	}
	if place := k.Generator(ID{Kind: "Service", Name: "settings"}, ""); place != (FilePlace{}) {
		t.Errorf("no generator: %+v", place)
	}
}

func FuzzKustomizationLocate(f *testing.F) {
	f.Add("patches:\n- target: {kind: Service}\n  patch: |-\n    - {op: add, path: /spec/ports/0, value: {port: 80}}\n", "spec.ports[0].port")
	f.Add("replacements: [{path: a}, {targets: [{select: {name: web}, fieldPaths: ['spec.ports.[port=80].port']}]}]", "spec.ports[0].port")
	f.Add("images: [{name: a}]\nlabels: [{pairs: {a: b}}]", "spec.containers[name=a].image")
	f.Add("patchesStrategicMerge: ['{kind: Service, metadata: {name: web}}']", `metadata.labels["a.b"]`)
	objects, _ := Parse("d.yaml", []byte("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"))
	f.Fuzz(func(t *testing.T, text, path string) {
		k := ParseKustomization("k.yaml", []byte(text), func(string) []byte { return []byte(text) })
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + 2
		for _, place := range []FilePlace{k.Locate(objects[0], path), k.Generator(ID{Kind: "ConfigMap", Name: "web"}, path)} {
			if place.Line < 0 || place.Line > lines+strings.Count(text, "\u2028")+strings.Count(text, "\u2029")+strings.Count(text, "\u0085") {
				t.Errorf("line %d of %d", place.Line, lines)
			}
		}
	})
}
