package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/finding"
)

// FileName is the name of the configuration file, in the repository's root.
const FileName = ".sluice.yaml"

// Config is what .sluice.yaml says. Its types drive three things: the parser, the JSON Schema for editors, and the
// descriptions in both. A field's tag yaml is its key, doc its description, min and max its bounds; required fields
// say so. What a scalar may be stands with its type (see shape.go).
type Config struct {
	Targets      []TargetRule                    `yaml:"targets" doc:"What is rendered, said explicitly. Without it, targets are detected from the directories."`
	Exclude      []Glob                          `yaml:"exclude" doc:"Directories that are no targets, with everything below them."`
	Order        []Stage                         `yaml:"order" doc:"The environments in promotion order, lowest first. A list within the list is one stage of several environments. Without it, well-known names are ordered by what they mean."`
	Environments map[EnvironmentName]Environment `yaml:"environments" doc:"What is particular to an environment, by its name."`
	Render       Render                          `yaml:"render" doc:"Limits of rendering, and what it may use."`
	Validation   Validation                      `yaml:"validation" doc:"Validation against the schemas of Kubernetes and of custom resources."`
	Policies     Policies                        `yaml:"policies" doc:"Policies in Rego."`
	Severities   map[RulePattern]Level           `yaml:"severities" doc:"The severity of rules: of one (policy/resources), or of all of an area (schema/*). The more exact one wins."`
	Exceptions   []Exception                     `yaml:"exceptions" doc:"Findings that are accepted until a day, each with an owner and a reason. They are shown, and do not count."`
	Diff         Diff                            `yaml:"diff" doc:"The rendered difference."`
	Promotion    Promotion                       `yaml:"promotion" doc:"What is promoted from environment to environment."`
	Rehearse     Rehearse                        `yaml:"rehearse" doc:"Rehearsal on a real API server: a provider, or a mapping with more."`

	file      string
	positions map[string]finding.Pos
}

// TargetRule finds targets by their path.
type TargetRule struct {
	Path        PathPattern     `yaml:"path" required:"true" doc:"Directories from the repository's root. {app} and {env} capture a path segment or a part of one, * matches a segment or a part of one, ** any number of segments."`
	Kind        Kind            `yaml:"kind" doc:"What the directories hold. Default: kustomize where there is a kustomization, manifests elsewhere."`
	App         AppName         `yaml:"app" doc:"The application, where the path has no {app}. Default: all."`
	Environment EnvironmentName `yaml:"environment" doc:"The environment, where the path has no {env}."`
}

// Stage is one step of the promotion order: one environment, or several in parallel.
type Stage []EnvironmentName

// Environment holds what is particular to one environment.
type Environment struct {
	Aliases     []EnvironmentName `yaml:"aliases" doc:"Other names of the environment in paths."`
	Kubernetes  KubernetesVersion `yaml:"kubernetes" doc:"The Kubernetes version of its clusters. Default: that of validation."`
	Bundles     []Bundle          `yaml:"bundles" doc:"The bundles of built-in policies that hold here. Default: those of policies."`
	PullRequest PullRequest       `yaml:"pull-request" doc:"How pull requests that promote to this environment look, where it differs from promotion.pull-request."`

	Severities map[RulePattern]Level `yaml:"severities" doc:"The severity of rules here. What it does not name is as the severities of the repository say."`
}

// Render limits the rendering of one target.
type Render struct {
	Timeout        Duration       `yaml:"timeout" doc:"How long one target may take."`
	Memory         Memory         `yaml:"memory" doc:"How much memory a rendering process may use."`
	Remote         []RemoteBase   `yaml:"remote" doc:"Remote bases that may be fetched, each pinned to a commit: host/org/repository@commit. A kustomization names the same commit, as ?ref=. Without it, nothing is fetched."`
	Helm           bool           `yaml:"helm" doc:"Render the Helm charts that a kustomization names in helmCharts and that lie in the repository. Nothing is executed. Default: false, and they are refused."`
	Charts         []RemoteChart  `yaml:"charts" doc:"Charts that may be fetched where the repository does not hold them. Needs helm: true. Without it, none are fetched."`
	LoadRestrictor LoadRestrictor `yaml:"load-restrictor" doc:"Where a kustomization may read files: anywhere in the repository, or only in and below its own directory (kustomize's default)."`
}

// Validation says which schemas objects are held to.
type Validation struct {
	Kubernetes KubernetesVersion `yaml:"kubernetes" doc:"The Kubernetes version whose schemas are used. Default: the newest that sluice has."`
	Unknown    Unknown           `yaml:"unknown" doc:"What an object without a schema is. Ignored ones are still counted in the coverage."`
	CRDs       []Directory       `yaml:"crds" doc:"Directories of the repository that hold CustomResourceDefinitions which bind before those found elsewhere in it."`
	Schemas    []SchemaLocation  `yaml:"schemas" doc:"Where the repository keeps JSON schemas of custom resources: a directory, or a template of file names as kubeconform's option -schema-location takes it."`
	Suppress   Suppress          `yaml:"suppress" doc:"Which comments \"# sluice:ignore RULE reason\" count: those that are on base too, those anywhere (a change may then silence what it brings), or none."`
}

// Policies says which policies run.
type Policies struct {
	Directories []Directory      `yaml:"directories" doc:"Directories of the repository that hold policies in Rego, beside the built-in ones."`
	Remote      []RemotePolicies `yaml:"remote" doc:"Policies in Rego from elsewhere, each pinned by what it holds. They count as the repository's own. Without it, nothing is fetched."`
	Bundles     []Bundle         `yaml:"bundles" doc:"Bundles of built-in policies. baseline and restricted are the levels of the Pod Security Standards. Default: default. An empty list runs none."`
	Disable     []RuleName       `yaml:"disable" doc:"Policies that do not run. A * stands for any part of a name."`
	Combine     bool             `yaml:"combine" doc:"Give the repository's own policies all objects of a target as one input, a list of {path, contents}, as conftest --combine does. Default: false, and they see one object after another."`
}

// Diff says how the rendered difference is shown.
type Diff struct {
	Context         int            `yaml:"context" min:"0" max:"100" doc:"Unchanged lines shown around a change."`
	Ignore          []DiffRule     `yaml:"ignore" doc:"Differences that are noise: they are counted, not shown, and not looked at for risks."`
	Sensitive       []DiffRule     `yaml:"sensitive" doc:"Values that are hidden as those of Secrets are. A rule with kinds only hides all values of the objects."`
	SensitiveValues []ValuePattern `yaml:"sensitive-values" doc:"Regular expressions (RE2). What they match is hidden wherever it stands in a value."`
}

// DiffRule chooses objects, or fields of them.
type DiffRule struct {
	Kinds       []KindPattern       `yaml:"kinds" doc:"Kinds, such as Deployment, or Deployment.apps with the group; * stands for any text. Default: all. A rule with kinds only chooses whole objects."`
	Paths       []FieldPattern      `yaml:"paths" doc:"Fields and all below them, such as spec.replicas or spec.template.spec.containers[name=web].image. * stands for any text of one step, [*] for any item of a list, ** for any steps."`
	Annotations []AnnotationPattern `yaml:"annotations" doc:"Annotations, of objects and of their pod templates; * stands for any text."`
}

// Promotion says what a promotion carries, and what it leaves alone.
type Promotion struct {
	Keep        []FieldRule    `yaml:"keep" doc:"Fields and files that each environment owns, beside those that sluice knows: replicas, compute resources, hosts, namespaces, storage sizes. They are never promoted."`
	Always      []FieldRule    `yaml:"always" doc:"Fields that are promoted even where a rule of keep matches, beside those that sluice knows: images, chart versions, remote references. A value that the source never had is a conflict."`
	Group       PromotionGroup `yaml:"group" doc:"What one pull request carries: one application, or all applications of an environment."`
	FanOut      FanOut         `yaml:"fan-out" doc:"Whether a stage of several environments gets a pull request for each of them, or one for all together."`
	Base        BasePromotion  `yaml:"base" doc:"Whether environments share the directories that their targets are built from, or have copies of them, which are promoted like the targets: base for the first, base-ENV beside it for each later one. sluice init --version-bases makes the copies."`
	PullRequest PullRequest    `yaml:"pull-request" doc:"How promotion pull requests look, and who sees to them. An environment's own pull-request says it for those that lead to it."`
	History     HistoryBound   `yaml:"history" doc:"How far back the history is read that tells what a target owns. What was before counts as unknown: then a plan says so, and a value that the source may have had then counts as the target's own."`
	Gates       []GateRule     `yaml:"gates" doc:"What must hold before a promotion goes on. All rules that choose it must hold. A gate that cannot be read is closed."`
}

// HistoryBound says how far back a history is read. Both count from the commit that is promoted into: the same commits are read on every machine,
// today and tomorrow.
type HistoryBound struct {
	Commits int `yaml:"commits" min:"1" max:"1000000" doc:"How many commits of the directories that are promoted."`
	Days    int `yaml:"days" min:"1" max:"36500" doc:"How old a commit may be, compared with the newest one."`
}

// FieldRule chooses fields of files.
type FieldRule struct {
	Files FileGlob     `yaml:"files" doc:"Files by their path below the target's directory; * matches a part of a segment, ** any number of segments. Default: all. A rule with files only chooses whole files."`
	Path  FieldPattern `yaml:"path" doc:"Fields, such as spec.replicas or images[name=shop].newTag. * stands for any text of one step, [*] for any item of a list, ** for any steps."`
}

// Default is the configuration of a repository without a file, and what a file starts from.
func Default() *Config {
	return &Config{
		Render:     Render{Timeout: Duration(30 * time.Second), Memory: 512 << 20, LoadRestrictor: Repository},
		Validation: Validation{Unknown: WarningUnknown, Suppress: SuppressBase},
		Policies:   Policies{Directories: []Directory{"policies"}},
		Diff:       Diff{Context: 3},
		Promotion:  Promotion{Group: GroupApp, FanOut: FanOutEach, Base: BaseShared, History: HistoryBound{Commits: 5000, Days: 3650}},
		Rehearse:   Rehearse{Timeout: Duration(10 * time.Minute)},
	}
}

// Pos says where a value stands in the file: Pos("targets", 0, "path"). For a value the file does not have it is the
// place of the nearest one around it; for a configuration without a file it is the zero position.
func (c *Config) Pos(path ...any) finding.Pos {
	for ; len(path) > 0; path = path[:len(path)-1] {
		if pos, ok := c.positions[positionKey(path)]; ok {
			return pos
		}
	}
	return finding.Pos{File: c.file}
}

func positionKey(path []any) string {
	var b strings.Builder
	for _, step := range path {
		fmt.Fprintf(&b, "\x00%v", step)
	}
	return b.String()
}

// KubernetesFor gives the Kubernetes version that an environment's objects are validated against; "" for the newest.
func (c *Config) KubernetesFor(environment string) KubernetesVersion {
	if version := c.Environments[EnvironmentName(environment)].Kubernetes; version != "" {
		return version
	}
	return c.Validation.Kubernetes
}

// BundlesFor gives the bundles of built-in policies that hold in an environment; nil for those that hold by default.
func (c *Config) BundlesFor(environment string) []Bundle {
	if bundles := c.Environments[EnvironmentName(environment)].Bundles; bundles != nil {
		return bundles
	}
	return c.Policies.Bundles
}

// Level gives what severities says of a rule in an environment: what the environment says before what the repository says, and the
// rule's own name before its area's. ok is false when nothing is said.
func (c *Config) Level(environment, rule string) (level Level, ok bool) {
	area, _, _ := strings.Cut(rule, "/")
	for _, severities := range []map[RulePattern]Level{c.Environments[EnvironmentName(environment)].Severities, c.Severities} {
		for _, name := range []string{rule, area + "/*"} {
			if level, ok = severities[RulePattern(name)]; ok {
				return level, true
			}
		}
	}
	return "", false
}
