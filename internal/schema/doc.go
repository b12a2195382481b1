// Package schema turns objects into findings by the schemas of Kubernetes: unknown fields, wrong types, missing and
// impossible values, and APIs that a Kubernetes version does not serve.
//
// # Verdicts
//
// A verdict is the one that kubeconform (github.com/yannh/kubeconform, strict) gives by the same schemas: they are
// made by the same rules, and compiled with the same options by the same library. kubeconform's own validator is not on the way, because it reads schemas from directories and
// URLs only, reads the YAML of each object a second time, flattens an error to one line, and takes a schema that does
// not compile for one that is missing. That the verdicts agree is tested object by object against
// kubeconform's ValidateResource.
//
// Against the schemas that kubeconform downloads by default (yannh/kubernetes-json-schema, vX-standalone-strict), the
// verdicts differ on purpose where those are not what an API server does:
//
//   - A value that is none of a field's enumeration is refused (imagePullPolicy: Sometimes).
//   - A time that is not RFC 3339 is refused. The downloaded schemas name a draft in which formats are only notes.
//   - A text that is no quantity is refused (cpu: text), as the API server reads it.
//   - null is accepted for an int-or-string or a quantity that is not required.
//   - An object is matched by its whole group, not by the group's first label: Ingress of networking.example.com is not
//     judged by the schema of networking.k8s.io.
//   - A CustomResourceDefinition is validated; there is no downloaded schema for it.
//   - The field that SOPS adds to an object that it encrypts is accepted.
//
// # Custom resources
//
// A custom resource is held to the first of these that knows its kind: the CustomResourceDefinitions of the [Context], its JSON schemas (see
// [External]), the definitions of well-known projects that are inside the binary (docs/crds.md). A definition is applied with the code of the API
// server, k8s.io/apiextensions-apiserver, in the server's order: unknown fields, metadata, defaults, the OpenAPI schema, lists that are sets
// or maps, and CEL rules with the server's limits of cost, which compare with the object on base. Unlike the server, sluice
// does not overlook what an update leaves as it is: a finding that base has too is told apart later, as existing.
//
// # The store
//
// The schemas of ten Kubernetes versions are inside the binary, in kubernetes.zst. It is written by the command in
// generate from the k8s.io/kubernetes module: api/openapi-spec/swagger.json, and the enumerations of
// pkg/generated/openapi. Decompressed (zstd) it is text. The first line names the versions and their releases:
//
//	sluice schemas 1 <TAB> 1.28=v1.28.15 1.29=v1.29.6 …
//
// and each other line is one definition, four fields apart by tabs, sorted by name:
//
//	io.k8s.api.apps.v1.Deployment <TAB> apps/v1 Deployment <TAB> 1.28 1.29 … <TAB> {"type":"object",…}
//
// its name, its apiVersion and kind (empty for a type that is no kind), the versions that have it in this form,
// and its JSON schema (draft 4, strict). Most types are the same in many versions and so are stored once. A reference
// to another definition is "/definition/NAME", or "/nullable/NAME" where null is allowed too. Lines are parsed and
// compiled when an object first needs them.
//
// The definitions of well-known projects are in crds.zst, written by the command in generate/crds. It is text as well: the line
// "sluice crds 1", and one line for each definition, four fields apart by tabs:
//
//	cert-manager v1.21.2 <TAB> cert-manager.io <TAB> Certificate <TAB> {"group":"cert-manager.io",…}
//
// the release it is from, its group and kind, and its specification without prose.
package schema

//go:generate go run ./generate kubernetes.zst
//go:generate go run ./generate/crds crds.zst ../../docs/crds.md
