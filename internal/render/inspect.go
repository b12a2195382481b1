package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"

	"github.com/sluice-dev/sluice/internal/finding"
)

// maxVisits bounds how many kustomizations of one target are looked at, each as often as it is used.
const maxVisits = 20_000

// inspection is what the kustomizations of a target say, read before kustomize reads them: what is refused, with
// positions; what will explain a failure; and where objects come from. It never decides that a target fails for
// another reason than a refusal: that is kustomize's word.
type inspection struct {
	repo     *repository
	notes    finding.List // stand whatever kustomize says
	refusals finding.List // kustomize must not run
	suspects finding.List // stand when kustomize fails
	beyond   finding.List // stand when kustomize may read the whole repository
	vain     finding.List // stand when kustomize succeeds
	origins  []origin
	patches  []patch
	visited  []*kustomization // each once, in the order in which kustomize loads them
	known    map[string]*kustomization
	visits   int
	openapi  bool
	helm     bool // charts are rendered
	charts   []*charted
	images   []string // of the containers in resources and patches, and the new names that kustomizations give
	hidden   int      // see census
	altered  int
}

// kustomization is one kustomization file.
type kustomization struct {
	file string // its path
	dir  string
	root *yaml.Node

	edits []edit // what kustomize shall read instead
}

func (k *kustomization) at(n *yaml.Node) finding.Pos {
	if n == nil {
		return finding.Pos{File: k.file}
	}
	return finding.Pos{File: k.file, Line: n.Line, Column: n.Column}
}

// scope is how a kustomization is reached: from which, and with what its overlays do to names.
type scope struct {
	outer          *scope
	dir            string
	prefix, suffix string
	namespace      string         // of the outermost overlay that sets one
	plugins        bool           // objects are configurations of generators or transformers
	from           *kustomization // that names this one; nil for the target itself
	fromNode       *yaml.Node
}

func inspect(repo *repository, job jobMessage) *inspection {
	in := &inspection{repo: repo, helm: job.Helm, known: map[string]*kustomization{}}
	in.visit(scope{dir: job.Dir})
	return in
}

func problem(rule string, pos finding.Pos, format string, args ...any) finding.Finding {
	return finding.Finding{Rule: rule, Severity: finding.Error, Message: fmt.Sprintf(format, args...), Pos: pos}
}

func (in *inspection) suspect(rule string, pos finding.Pos, format string, args ...any) {
	in.suspects = append(in.suspects, problem(rule, pos, format, args...))
}

func (in *inspection) refuse(rule string, pos finding.Pos, format string, args ...any) {
	in.refusals = append(in.refusals, problem(rule, pos, format, args...))
}

// visit reads the kustomization of a directory and what it refers to.
func (in *inspection) visit(s scope) {
	if in.visits++; in.visits > maxVisits || in.repo.failure != nil {
		return
	}
	k := in.load(s)
	if k == nil {
		return
	}
	first := in.known[k.dir] == nil
	if first {
		in.known[k.dir] = k
		in.visited = append(in.visited, k)
		in.duplicates(k, k.root)
		in.checkFields(k)
	}
	s.prefix += text(field(k.root, "namePrefix"))
	s.suffix = text(field(k.root, "nameSuffix")) + s.suffix
	if s.namespace == "" {
		s.namespace = text(field(k.root, "namespace"))
	}
	s.dir = k.dir
	before, said := in.census(), len(in.vain)
	in.references(k, s)
	in.idle(k, before)
	if !first {
		in.vain = in.vain[:said] // all was said at the first visit
	}
}

// load finds and parses a directory's kustomization file; nil, with a suspect, where there is none.
func (in *inspection) load(s scope) *kustomization {
	var pos finding.Pos
	if s.from != nil {
		pos = s.from.at(s.fromNode)
	}
	dir, err := in.repo.find(s.dir)
	if err != nil || dir.mode != modeDirectory {
		in.suspect("render/missing-file", pos, "there is no directory %q: correct the path, or add the directory", s.dir)
		return nil
	}
	if k := in.known[dir.path]; k != nil {
		return k
	}
	var found *kustomization
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := path.Join(dir.path, name)
		content, src, err := in.source(file)
		if err != nil {
			if errors.Is(err, errOutside) {
				in.suspect("render/outside-repository", finding.Pos{File: file}, "this symbolic link leaves the repository: only files of the repository are read")
			}
			continue
		}
		if found != nil {
			in.suspect("render/kustomization", finding.Pos{File: file}, "this directory also has %s: keep one of the two", path.Base(found.file))
			continue
		}
		found = &kustomization{file: file, dir: dir.path}
		in.restricted(found, finding.Pos{File: file}, file)
		if src.problem != "" {
			in.suspect("render/yaml", finding.Pos{File: file, Line: src.line, Column: src.column}, "this is not valid YAML: %s", src.problem)
		}
		if src.bomb {
			in.refuse("render/too-large", finding.Pos{File: file}, "this file stands for more than %d values once its aliases are expanded", maxValues)
		}
		if len(src.documents) > 0 {
			found.root = src.documents[0]
		} else if src.problem == "" {
			in.suspect("render/kustomization", finding.Pos{File: file}, "this kustomization is empty (%d bytes): name at least one resource", len(content))
		}
	}
	if found == nil {
		if s.from == nil {
			pos = finding.Pos{File: dir.path}
		}
		in.suspect("render/missing-file", pos, "the directory %q has no kustomization.yaml: add one, or name the files themselves", dir.path)
	}
	return found
}

// source reads and parses a file, once per content.
func (in *inspection) source(file string) ([]byte, *source, error) {
	found, content, err := in.repo.read(file)
	if err != nil {
		return nil, nil, err
	}
	if parsed, ok := in.repo.store.parsed.get(found.oid); ok && found.oid != "" {
		return content, parsed, nil
	}
	parsed := parseSource(content)
	if found.oid != "" {
		in.repo.store.parsed.put(found.oid, parsed, len(content))
	}
	return content, parsed, nil
}

// references follows what a kustomization names, in the order in which kustomize does.
func (in *inspection) references(k *kustomization, s scope) {
	for _, name := range []string{"resources", "bases"} {
		for _, ref := range items(field(k.root, name)) {
			in.resource(k, s, ref)
		}
	}
	if n := field(k.root, "openapi"); n != nil {
		in.openapi = true
		if at := field(n, "path"); at != nil {
			in.file(k, at, text(at))
		}
	}
	for _, name := range []string{"configurations", "crds"} {
		for _, ref := range items(field(k.root, name)) {
			in.file(k, ref, text(ref))
		}
	}
	for _, name := range []string{"configMapGenerator", "secretGenerator"} {
		for _, generator := range items(field(k.root, name)) {
			in.generator(k, s, generatedKinds[name], generator)
		}
	}
	in.kustomizationCharts(k, s)
	for _, ref := range items(field(k.root, "generators")) {
		in.plugin(k, s, ref)
	}
	for _, ref := range items(field(k.root, "components")) {
		in.component(k, s, ref)
	}
	for _, name := range []string{"patches", "patchesJson6902"} {
		for _, p := range items(field(k.root, name)) {
			in.patch(k, p)
		}
	}
	for _, ref := range items(field(k.root, "patchesStrategicMerge")) {
		in.legacyPatch(k, ref)
	}
	for _, r := range items(field(k.root, "replacements")) {
		if at := field(r, "path"); at != nil {
			in.file(k, at, text(at))
		}
	}
	for _, name := range []string{"transformers", "validators"} {
		for _, ref := range items(field(k.root, name)) {
			in.plugin(k, s, ref)
		}
	}
}

// resource follows one entry of resources: a file, a directory or something remote.
func (in *inspection) resource(k *kustomization, s scope, ref *yaml.Node) {
	value := text(ref)
	if value == "" {
		return
	}
	if isURL(value) {
		in.remote(k, s, ref, value)
		return
	}
	file := path.Join(k.dir, value)
	_, src, err := in.source(file)
	switch {
	case escapes(k.dir, value) && strings.HasPrefix(k.dir, remoteMounts):
		in.unreadable(k, ref, value, errOutside)
	case err == nil:
		in.restricted(k, k.at(ref), file)
		in.manifest(k, s, ref, file, src)
	case isRemote(value):
		in.remote(k, s, ref, value)
	case errors.Is(err, errNotFile):
		in.directory(k, s, ref, value)
	default:
		in.unreadable(k, ref, value, err)
	}
}

func (in *inspection) component(k *kustomization, s scope, ref *yaml.Node) {
	value := text(ref)
	if isRemote(value) {
		in.remote(k, s, ref, value)
		return
	}
	in.directory(k, s, ref, value)
}

func (in *inspection) directory(k *kustomization, s scope, ref *yaml.Node, value string) {
	dir, err := in.repo.find(path.Join(k.dir, value))
	if escapes(k.dir, value) {
		err = errOutside
	}
	if err != nil {
		in.unreadable(k, ref, value, err)
		return
	}
	inner := s
	inner.outer, inner.dir, inner.from, inner.fromNode = &s, dir.path, k, ref
	for at := &inner; at.outer != nil; at = at.outer {
		if contains(dir.path, at.outer.dir) {
			in.suspect("render/cycle", k.at(ref), "%q is being rendered here already: a kustomization cannot contain itself, nor a directory above its own", value)
			return
		}
	}
	in.visit(inner)
}

// manifest takes in a file of objects.
func (in *inspection) manifest(k *kustomization, s scope, ref *yaml.Node, file string, src *source) {
	if src.bomb {
		in.refuse("render/too-large", finding.Pos{File: file}, "this file stands for more than %d values once its aliases are expanded", maxValues)
		return
	}
	if src.problem != "" {
		in.suspect("render/yaml", finding.Pos{File: file, Line: src.line, Column: src.column}, "this is not valid YAML: %s", src.problem)
		return
	}
	if !s.plugins {
		in.images = append(in.images, src.imagesOf()...)
	}
	for _, document := range src.documents {
		if s.plugins {
			in.checkPlugin(k, s, ref, file, document)
			continue
		}
		in.object(s, file, document)
	}
}

func (in *inspection) object(s scope, file string, document *yaml.Node) {
	id, version, ok := identity(document)
	if !ok {
		in.suspect("render/not-an-object", finding.Pos{File: file, Line: document.Line, Column: document.Column},
			"this document has no apiVersion and kind, so it is no Kubernetes object: a resource must be one")
		return
	}
	if inner := field(document, "items"); inner != nil && strings.HasSuffix(id.Kind, "List") {
		for _, item := range items(inner) {
			in.object(s, file, item)
		}
		return
	}
	if id.Name == "" {
		at := document
		if metadata := field(document, "metadata"); metadata != nil {
			at = metadata
		}
		in.suspect("render/not-an-object", finding.Pos{File: file, Line: at.Line, Column: at.Column}, "this %s has no name: metadata.name is required", id.Kind)
		return
	}
	in.origins = append(in.origins, origin{
		id: id, version: version, node: document, prefix: s.prefix, suffix: s.suffix, namespace: s.namespace, file: file,
		pos: finding.Pos{File: file, Line: document.Line, Column: document.Column},
	})
}

// file checks one file that a kustomization names; ok says that it can be read.
func (in *inspection) file(k *kustomization, ref *yaml.Node, value string) bool {
	if value == "" {
		return false
	}
	if isURL(value) {
		in.remoteFile(k.at(ref), value)
		return false
	}
	if escapes(k.dir, value) {
		in.unreadable(k, ref, value, errOutside)
		return false
	}
	file := path.Join(k.dir, value)
	if _, _, err := in.repo.read(file); err != nil {
		in.unreadable(k, ref, value, err)
		return false
	}
	in.restricted(k, k.at(ref), file)
	return true
}

// unreadable says why a path that a kustomization names gives nothing.
func (in *inspection) unreadable(k *kustomization, ref *yaml.Node, value string, err error) {
	pos := k.at(ref)
	if k.file == in.repo.synthesized {
		pos = finding.Pos{File: path.Join(k.dir, value)}
	}
	switch {
	case errors.Is(err, errOutside) || escapes(k.dir, value):
		in.suspect("render/outside-repository", pos, "%q leaves the repository: only files of the repository are read", value)
	case errors.Is(err, errTooLarge):
		in.refuse("render/too-large", pos, "%q is larger than %d MiB", value, maxInput>>20)
	case errors.Is(err, errLoop):
		in.suspect("render/missing-file", pos, "%q is a loop of symbolic links", value)
	case errors.Is(err, errNotFile):
		in.suspect("render/missing-file", pos, "%q is a directory, where a file is needed", value)
	case strings.Contains(value, " - "):
		in.suspect("render/missing-file", pos, "there is no %q: this looks like two entries that became one, so check the indentation of the next line", value)
	case errors.Is(err, fs.ErrNotExist):
		in.suspect("render/missing-file", pos, "there is no %q (looked for %s): correct the path, or add the file", value, path.Join(k.dir, value))
	}
}

var generatedKinds = map[string]string{"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}

// generator follows one ConfigMap or Secret generator.
func (in *inspection) generator(k *kustomization, s scope, kind string, n *yaml.Node) {
	for _, ref := range items(field(n, "files")) {
		value := text(ref)
		if _, file, ok := strings.Cut(value, "="); ok {
			value = file
		}
		in.file(k, ref, value)
	}
	for _, ref := range items(field(n, "envs")) {
		in.file(k, ref, text(ref))
	}
	if ref := field(n, "env"); ref != nil {
		in.file(k, ref, text(ref))
	}
	in.generated(s, kind, n, k.file, k.at(n))
}
