package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// shape says what text a scalar may be. It is given once, with the type, and used by the parser and the JSON Schema.
type shape struct {
	what    string   // what it is, for messages: "a Kubernetes version such as 1.37"
	enum    []string // the words it may be
	pattern string   // or a regular expression of RE2 that is also one of ECMA-262
	// timestamp says that YAML may take the text for a point in time where it stands without quotes.
	timestamp bool
}

// fits reports whether a text is one that the shape allows.
func (s shape) fits(text string) bool {
	if s.enum != nil {
		return slices.Contains(s.enum, text)
	}
	return compiled(s.pattern).MatchString(text)
}

// String gives what the text may be, for messages.
func (s shape) String() string {
	if s.enum != nil {
		return alternatives(s.enum)
	}
	return s.what
}

var patterns sync.Map // of regular expressions by their text: shapes are few and constant

func compiled(pattern string) *regexp.Regexp {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(pattern)
	patterns.Store(pattern, re)
	return re
}

type shaped interface{ shape() shape }

// parsed is a scalar whose value is not its text.
type parsed interface{ parse(text string) error }

// EnvironmentName names an environment: a path segment, or a part of one.
type EnvironmentName string

// AppName names an application.
type AppName string

// PathPattern matches directories, with {app}, {env}, * and **.
type PathPattern string

// Glob matches directories, with * and **.
type Glob string

// FileGlob matches files below a directory, with * and **.
type FileGlob string

// PromotionGroup says what one pull request promotes.
type PromotionGroup string

// What one pull request promotes.
const (
	GroupApp         PromotionGroup = "app"         // one application
	GroupEnvironment PromotionGroup = "environment" // every application of an environment
)

// KindPattern matches the kinds of objects.
type KindPattern string

// FieldPattern matches field paths.
type FieldPattern string

// AnnotationPattern matches the names of annotations.
type AnnotationPattern string

// ValuePattern is a regular expression that matches what is secret in a value.
type ValuePattern string

// Directory is a directory of the repository.
type Directory string

// SchemaLocation is a directory of the repository with JSON schemas, or a template of their paths as kubeconform takes it:
// schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json.
type SchemaLocation string

// Bundle is a set of built-in policies.
type Bundle string

// RemoteBase is a commit of another repository, such as "github.com/org/repo@<40 hexadecimal digits>".
type RemoteBase string

// RuleName is the identifier of a rule, "<area>/<name>", or of several with "*".
type RuleName string

// RulePattern is a rule's identifier, or "<area>/*".
type RulePattern string

// KubernetesVersion is a minor version of Kubernetes, such as "1.37".
type KubernetesVersion string

// Level is a severity, or "off".
type Level string

// The levels.
const (
	ErrorLevel   Level = "error"
	WarningLevel Level = "warning"
	NoticeLevel  Level = "notice"
	Off          Level = "off"
)

// LoadRestrictor says where a kustomization may read.
type LoadRestrictor string

// The load restrictors.
const (
	Repository LoadRestrictor = "repository" // anywhere in the repository
	RootOnly   LoadRestrictor = "root-only"  // in and below the kustomization's directory
)

// Unknown says what an object without a schema is.
type Unknown string

// What objects without a schema are.
const (
	ErrorUnknown   Unknown = "error"
	WarningUnknown Unknown = "warning"
	IgnoreUnknown  Unknown = "ignore"
)

// Suppress says which comments may suppress findings.
type Suppress string

// Which comments suppress findings.
const (
	SuppressBase     Suppress = "base"     // those that suppress the same finding on base
	SuppressAnywhere Suppress = "anywhere" // those of the change, too
	SuppressNever    Suppress = "never"
)

// Duration is a length of time, such as 30s.
type Duration time.Duration

// Memory is a number of bytes, such as 512Mi.
type Memory int64

const (
	nameRegexp = `^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`
	// partRegexp is a character of a path or a placeholder; a segment of a location has at least one, so that none is "..".
	partRegexp     = `([^/\\:\s{}.]|\{\{ ?\.[A-Za-z]+ ?\}\})`
	locationRegexp = `\.?` + partRegexp + `(` + partRegexp + `|\.)*`
	segmentRegexp  = `([^/{}\\\s.]|[^/{}\\\s.][^/{}\\\s]*|\.[^/{}\\\s.][^/{}\\\s]*)`
)

func (EnvironmentName) shape() shape {
	return shape{what: "the name of an environment", pattern: nameRegexp}
}

func (AppName) shape() shape {
	return shape{what: "the name of an application", pattern: nameRegexp}
}

func (PathPattern) shape() shape {
	return shape{
		what:    "directories from the repository's root, such as apps/{app}/overlays/{env}",
		pattern: `^[^/\\\s]+(/[^/\\\s]+)*$`,
	}
}

func (Glob) shape() shape {
	return shape{what: "directories from the repository's root, such as legacy/**", pattern: `^[^/\\\s{}]+(/[^/\\\s{}]+)*$`}
}

func (Directory) shape() shape {
	return shape{
		what:    "a directory from the repository's root, such as policies",
		pattern: `^` + segmentRegexp + `(/` + segmentRegexp + `)*$`,
	}
}

func (SchemaLocation) shape() shape {
	return shape{
		what:    "a path inside the repository, such as schemas or schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json (nothing is downloaded)",
		pattern: `^` + locationRegexp + `(/` + locationRegexp + `)*$`,
	}
}

func (Bundle) shape() shape {
	return shape{enum: []string{"default", "practice", "baseline", "restricted"}}
}

func (FileGlob) shape() shape {
	return shape{what: "files below a target's directory, such as values-*.yaml or **/*.env", pattern: `^[^/\\\s{}]+(/[^/\\\s{}]+)*$`}
}

func (PromotionGroup) shape() shape {
	return shape{enum: []string{string(GroupApp), string(GroupEnvironment)}}
}

func (KindPattern) shape() shape {
	return shape{what: "a kind, such as Deployment or Deployment.apps", pattern: `^[A-Za-z*][A-Za-z0-9*-]*(\.[A-Za-z0-9*.-]+)?$`}
}

func (FieldPattern) shape() shape {
	return shape{what: "a field, such as spec.replicas", pattern: `^[^\s.]([^\s]*[^\s.])?$`}
}

func (AnnotationPattern) shape() shape {
	return shape{what: "the name of an annotation, such as checksum/config", pattern: `^[A-Za-z0-9*]([A-Za-z0-9._/*-]*[A-Za-z0-9*])?$`}
}

func (ValuePattern) shape() shape { return shape{what: "a regular expression", pattern: `^.+$`} }

func (RemoteBase) shape() shape {
	return shape{
		what:    "a repository and the full id of a commit, host/org/repository@COMMIT with 40 or 64 hexadecimal digits",
		pattern: `^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)+@([0-9a-f]{40}|[0-9a-f]{64})$`,
	}
}

func (RuleName) shape() shape {
	return shape{what: "a rule, such as policy/resources", pattern: `^[a-z]+(/[A-Za-z0-9_.*-]+)+$`}
}

func (RulePattern) shape() shape {
	return shape{what: "a rule, such as policy/resources, or an area, such as schema/*", pattern: `^[a-z]+(/[A-Za-z0-9_.-]+)*/([A-Za-z0-9_.-]+|\*)$`}
}

func (KubernetesVersion) shape() shape {
	return shape{what: `a Kubernetes version in quotes, such as "1.37"`, pattern: `^1\.(0|[1-9][0-9]?)$`}
}

func (Kind) shape() shape { return shape{enum: []string{string(Kustomize), string(Manifests)}} }

func (Level) shape() shape {
	return shape{enum: []string{string(ErrorLevel), string(WarningLevel), string(NoticeLevel), string(Off)}}
}

func (LoadRestrictor) shape() shape {
	return shape{enum: []string{string(Repository), string(RootOnly)}}
}

func (Unknown) shape() shape {
	return shape{enum: []string{string(ErrorUnknown), string(WarningUnknown), string(IgnoreUnknown)}}
}

func (Suppress) shape() shape {
	return shape{enum: []string{string(SuppressBase), string(SuppressAnywhere), string(SuppressNever)}}
}

func (Duration) shape() shape {
	return shape{what: "a time such as 30s, 500ms or 2m", pattern: `^[1-9][0-9]{0,5}(ms|s|m)$`}
}

func (d *Duration) parse(text string) error {
	value, err := time.ParseDuration(text)
	*d = Duration(value)
	return err
}

// String gives the form used in the file.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	return text
}

func (Memory) shape() shape {
	return shape{what: "a size such as 512Mi or 1Gi", pattern: `^[1-9][0-9]{0,5}(Mi|Gi)$`}
}

func (m *Memory) parse(text string) error {
	number, unit := text[:len(text)-2], text[len(text)-2:]
	value, err := strconv.ParseInt(number, 10, 64)
	switch unit {
	case "Mi":
		value <<= 20
	case "Gi":
		value <<= 30
	default:
		err = fmt.Errorf("unknown unit %q", unit)
	}
	*m = Memory(value)
	return err
}

// String gives the form used in the file.
func (m Memory) String() string {
	if m >= 1<<30 && m%(1<<30) == 0 {
		return fmt.Sprintf("%dGi", m>>30)
	}
	return fmt.Sprintf("%dMi", m>>20)
}
