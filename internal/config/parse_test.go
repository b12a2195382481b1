package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/finding"
)

// TestParseBad reads testdata/bad/*.txtar: each a .sluice.yaml and the findings it must give, one per line.
func TestParseBad(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no test cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, findings := Parse(FileName, archive.Files[0].Data)
			got := findings.String() + "\n"
			if *update {
				archive.Files = []txtar.File{archive.Files[0], {Name: "findings", Data: []byte(got)}}
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseEverything(t *testing.T) {
	t.Parallel()
	data := readFile(t, filepath.Join("testdata", "good", "everything.yaml"))
	c, findings := Parse(FileName, data)
	if len(findings) > 0 {
		t.Fatalf("findings:\n%s", findings)
	}
	want := &Config{
		Targets: []TargetRule{
			{Path: "apps/{app}/overlays/{env}", Kind: Kustomize},
			{Path: "clusters/production", App: "clusters", Environment: "prod"},
		},
		Exclude: []Glob{"legacy/**"},
		Order:   []Stage{{"dev"}, {"staging"}, {"prod-eu", "prod-us"}, {"prod"}},
		Environments: map[EnvironmentName]Environment{
			"prod": {Aliases: []EnvironmentName{"production"}, Kubernetes: "1.36", PullRequest: PullRequest{Labels: []Label{}, AutoMerge: AutoMergeOff}},
			"dev":  {Severities: map[RulePattern]Level{"policy/resources": WarningLevel, "schema/unusable": NoticeLevel}},
		},
		Render: Render{Timeout: Duration(2 * time.Minute), Memory: 1 << 30, LoadRestrictor: RootOnly, Helm: true},
		Validation: Validation{
			Kubernetes: "1.37", Unknown: ErrorUnknown, CRDs: []Directory{"crds", "platform/crds"},
			Schemas:  []SchemaLocation{"schemas", "schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"},
			Suppress: SuppressAnywhere,
		},
		Policies:   Policies{Directories: []Directory{"policies", "teams/.rego"}, Disable: []RuleName{"policy/latest-tag"}, Combine: true},
		Severities: map[RulePattern]Level{"policy/resources": ErrorLevel, "schema/*": Off},
		Exceptions: []Exception{
			{
				Rule: "policy/host-path", Environments: []EnvironmentName{"prod"}, Targets: []Glob{"apps/monitoring/**"}, Objects: []ObjectPattern{"DaemonSet.apps monitoring/node-*"},
				Paths: []FieldPattern{"spec.template.spec.volumes[name=proc]"}, Owner: "@org/platform", Reason: "it reads the node's metrics", Until: "2026-12-31",
			},
			{Rule: "schema/unknown-kind", Owner: "payments", Reason: "no schema yet", Until: "2027-06-30"},
		},
		Diff: Diff{
			Ignore: []DiffRule{
				{Kinds: []KindPattern{"Deployment", "*.argoproj.io"}, Paths: []FieldPattern{"spec.replicas", "**.containers[name=proxy]", `data["a.b"]`}},
				{Annotations: []AnnotationPattern{"checksum/*"}},
			},
			Sensitive:       []DiffRule{{Kinds: []KindPattern{"ConfigMap"}, Paths: []FieldPattern{"data.password"}}},
			SensitiveValues: []ValuePattern{`ghp_\w+`},
		},
		Rehearse: Rehearse{
			Provider: RehearseKubeconfig, Contexts: map[EnvironmentName]ContextName{"prod": "admin@prod"},
			Environments: []EnvironmentName{"staging", "prod"}, Timeout: Duration(5 * time.Minute),
		},
		Promotion: Promotion{
			Keep:    []FieldRule{{Path: "spec.rules[*].host"}, {Files: "secrets/**"}},
			Always:  []FieldRule{{Files: "*.env", Path: "IMAGE_*"}},
			Group:   GroupEnvironment,
			FanOut:  FanOutTogether,
			Base:    BaseVersioned,
			History: HistoryBound{Commits: 200, Days: 400},
			PullRequest: PullRequest{
				Title: "{app} to {to}", Body: "See the runbook.", Labels: []Label{"promotion", "area/gitops"}, Reviewers: []Reviewer{"octocat", "team:platform"},
				Assignees: []Login{"hubot"}, Draft: DraftAlways, AutoMerge: AutoMergeSquash,
			},
			Gates: []GateRule{
				{
					To: "prod", From: "staging", Apps: []AppName{"shop", "billing"},
					Statuses:    []StatusPattern{"continuous-delivery/{app}-{from}", "kustomization/{app}/*"},
					Deployments: []DeploymentPattern{"{from}"}, Soak: Soak(2 * time.Hour), Approvals: 2,
					Windows: Windows{
						Zone: "Europe/Berlin",
						Open: []OpenHours{
							{Days: []Weekday{"mon", "tue", "wed", "thu"}, Hours: HourRange{From: 9 * 60, Until: 16*60 + 30}},
							{Days: []Weekday{"fri"}, Hours: HourRange{From: 9 * 60, Until: 12 * 60}},
						},
						Frozen: []Freeze{
							{From: Moment{Year: 2026, Month: 12, Day: 20}, Until: Moment{Year: 2027, Month: 1, Day: 3}, Reason: "the end of the year"},
							{
								From:  Moment{Year: 2027, Month: 3, Day: 1, Clock: 18 * 60, HasTime: true},
								Until: Moment{Year: 2027, Month: 3, Day: 2, Clock: 6 * 60, HasTime: true},
							},
						},
					},
				},
				{Windows: Windows{Open: []OpenHours{{Hours: HourRange{From: 22 * 60, Until: 6 * 60}}}}},
			},
		},
	}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		path []any
		want string
	}{
		{[]any{"targets", 1, "environment"}, ".sluice.yaml:7:18"},
		{[]any{"environments", "prod"}, ".sluice.yaml:15:3"},
		{[]any{"targets", 1, "kind"}, ".sluice.yaml:5:5"}, // not there: the rule's
		{[]any{"nowhere"}, ".sluice.yaml"},
	} {
		if got := c.Pos(test.path...).String(); got != test.want {
			t.Errorf("Pos(%v) = %s, want %s", test.path, got, test.want)
		}
	}
	if got := c.KubernetesFor("prod") + " " + c.KubernetesFor("dev"); got != "1.36 1.37" {
		t.Errorf("Kubernetes of prod and dev: %s", got)
	}
	for _, test := range []struct {
		environment, rule string
		want              Level
	}{
		{"prod", "policy/resources", ErrorLevel}, {"prod", "schema/missing", Off}, {"prod", "policy/other", ""},
		{"dev", "policy/resources", WarningLevel}, {"dev", "schema/missing", Off}, {"dev", "schema/unusable", NoticeLevel},
	} {
		if got, ok := c.Level(test.environment, test.rule); got != test.want || ok != (test.want != "") {
			t.Errorf("Level(%s, %s) = %q, %v", test.environment, test.rule, got, ok)
		}
	}
}

func TestParseNothingGivesTheDefaults(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "# only a comment\n", "---\n", "{}", "null", "targets:\nrender:\n"} {
		c, findings := Parse(FileName, []byte(text))
		if len(findings) > 0 {
			t.Errorf("%q: %s", text, findings)
		}
		if diff := cmp.Diff(Default(), c, cmpopts.IgnoreUnexported(Config{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// TestDatesNeedNoQuotes: YAML takes them for points in time, and so must not be asked of people.
func TestDatesNeedNoQuotes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"2026-12-20", "2026-12-20"},
		{"2026-12-20T18:30", "2026-12-20T18:30"},
		{"2026-12-20 18:30", "2026-12-20T18:30"},
		{`"2028-02-29"`, "2028-02-29"},
	} {
		c, findings := Parse(FileName, []byte("promotion: {gates: [{windows: {frozen: [{from: "+test.text+", until: 2030-01-01}]}}]}"))
		if len(findings) > 0 {
			t.Errorf("%s: %s", test.text, findings)
			continue
		}
		if got := c.Promotion.Gates[0].Windows.Frozen[0].From.String(); got != test.want {
			t.Errorf("%s: got %s, want %s", test.text, got, test.want)
		}
	}
}

// notInSchema are the mistakes that a JSON Schema cannot express: about the text rather than the data, or about two
// values at once. Everything else must be refused by both.
var notInSchema = map[string]string{
	"alias":           "the schema sees what an alias stands for",
	"document":        "the schema sees one document",
	"order-twice":     "two values",
	"unknown-env":     "two values",
	"environment-two": "two values",
	"gates-together":  "two values, and the names of time zones",
	"aliases":         "two values",
	"pattern":         "what is in the braces",
	"tag":             "data has no tags",
	"charts-off":      "two values",
}

// TestSchemaAgreesWithParser feeds the same documents to the parser and to the JSON Schema.
func TestSchemaAgreesWithParser(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	good, err := filepath.Glob(filepath.Join("testdata", "good", "*.yaml"))
	if err != nil || len(good) == 0 {
		t.Fatalf("no test cases: %v", err)
	}
	for _, file := range good {
		data := readFile(t, file)
		if _, findings := Parse(FileName, data); len(findings) > 0 {
			t.Errorf("%s: the parser refuses it:\n%s", file, findings)
		}
		if err := validate(t, schema, data); err != nil {
			t.Errorf("%s: the schema refuses it: %v", file, err)
		}
	}
	bad, err := filepath.Glob(filepath.Join("testdata", "bad", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	excepted := 0
	for _, file := range bad {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if strings.HasPrefix(name, "yaml-") {
			continue // a file without data to hold to a schema
		}
		refused := validate(t, schema, archive.Files[0].Data) != nil
		_, exception := notInSchema[name]
		if exception {
			excepted++
		}
		if refused == exception {
			t.Errorf("%s: refused by the schema: %v, listed as an exception: %v", name, refused, exception)
		}
	}
	if excepted != len(notInSchema) {
		t.Errorf("%d exceptions are listed, %d exist", len(notInSchema), excepted)
	}
}

// TestSchemaFile keeps docs/sluice.schema.json what the types say (go test ./internal/config -update writes it).
func TestSchemaFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "sluice.schema.json")
	if *update {
		if err := os.WriteFile(file, JSONSchema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(readFile(t, file), JSONSchema()) {
		t.Errorf("%s is out of date: run go test ./internal/config -update", file)
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("sluice.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("sluice.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, data []byte) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(data, &value); err != nil { // YAML 1.2, as editors read it: off is text
		t.Fatal(err)
	}
	converted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(converted))
	if err != nil {
		t.Fatal(err)
	}
	err = schema.Validate(document)
	if invalid := (*jsonschema.ValidationError)(nil); err != nil && !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	return err
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FuzzParse: whatever the file, Parse gives a configuration, every finding has a position inside the file, and what
// it accepts gives a layout.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"bad/*.txtar", "good/*.yaml"} {
		files, err := filepath.Glob(filepath.Join("testdata", filepath.FromSlash(pattern)))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			if archive := txtar.Parse(data); len(archive.Files) > 0 {
				data = archive.Files[0].Data
			}
			f.Add(data)
		}
	}
	f.Add([]byte("\ufeff---\r\na: \"\\\r\n"))
	f.Add([]byte("a: 1\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, findings := Parse(FileName, data)
		if c == nil {
			t.Fatal("no configuration")
		}
		for _, found := range findings {
			if !inside(found.Pos, data) {
				t.Errorf("%s: this position is not in the file of %d lines", found, bytes.Count(data, []byte("\n"))+1)
			}
		}
		c.Layout(fixture(), noReferences{})
	})
}

// inside reports whether a position is one of the file's characters, or just behind a line's last.
func inside(pos finding.Pos, data []byte) bool {
	lines := linesOf(data)
	return pos.File == FileName && pos.Line >= 1 && pos.Line <= len(lines) &&
		pos.Column >= 1 && pos.Column <= utf8.RuneCountInString(lines[pos.Line-1])+1
}

// TestPullFor has an environment's own settings win, an empty list too.
func TestPullFor(t *testing.T) {
	t.Parallel()
	c, findings := Parse(FileName, readFile(t, filepath.Join("testdata", "good", "everything.yaml")))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	if got := c.PullFor("prod"); got.Title != "{app} to {to}" || len(got.Labels) != 0 || got.AutoMerge != AutoMergeOff || got.Draft != DraftAlways || len(got.Reviewers) != 2 {
		t.Errorf("prod: %+v", got)
	}
	if got := c.PullFor("staging"); len(got.Labels) != 2 || got.AutoMerge != AutoMergeSquash {
		t.Errorf("staging: %+v", got)
	}
	if got := Default().PullFor("prod"); got.Title == "" || got.Draft != DraftOnConflict || got.AutoMerge != AutoMergeOff || got.Labels != nil {
		t.Errorf("without configuration: %+v", got)
	}
}
