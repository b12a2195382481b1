package bundle_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/bundle"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/policy"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  template:
    spec:
      containers:
      - {name: web, image: "web:1.2"}
`

const configMap = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {replicas: many}
`

func objects(t *testing.T, docs ...string) []*manifest.Object {
	t.Helper()
	out, problems := manifest.Parse("apps/web.yaml", []byte(strings.Join(docs, "---\n")))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return out
}

func tree(files map[string]string) fstest.MapFS {
	repo := make(fstest.MapFS)
	for name, text := range files {
		repo[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return repo
}

// own are options without the built-in policies.
var own = policy.Options{Bundles: []string{}}

// checkAll loads the policies of a repository and gives one line per finding of loading and checking.
func checkAll(t *testing.T, files map[string]string, opts policy.Options, docs ...string) (lines []string, result policy.Result) {
	t.Helper()
	engine, problems, err := bundle.LoadPolicies(t.Context(), tree(files), []string{"policies"}, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	result, err = engine.Check(t.Context(), objects(t, docs...))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(problems, result.Findings...) {
		line := f.Severity.String() + " " + f.String()
		if f.Waiver != nil {
			line += fmt.Sprintf(" %s accepts it: %s", f.Waiver.Pos, f.Waiver.Reason)
		}
		lines = append(lines, line)
	}
	return lines, result
}

func TestConftestSemantics(t *testing.T) {
	tests := map[string]struct {
		rego       string
		want       []string
		exceptions int
	}{
		"a message": {
			rego: "package main\ndeny contains msg if { input.kind == \"Deployment\"; msg := \"no deployments\" }",
			want: []string{"error apps/web.yaml: no deployments [policy/main/deny]"},
		},
		"deny, violation and warn, with and without a suffix": {
			rego: `package main
deny contains "a"
deny_b contains "b"
violation contains {"msg": "c", "details": {}}
violation_d_2 contains {"msg": "d"}
warn contains "e"
warn_f contains {"msg": "f"}
denied contains "helper"
warn_ contains "helper"
`,
			want: []string{
				"error apps/web.yaml: a [policy/main/deny]",
				"error apps/web.yaml: b [policy/main/deny_b]",
				"error apps/web.yaml: c [policy/main/violation]",
				"error apps/web.yaml: d [policy/main/violation_d_2]",
				"warning apps/web.yaml: e [policy/main/warn]",
				"warning apps/web.yaml: f [policy/main/warn_f]",
			},
		},
		"an exception names a rule by its suffix": {
			rego: `package main
deny_replicas contains "too many" if input.spec.replicas > 2
deny_image contains "bad image"
exception contains rules if { input.metadata.name == "web"; rules := ["replicas"] }
`,
			want: []string{
				"error apps/web.yaml: bad image [policy/main/deny_image]",
				"error apps/web.yaml: too many [policy/main/deny_replicas] policies/a.rego:4:1 accepts it: the rule exception of package main",
			},
			exceptions: 1,
		},
		"an exception with an empty name is for the rules without a suffix": {
			rego: `package main
deny contains "a"
warn_x contains "x"
exception contains [""]
`,
			want: []string{
				"error apps/web.yaml: a [policy/main/deny] policies/a.rego:4:1 accepts it: the rule exception of package main",
				"warning apps/web.yaml: x [policy/main/warn_x]",
			},
			exceptions: 1,
		},
		"every package counts": {
			rego: "package kubernetes.images\ndeny_x contains \"x\"",
			want: []string{"error apps/web.yaml: x [policy/kubernetes.images/deny_x]"},
		},
		"an empty message passes":     {rego: "package main\ndeny contains \"\""},
		"a rule that is false passes": {rego: "package main\ndeny := false"},
		"an array of messages": {
			rego: "package main\ndeny := [\"a\", \"b\"]",
			want: []string{"error apps/web.yaml: a [policy/main/deny]", "error apps/web.yaml: b [policy/main/deny]"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines, result := checkAll(t, map[string]string{"policies/a.rego": tt.rego}, own, deployment)
			if diff := cmp.Diff(tt.want, lines); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(result.Exceptions) != tt.exceptions {
				t.Errorf("exceptions: %v, want %d", result.Exceptions, tt.exceptions)
			}
			if result.Incomplete {
				t.Error("the result is incomplete")
			}
		})
	}
}

// What could not be decided is a finding at the place in the Rego file, and the result is incomplete.
func TestNothingFailsOpen(t *testing.T) {
	tests := map[string]struct {
		rego string
		want []string
	}{
		"a builtin that fails": {
			rego: "package main\ndeny contains \"many\" if to_number(input.data.replicas) > 3",
			want: []string{"error policies/a.rego:2:25: this expression fails for ConfigMap settings, so the rule it stands in decides nothing: to_number: strconv.ParseFloat: parsing \"many\": invalid syntax [policy/evaluation]"},
		},
		"a conflict hides nothing of other rules": {
			rego: `package main
kind := "a" if input.kind
kind := "b" if input.kind
deny_a contains kind
deny_b contains "b"
`,
			want: []string{
				"error apps/web.yaml: b [policy/main/deny_b]",
				"error policies/a.rego:3:1: policy/main/deny_a could not be evaluated for ConfigMap settings: complete rules must not produce multiple outputs [policy/evaluation]",
			},
		},
		"a rule that is true": {
			rego: "package main\ndeny if input.kind",
			want: []string{"error policies/a.rego:2:1: policy/main/deny gives no collection of messages (write `deny contains msg if { … }`) for ConfigMap settings [policy/evaluation]"},
		},
		"a number": {
			rego: "package main\ndeny contains 5",
			want: []string{"error policies/a.rego:2:1: policy/main/deny gives a result that is neither a text nor an object with a msg (5) for ConfigMap settings [policy/evaluation]"},
		},
		"an object without msg": {
			rego: "package main\ndeny contains {\"message\": \"x\"}",
			want: []string{"error policies/a.rego:2:1: policy/main/deny gives an object without a text msg for ConfigMap settings [policy/evaluation]"},
		},
		"endless results": {
			rego: "package main\ndeny contains sprintf(\"%d\", [i]) if some i in numbers.range(1, 5000)",
			want: []string{"error policies/a.rego:2:1: policy/main/deny gives 5000 results; only the first 1000 are shown for ConfigMap settings [policy/evaluation]"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines, result := checkAll(t, map[string]string{"policies/a.rego": tt.rego}, own, configMap)
			if name == "endless results" {
				lines = lines[len(lines)-1:]
			}
			if diff := cmp.Diff(tt.want, lines); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if !result.Incomplete {
				t.Error("the result is called complete")
			}
		})
	}
}

func TestRegoThatCannotBeLoaded(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		want  []string
	}{
		"syntax": {
			files: map[string]string{"policies/sub/bad.rego": "package main\n\ndeny contains msg if {\n  input.x ==\n}\n", "policies/good.rego": "package main\nwarn contains \"x\""},
			want:  []string{"error policies/sub/bad.rego:5:1: this Rego is not valid: unexpected } token [policy/rego]"},
		},
		"http.send": {
			files: map[string]string{"policies/a.rego": "package main\ndeny contains msg if { msg := http.send({\"method\": \"get\", \"url\": \"http://x\"}).body }"},
			want:  []string{"error policies/a.rego:2:31: policies must not use http.send: it reaches the network [policy/rego]"},
		},
		"the environment": {
			files: map[string]string{"policies/a.rego": "package main\ndeny contains msg if { msg := opa.runtime().env.HOME }"},
			want:  []string{"error policies/a.rego:2:31: policies must not use opa.runtime: it reads the environment [policy/rego]"},
		},
		"recursion": {
			files: map[string]string{"policies/a.rego": "package main\nf(x) := f(x - 1)\ndeny contains f(input.x)"},
			want:  []string{"error policies/a.rego:2:1: this Rego is not valid: rule data.main.f is recursive: data.main.f -> data.main.f [policy/rego]"},
		},
		"Rego v0": {
			files: map[string]string{"policies/a.rego": "package main\ndeny[msg] { msg := \"x\" }"},
			want: []string{
				"error policies/a.rego:2:1: this Rego is not valid: `contains` keyword is required for partial set rules; this looks like Rego v0, sluice reads Rego v1 (`opa fmt --write --v0-v1` rewrites it) [policy/rego]",
				"error policies/a.rego:2:1: this Rego is not valid: `if` keyword is required before rule body; this looks like Rego v0, sluice reads Rego v1 (`opa fmt --write --v0-v1` rewrites it) [policy/rego]",
			},
		},
		"if without contains": {
			files: map[string]string{"policies/a.rego": "package main\ndeny[msg] if { msg := \"x\" }"},
			want:  []string{"error policies/a.rego:2: this rule has \"if\" but not \"contains\", so it gives no messages: write `deny contains msg if { … }` [policy/rego]"},
		},
		"no such directory": {
			files: map[string]string{"a": ""},
			want:  []string{"error policies: the policy directory policies does not exist [policy/rego]"},
		},
		"no Rego": {
			files: map[string]string{"policies/a_test.rego": "package main", "policies/kyverno.yaml": ""},
			want:  []string{"notice policies: the policy directory policies holds no .rego file [policy/no-rego]"},
		},
		"data that is no object": {
			files: map[string]string{"policies/a.rego": "package main\ndeny contains \"x\"", "policies/data/a.yaml": "- 1\n"},
			want:  []string{"error policies/data/a.yaml: document must be of type object [policy/rego]"},
		},
		"data that is not YAML": {
			files: map[string]string{"policies/a.rego": "package main\ndeny contains \"x\"", "policies/data/a.yaml": "a: [\n"},
			want:  []string{"error policies/data/a.yaml: error converting YAML to JSON: yaml: line 1: did not find expected node content [policy/rego]"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines, _ := checkAll(t, tt.files, own, configMap)
			if diff := cmp.Diff(tt.want, lines); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDataFiles(t *testing.T) {
	lines, _ := checkAll(t, map[string]string{
		"policies/a.rego":           "package main\ndeny contains msg if { input.spec.replicas > data.limits.replicas; msg := sprintf(\"at most %d\", [data.limits.replicas]) }",
		"policies/data/limits.yaml": "limits: {replicas: 2}\n",
		"policies/a_test.rego":      "this is not even Rego",
	}, own, deployment)
	if want := []string{"error apps/web.yaml: at most 2 [policy/main/deny]"}; !cmp.Equal(lines, want) {
		t.Error(cmp.Diff(want, lines))
	}
}

// Rego is hostile: whatever it does, the run ends soon, says so, and nothing outside is touched.
func TestHostileRego(t *testing.T) {
	double := "s0 := \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n"
	for i := range 35 {
		double += fmt.Sprintf("s%d := concat(\"\", [s%d, s%d])\n", i+1, i, i)
	}
	tests := map[string]struct{ rego, want string }{
		"an endless loop":          {`deny contains "x" if { some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i + j == -1 }`, "passed the limit of"},
		"an endless walk":          {`deny contains "x" if { some i in numbers.range(1, 100000); walk(input, [p, v]); p[0] == i }`, "passed the limit of"},
		"a builtin that goes on":   {`deny contains "x" if count(numbers.range(1, 1000000000)) > 5`, "passed the limit of"},
		"text that doubles":        {double + `deny contains "x" if count(s35) > 5`, "passed the limit of"},
		"every address there is":   {`deny contains "x" if count(net.cidr_expand("::/0")) > 1`, "passed the limit of"},
		"an alias bomb":            {"deny contains \"x\" if yaml.unmarshal(`a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]`)", "excessive aliasing"},
		"deep text":                {`deny contains "x" if json.unmarshal(replace(sprintf("%1000000d", [1]), " ", "["))`, "exceeded max depth"},
		"deep Rego":                {"deny contains " + strings.Repeat("[", 60_000) + strings.Repeat("]", 60_000), "max parsing recursion depth exceeded"},
		"a schema in a file":       {`deny contains "x" if json.match_schema({}, {"$ref": "file:///etc/hostname"})[0]`, "must not use json.match_schema"},
		"the address of a host":    {`deny contains "x" if net.lookup_ip_addr("localhost")`, "must not use net.lookup_ip_addr"},
		"conftest's file reader":   {`deny contains "x" if parse_config_file("/etc/hostname")`, "must not use parse_config_file"},
		"an endless message":       {`deny contains sprintf("%1000000d", [1])`, "…"},
		"a package of the program": {"deny contains \"x\" if data.sluice.workload.kubernetes", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			opts := own
			opts.Limits = policy.Limits{Time: 500 * time.Millisecond, Memory: 100 << 20}
			start := time.Now()
			lines, _ := checkAll(t, map[string]string{"policies/a.rego": "package main\n" + tt.rego}, opts, configMap)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			all := strings.Join(lines, "\n")
			if !strings.Contains(all, tt.want) || tt.want == "" && len(lines) > 0 {
				t.Errorf("want %q, got %.500s", tt.want, all)
			}
			if len(all) > 20_000 {
				t.Errorf("%d bytes of findings", len(all))
			}
		})
	}
}

func TestTimeLimit(t *testing.T) {
	loop := "package main\ndeny contains \"x\" if { some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i + j == -1 }"
	opts := own
	opts.Limits.Time = 50 * time.Millisecond
	start := time.Now()
	lines, result := checkAll(t, map[string]string{"policies/a.rego": loop}, opts, deployment, configMap, configMap, configMap, configMap)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	if len(lines) != 4 || !strings.Contains(lines[0], "no longer evaluated") || !strings.Contains(lines[1], "passed the limit of 50ms") || !result.Incomplete {
		t.Errorf("%s", strings.Join(lines, "\n"))
	}
}

func TestSeverities(t *testing.T) {
	files := map[string]string{"policies/a.rego": "package main\ndeny_a contains \"a\"\ndeny_b contains \"b\"\nwarn_c contains \"c\""}
	opts := own
	opts.Severities = map[string]finding.Severity{"policy/main/*": finding.Notice, "policy/main/deny_a": finding.Warning, "policy/mian/*": finding.Error}
	opts.Disable = []string{"policy/main/warn_*"}
	lines, result := checkAll(t, files, opts, configMap)
	want := []string{
		"error severities: \"policy/mian/*\" matches no rule [policy/no-such-rule]",
		"warning apps/web.yaml: a [policy/main/deny_a]",
		"notice apps/web.yaml: b [policy/main/deny_b]",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if result.Evaluated != 2 {
		t.Errorf("evaluated %d rules, want 2", result.Evaluated)
	}
}
