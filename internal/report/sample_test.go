package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/lint"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
)

const (
	baseCommit = "3f786850e387550fdab836ed7e6dc881de23001b"
	headCommit = "89e6c98d92887913cadf06b2adb97f26cde4849b"
)

// sample builds a report as the pipeline does: from objects on base and head.
type sample struct {
	t testing.TB
	r *report.Report
}

func newSample(t testing.TB) sample {
	return sample{t, &report.Report{
		Base: baseCommit, Head: headCommit, Environments: []string{"dev", "staging", "prod"},
		Coverage: report.Coverage{Objects: 48, Validated: 46, Unknown: 2, UnknownKinds: map[string]int{"Rollout.argoproj.io/v1alpha1": 2}, Policies: 31, Kubernetes: []string{"1.37"}},
	}}
}

func (s sample) target(app, environment string, why ...string) report.Target {
	dir := "apps/" + app + "/overlays/" + environment
	return report.Target{
		Target: plan.Target{ID: dir, Dir: dir, App: app, Environment: environment, Kind: "kustomize"},
		Status: report.Rendered, Base: report.Rendered, Why: why, Objects: 12,
	}
}

// changes adds a target with what differs between two streams of YAML, and what is risky in it.
func (s sample) changes(t report.Target, base, head string) {
	s.t.Helper()
	s.r.Targets = append(s.r.Targets, t)
	for _, c := range diff.Sets(parseSample(s.t, base), parseSample(s.t, head), diff.Options{Salt: []byte("salt")}) {
		var risks []string
		for _, f := range lint.Check(c) {
			risks = append(risks, f.Rule)
			f.Pos = finding.Pos{}
			s.r.Findings = append(s.r.Findings, f.In(t.ID, finding.New))
		}
		s.r.Changes = append(s.r.Changes, report.ChangeOf(t.ID, c, risks...))
	}
}

func parseSample(t testing.TB, text string) []*manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse("sample.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatalf("sample: %v\n%s", problems, text)
	}
	return objects
}

func (s sample) finding(severity finding.Severity, rule, message, object, path string, pos finding.Pos, state finding.State, targets ...string) {
	f := finding.Finding{Rule: rule, Severity: severity, Message: message, Object: object, Path: path, Pos: pos}
	for _, id := range targets {
		f.Targets = append(f.Targets, finding.TargetState{ID: id, State: state})
	}
	s.r.Findings = append(s.r.Findings, f)
}

// waived gives the last finding a waiver.
func (s sample) waived(by finding.Waiver) { s.r.Findings[len(s.r.Findings)-1].Waiver = &by }

func deployment(name, namespace, image string, replicas int, extra ...string) string {
	return fmt.Sprintf(`---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app.kubernetes.io/name: %[1]s
  name: %[1]s
  namespace: %[2]s
spec:
  replicas: %[4]d
  selector:
    matchLabels:
      app.kubernetes.io/name: %[1]s
  template:
    metadata:
      labels:
        app.kubernetes.io/name: %[1]s
    spec:
      containers:
      - envFrom:
        - configMapRef:
            name: %[1]s-config
        image: %[3]s
        livenessProbe:
          httpGet:
            path: /healthz
            port: http
        name: %[1]s
        ports:
        - containerPort: 8080
          name: http
        resources:
          limits:
            memory: 256Mi
          requests:
            cpu: 100m
            memory: 128Mi
%[5]s`, name, namespace, image, replicas, strings.Join(extra, ""))
}

func configMap(name, namespace string, data ...string) string {
	text := "---\napiVersion: v1\ndata:\n"
	for _, d := range data {
		text += "  " + d + "\n"
	}
	return text + "kind: ConfigMap\nmetadata:\n  name: " + name + "\n  namespace: " + namespace + "\n"
}

func service(name, namespace string) string {
	return fmt.Sprintf(`---
apiVersion: v1
kind: Service
metadata:
  name: %s
  namespace: %s
spec:
  ports:
  - name: http
    port: 80
    targetPort: http
  selector:
    app.kubernetes.io/name: %[1]s
`, name, namespace)
}

var samples = map[string]func(testing.TB) *report.Report{
	"small": smallChange, "risky": riskyChange, "failing": failingRender, "hostile": hostileNames, "nothing": nothingChanges,
	"new-app": newApplication, "600-targets": manyTargets, "shared-base": sharedBase,
}

// An image and a log level, in three environments; prod's image was another.
func smallChange(t testing.TB) *report.Report {
	s := newSample(t)
	why := "apps/web/base/kustomization.yaml → images"
	for _, e := range []string{"dev", "prod", "staging"} {
		old, replicas, hash := "1.4.2", 1, "ck8h2b7d8f"
		if e == "prod" {
			old, replicas, hash = "1.4.0", 6, "9h2m5g74bt"
		}
		ns := "shop-" + e
		s.changes(s.target("web", e, why),
			deployment("web", ns, "registry.example/shop/web:"+old, replicas)+configMap("web-config-"+hash, ns, "ENVIRONMENT: "+e, "LOG_LEVEL: debug"),
			deployment("web", ns, "registry.example/shop/web:1.5.0", replicas)+configMap("web-config-m5k2tg94hc", ns, "ENVIRONMENT: "+e, "LOG_LEVEL: info"))
	}
	s.r.Unaffected = 21
	report.Finish(s.r)
	return s.r
}

// What a reviewer must not miss: a volume claim and a network policy go, a Secret changes, a selector changes.
func riskyChange(t testing.TB) *report.Report {
	s := newSample(t)
	const claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: uploads\n  namespace: shop\nspec:\n  accessModes: [ReadWriteOnce]\n  resources:\n    requests:\n      storage: 20Gi\n"
	const policy = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: default-deny\n  namespace: shop\nspec:\n  podSelector: {}\n  policyTypes: [Ingress, Egress]\n"
	const secret = "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: web-credentials\n  namespace: shop\nstringData:\n  password: %s\n  user: shop\n"
	const binding = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: web\nroleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: cluster-admin\nsubjects:\n- kind: ServiceAccount\n  name: web\n  namespace: shop\n"
	for _, e := range []string{"staging", "prod"} {
		base := deployment("web", "shop", "registry.example/shop/web:1.4.0", 3) + service("web", "shop") + claim + fmt.Sprintf(secret, "old")
		head := strings.Replace(deployment("web", "shop", "registry.example/shop/web:2.0.0", 3), "matchLabels:\n      app.kubernetes.io/name: web", "matchLabels:\n      app: web", 1) +
			service("web", "shop") + fmt.Sprintf(secret, "new") + binding
		if e == "prod" {
			base += policy
		}
		s.changes(s.target("web", e, "apps/web/base/deployment.yaml"), base, head)
	}
	s.r.Targets = append(s.r.Targets, s.target("web", "dev", "apps/web/base/deployment.yaml"))
	prod, staging := "apps/web/overlays/prod", "apps/web/overlays/staging"
	file := finding.Pos{File: "apps/web/base/deployment.yaml", Line: 12, Column: 5}
	s.finding(finding.Warning, "policy/run-as-non-root", `container "web" may run as root: set securityContext.runAsNonRoot to true.`,
		"Deployment.apps shop/web", "spec.template.spec.containers[name=web]", finding.Pos{File: "apps/web/base/deployment.yaml", Line: 21, Column: 9}, finding.New, prod, staging, "apps/web/overlays/dev")
	s.finding(finding.Error, "schema/unknown-field", `unknown field "replica" in Deployment.spec, did you mean "replicas"?`,
		"Deployment.apps shop/web", "spec.replica", finding.Pos{File: "apps/web/overlays/prod/patch.yaml", Line: 7, Column: 3}, finding.New, prod)
	s.finding(finding.Warning, "policy/probes", `container "web" has no readiness probe.`, "Deployment.apps shop/web", "spec.template.spec.containers[name=web]", file, finding.Existing, prod, staging)
	s.finding(finding.Error, "policy/no-latest-tag", `image "redis" has no tag.`, "Deployment.apps shop/redis", "", file, finding.Fixed, staging)
	s.finding(finding.Error, "policy/host-path", `the volume "proc" reads the node's disk: use another kind of volume`,
		"DaemonSet.apps monitoring/node-exporter", "spec.template.spec.volumes[name=proc]", finding.Pos{File: "apps/web/base/exporter.yaml", Line: 30, Column: 11}, finding.Existing, prod)
	s.waived(finding.Waiver{
		Kind: finding.ByException, Owner: "@octo/platform", Reason: "it reads the node's metrics", Until: "2026-12-31", Pos: finding.Pos{File: ".sluice.yaml", Line: 4, Column: 5},
	})
	s.finding(finding.Warning, "policy/image-tag", `the tag "latest" moves: name a version`, "Deployment.apps shop/web", "spec.template.spec.containers[name=web].image", file, finding.Existing, prod, staging)
	s.waived(finding.Waiver{Kind: finding.ByComment, Reason: "built by every push", Pos: file})
	s.r.Notes = []string{"There is no .sluice.yaml: the environments were found by the names of directories."}
	report.Finish(s.r)
	return s.r
}

// One target cannot be rendered: what the others do is still shown, and the verdict is not green.
func failingRender(t testing.TB) *report.Report {
	s := newSample(t)
	s.changes(s.target("web", "dev", "apps/web/overlays/dev/kustomization.yaml"),
		deployment("web", "shop", "registry.example/shop/web:1.4.0", 1), deployment("web", "shop", "registry.example/shop/web:1.4.0", 2))
	failed := s.target("web", "prod", "apps/web/overlays/prod/kustomization.yaml")
	failed.Status, failed.Objects = report.Failed, 0
	s.r.Targets = append(s.r.Targets, failed)
	s.finding(finding.Error, "render/missing-file", `apps/web/overlays/prod/kustomization.yaml names the patch "patches/replicas.yml", and there is no such file. Did you mean "patches/replicas.yaml"?`,
		"", "", finding.Pos{File: "apps/web/overlays/prod/kustomization.yaml", Line: 9, Column: 9}, finding.New, failed.ID)
	report.Finish(s.r)
	return s.r
}

// A new application in every environment, in slightly different forms, and one target that goes.
func newApplication(t testing.TB) *report.Report {
	s := newSample(t)
	for i, e := range []string{"dev", "staging", "prod"} {
		target := s.target("search", e, "apps/search/overlays/"+e+"/kustomization.yaml is new")
		target.Base = report.Absent
		s.changes(target, "", deployment("search", "search-"+e, "registry.example/search:0.1.0", 1+i)+service("search", "search-"+e))
	}
	gone := s.target("legacy", "prod", "apps/legacy/overlays/prod/kustomization.yaml is removed")
	gone.Status = report.Removed
	s.changes(gone, service("legacy", "legacy"), "")
	report.Finish(s.r)
	return s.r
}

func nothingChanges(t testing.TB) *report.Report {
	s := newSample(t)
	s.r.Targets = append(s.r.Targets, s.target("web", "dev", "apps/web/README.md"))
	report.Finish(s.r)
	return s.r
}

// Names from a repository that wants to be more than a name.
func hostileNames(t testing.TB) *report.Report {
	s := newSample(t)
	s.r.Environments = append(s.r.Environments, "pr|od`@everyone`")
	evil := []string{
		"<script>alert(1)</script>", "</details></summary><img src=x onerror=alert(1)>", "`@octocat`", "``` @octocat", "a|b|c", "[x](https://evil.example)", "![x](https://evil.example/x.png)",
		"@octocat", "#1 GH-1 octo/repo#1", "https://evil.example www.evil.example a@evil.example", "<!-- sluice:report -->", "\x1b[31mred\x1b[0m\a", "\u202egnp.exe", "::error::owned", "a\nb\r\nc", "&lt;b&gt;", "$\\LaTeX$", "*b* _i_ ~~s~~", "\u200b", " ", "https\u200b://x",
	}
	for i, name := range evil {
		target := s.target("app", "prod")
		target.ID, target.Environment = name, "pr|od`@everyone`"
		target.Why = []string{name}
		s.r.Targets = append(s.r.Targets, target)
		s.r.Changes = append(s.r.Changes, report.Change{
			Target: name, Group: name, Kind: name, Namespace: name, Name: name, Was: name, Action: diff.Changed, Added: 1, Risks: []string{name},
			Diff: "@@ " + strings.ReplaceAll(name, "\n", " ") + " @@\n+" + strings.ReplaceAll(name, "\n", "\n+") + fmt.Sprintf(" %d\n+```\n+@octocat <b>\n+````diff\n", i),
		})
		s.finding(finding.Error, name, name+fmt.Sprintf(" %q and \"%s\"", name, name), name, name, finding.Pos{File: name, Line: 1}, finding.New, name)
		s.finding(finding.Error, name, name, name, name, finding.Pos{File: name, Line: 1}, finding.Existing, name)
		s.waived(finding.Waiver{Kind: finding.ByException, Owner: name, Reason: name, Until: name, Pos: finding.Pos{File: name, Line: 1}})
		s.r.Notes = append(s.r.Notes, name)
		s.r.Unchecked = append(s.r.Unchecked, name)
	}
	s.r.Coverage.UnknownKinds = map[string]int{"<b>@octocat": 1, "`|": 1}
	report.Finish(s.r)
	return s.r
}

// An image changes in a base that 600 targets use: 30 regions and 20 applications, prod with one field more.
func manyTargets(t testing.TB) *report.Report {
	s := newSample(t)
	s.r.Coverage = report.Coverage{Objects: 4_812, Validated: 4_790, Unknown: 22, UnknownKinds: map[string]int{"Rollout.argoproj.io/v1alpha1": 20, "Kafka.kafka.strimzi.io/v1beta2": 2}, Policies: 31, Kubernetes: []string{"1.36", "1.37"}}
	for app := range 20 {
		for region := range 10 {
			for _, e := range []string{"dev", "staging", "prod"} {
				name := fmt.Sprintf("service-%02d", app)
				target := s.target(name, e, "components/proxy")
				target.ID += fmt.Sprintf("/region-%02d", region)
				target.Dir = target.ID
				sidecar := "      - image: registry.example/proxy:%s\n        name: proxy\n%s"
				memory := ""
				if e == "prod" {
					memory = "        resources:\n          limits:\n            memory: 64Mi\n"
				}
				s.changes(target, deployment(name, "team-"+name, "registry.example/"+name+":1.0.0", 1+region, fmt.Sprintf(sidecar, "1.9.3", "")),
					deployment(name, "team-"+name, "registry.example/"+name+":1.0.0", 1+region, fmt.Sprintf(sidecar, "2.0.0", memory)))
			}
		}
	}
	report.Finish(s.r)
	return s.r
}

// 600 targets in which every one changes in its own way: what grouping cannot help.
func sharedBase(t testing.TB) *report.Report {
	s := newSample(t)
	for i := range 200 {
		for _, e := range []string{"dev", "staging", "prod"} {
			name := fmt.Sprintf("service-%03d", i)
			s.changes(s.target(name, e, "apps/"+name), deployment(name, name, fmt.Sprintf("registry.example/x:1.%d.0", i), 2)+configMap(name+"-config", name, fmt.Sprintf("VERSION: 1.%d.0", i)),
				deployment(name, name, fmt.Sprintf("registry.example/x:2.%d.0", i), 2+i)+configMap(name+"-config", name, fmt.Sprintf("VERSION: 2.%d.0", i), "E: "+e+strings.Repeat("x", i)))
		}
	}
	report.Finish(s.r)
	return s.r
}
