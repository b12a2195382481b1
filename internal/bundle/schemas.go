package bundle

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/yannh/kubeconform/pkg/resource"
	"github.com/yannh/kubeconform/pkg/validator"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/schema"
)

// Schemas validates custom resources with kubeconform, strictly, by the JSON schemas that a repository keeps in kubeconform's
// layout. It implements schema.External.
//
// The locations are those of kubeconform's option -schema-location, but for URLs: nothing is ever downloaded, neither a
// schema nor what a schema refers to. kubeconform reads files, so the schema of a kind is copied to a private directory when the first
// object of the kind is seen.
type Schemas struct {
	repo      fs.FS
	root      string // the private directory
	locations []location

	mu    sync.Mutex
	kinds map[schemaKey]*kindSchema
}

// LoadSchemas makes the validator for the locations that a configuration names, in a tree. It must be closed. Findings are
// locations that cannot be used; the error is for what broke here.
func LoadSchemas(repo fs.FS, cfg *config.Config) (*Schemas, finding.List, error) {
	s := &Schemas{repo: repo, kinds: make(map[schemaKey]*kindSchema)}
	var problems finding.List
	for i, text := range cfg.Validation.Schemas {
		parsed, err := parseLocation(string(text))
		if err == nil {
			err = exists(repo, string(text))
		}
		if err != nil {
			problems = append(problems, finding.Finding{
				Rule: "config/schemas", Severity: finding.Error, Message: err.Error(), Pos: cfg.Pos("validation", "schemas", i),
			})
			continue
		}
		s.locations = append(s.locations, parsed)
	}
	var err error
	if s.root, err = os.MkdirTemp("", "sluice-schemas-"); err != nil {
		return nil, nil, fmt.Errorf("load schemas: %w", err)
	}
	return s, problems, nil
}

// Close removes the private directory.
func (s *Schemas) Close() error { return os.RemoveAll(s.root) }

// location is a template of the paths of schemas.
type location struct{ path *template.Template }

// kubeconformLayout is what kubeconform adds to a location that is no template of a file name (pkg/registry, New).
const kubeconformLayout = "/{{ .NormalizedKubernetesVersion }}-standalone{{ .StrictSuffix }}/{{ .ResourceKind }}{{ .KindSuffix }}.json"

func parseLocation(text string) (location, error) {
	if !strings.HasSuffix(text, "json") {
		text += kubeconformLayout
	}
	parsed, err := template.New("location").Option("missingkey=error").Parse(text)
	if err != nil {
		return location{}, fmt.Errorf("the schema location %q is no template: %w", text, err)
	}
	if err := parsed.Execute(&bytes.Buffer{}, placeholders{}); err != nil {
		return location{}, fmt.Errorf("the schema location %q has a placeholder that kubeconform does not know", text)
	}
	return location{parsed}, nil
}

// exists reports an error where a tree does not have the directory that a location begins with.
func exists(repo fs.FS, text string) error {
	dir, _, isTemplate := strings.Cut(text, "{{")
	if isTemplate || strings.HasSuffix(text, "json") {
		dir = path.Dir(dir + "x")
	}
	if _, err := fs.Stat(repo, path.Clean(dir)); err != nil {
		return fmt.Errorf("the directory %s of the schema location does not exist", path.Clean(dir))
	}
	return nil
}

// placeholders are what a location may contain. The names and their values are kubeconform's (pkg/registry, schemaPath).
type placeholders struct {
	NormalizedKubernetesVersion, StrictSuffix, ResourceKind, ResourceAPIVersion, Group, KindSuffix string
}

func placeholdersOf(k schemaKey) placeholders {
	group, version := manifest.SplitAPIVersion(k.apiVersion)
	first, _, _ := strings.Cut(cmp.Or(group, version), ".")
	suffix := "-" + strings.ToLower(first)
	if group != "" {
		suffix += "-" + strings.ToLower(version)
	}
	return placeholders{
		NormalizedKubernetesVersion: "v" + k.version + ".0", StrictSuffix: "-strict",
		ResourceKind: strings.ToLower(k.kind), ResourceAPIVersion: version, Group: cmp.Or(group, version), KindSuffix: suffix,
	}
}

// schemaKey is what a schema is for.
type schemaKey struct{ version, apiVersion, kind string }

// plain are the names that may become a part of a path: those of manifests are anybody's.
var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*(/[A-Za-z0-9][A-Za-z0-9.-]*)?$`)

// kindSchema is the schema of a kind. Its zero value: there is none.
type kindSchema struct {
	file        string
	unusable    string
	compiled    *jsonschema.Schema
	kubeconform validator.Validator
}

// Validate implements schema.External. The verdict is kubeconform's; the words are ours.
func (s *Schemas) Validate(version string, o *manifest.Object) schema.Judgement {
	k := s.kind(schemaKey{version, o.APIVersion(), o.ID.Kind})
	if k.file == "" || k.unusable != "" {
		return schema.Judgement{Source: k.file, Unusable: k.unusable}
	}
	// A copy: nothing else may write to the buffer while kubeconform reads it.
	result := k.kubeconform.ValidateResource(resource.Resource{Path: o.Origin.File, Bytes: slices.Clone(o.Text)})
	out := schema.Judgement{Source: k.file}
	switch result.Status {
	case validator.Valid:
	case validator.Invalid:
		if out.Problems = schema.Explain(k.compiled, o); len(out.Problems) == 0 {
			out.Problems = []schema.Problem{{Message: result.Err.Error()}}
		}
	default: // skipped, empty, or an error: none of them is a verdict
		out.Unusable = "kubeconform gave no verdict"
		if result.Err != nil {
			out.Unusable = strings.ReplaceAll(result.Err.Error(), s.root, "")
		}
	}
	return out
}

// kind gives the schema of a kind, read when it is first asked for.
func (s *Schemas) kind(key schemaKey) *kindSchema {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.kinds[key]; ok {
		return known
	}
	k := &kindSchema{}
	s.kinds[key] = k
	if !plain.MatchString(key.apiVersion) || !plain.MatchString(key.kind) {
		return k
	}
	for _, l := range s.locations {
		var name strings.Builder
		if err := l.path.Execute(&name, placeholdersOf(key)); err != nil || !fs.ValidPath(path.Clean(name.String())) {
			continue
		}
		file := path.Clean(name.String())
		data, err := fs.ReadFile(s.repo, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		k.file = file
		if err == nil {
			err = s.load(k, data)
		}
		if err != nil {
			k.unusable = strings.ReplaceAll(err.Error(), s.root, "")
		}
		break
	}
	return k
}

// load compiles a schema twice: with a loader that reaches nothing else, because kubeconform would fetch what it refers to and
// takes a schema that does not compile for none; then in kubeconform.
func (s *Schemas) load(k *kindSchema, data []byte) (err error) {
	defer func() {
		if r := recover(); r != nil { // the library is not ours, and the schema is anybody's
			err = fmt.Errorf("it cannot be compiled: %v", r)
		}
	}()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("it is not JSON: %w", err)
	}
	if _, ok := document.(map[string]any); !ok {
		return errors.New("it is not a JSON object")
	}
	target := filepath.Join(s.root, fmt.Sprintf("%x.json", sha256.Sum256([]byte(k.file))))
	here := (&url.URL{Scheme: "file", Path: filepath.ToSlash(target)}).String()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft4) // as kubeconform does
	compiler.RegisterFormat(&jsonschema.Format{Name: "duration", Validate: duration})
	compiler.UseLoader(nothing{})
	if err := compiler.AddResource(here, document); err != nil {
		return err
	}
	if k.compiled, err = compiler.Compile(here); err != nil {
		return err
	}
	if err := os.WriteFile(target, data, 0o600); err != nil {
		return err
	}
	k.kubeconform, err = validator.New([]string{target}, validator.Opts{Strict: true})
	return err
}

// duration accepts what kubeconform takes for one: a duration of Go, or of ISO 8601.
func duration(v any) error {
	text, ok := v.(string)
	if !ok || strings.HasPrefix(text, "P") {
		return nil
	}
	_, err := time.ParseDuration(text)
	return err
}

// nothing is a loader of schemas that has none.
type nothing struct{}

// Load implements jsonschema.URLLoader.
func (nothing) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s: a schema must be complete in one file, because nothing is downloaded", url)
}
