package main

// source is a project that publishes CustomResourceDefinitions in a Go module.
type source struct {
	name    string
	module  string
	version string
	files   []string // patterns of path.Match
}

// sources are the projects whose definitions are stored: for each the newest release that the Go module proxy served when it was
// added. All of them are under the Apache License 2.0.
var sources = []source{
	{"Argo CD", "github.com/argoproj/argo-cd/v3", "v3.6.1", []string{"manifests/crds/*-crd.yaml"}},
	{"Argo Rollouts", "github.com/argoproj/argo-rollouts", "v1.10.2", []string{"manifests/crds/*-crd.yaml"}},
	{"Flux source-controller", "github.com/fluxcd/source-controller", "v1.10.1", []string{"config/crd/bases/*.yaml"}},
	{"Flux kustomize-controller", "github.com/fluxcd/kustomize-controller", "v1.10.1", []string{"config/crd/bases/*.yaml"}},
	{"Flux helm-controller", "github.com/fluxcd/helm-controller", "v1.4.3", []string{"config/crd/bases/*.yaml"}},
	{"cert-manager", "github.com/cert-manager/cert-manager", "v1.21.2", []string{"deploy/crds/*.yaml"}},
	{"Gateway API", "sigs.k8s.io/gateway-api", "v1.7.0", []string{"config/crd/experimental/*.yaml"}},
	{"Prometheus Operator", "github.com/prometheus-operator/prometheus-operator", "v0.85.0", []string{"example/prometheus-operator-crd-full/*.yaml"}},
	{"External Secrets", "github.com/external-secrets/external-secrets", "v1.3.2", []string{"config/crds/bases/*.yaml"}},
	{"Sealed Secrets", "github.com/bitnami-labs/sealed-secrets", "v0.40.0", []string{"helm/sealed-secrets/crds/*.yaml"}},
	{"Istio", "istio.io/api", "v1.31.1", []string{"kubernetes/customresourcedefinitions.gen.yaml"}},
	{"Contour", "github.com/projectcontour/contour", "v1.33.8", []string{"examples/contour/01-crds.yaml"}},
	{"MetalLB", "go.universe.tf/metallb", "v0.16.2", []string{"config/crd/bases/*.yaml"}},
	{"Knative Serving", "knative.dev/serving", "v0.51.0", []string{"config/core/300-resources/*.yaml"}},
	{"Knative Eventing", "knative.dev/eventing", "v0.45.0", []string{"config/core/resources/*.yaml"}},
	{"KEDA", "github.com/kedacore/keda/v2", "v2.21.0", []string{"config/crd/bases/*.yaml"}},
	{"Karpenter", "sigs.k8s.io/karpenter", "v1.15.0", []string{"pkg/apis/crds/*.yaml"}},
	{"Tekton Pipelines", "github.com/tektoncd/pipeline", "v1.1.0", []string{"config/300-crds/*.yaml"}},
	{"Tekton Triggers", "github.com/tektoncd/triggers", "v0.31.0", []string{"config/*.yaml"}},
	{"Crossplane", "github.com/crossplane/crossplane", "v1.20.0", []string{"cluster/crds/*.yaml"}},
	{"Kyverno", "github.com/kyverno/kyverno", "v1.19.1", []string{"config/crds/*/*.yaml"}},
	{"Gatekeeper", "github.com/open-policy-agent/gatekeeper/v3", "v3.23.1", []string{"charts/gatekeeper/crds/*.yaml"}},
	{"Velero", "github.com/vmware-tanzu/velero", "v1.18.3", []string{"config/crd/v1/bases/*.yaml", "config/crd/v2alpha1/bases/*.yaml"}},
	{"CSI snapshots", "github.com/kubernetes-csi/external-snapshotter/client/v8", "v8.7.0", []string{"config/crd/*.yaml"}},
}
