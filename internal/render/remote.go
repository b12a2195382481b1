package render

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resource"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// Remotes gets trees of other repositories: the only way out that rendering has, in the pool's process.
type Remotes interface {
	// Commit gives the tree of a commit, named by its full id, of the repository at a URL as git takes it. It must be
	// safe for concurrent use, and remember what it got.
	Commit(ctx context.Context, url, commit string) (Tree, error)
}

// remoteMounts is where trees of other repositories stand beside the files of this one: no git tree holds a ".git".
// What follows is an id that nobody can guess, so a path of the repository cannot lead there.
const remoteMounts = ".git/remote/"

// remoteRef is a remote directory as a kustomization names it.
type remoteRef struct {
	URL    string // as git clones it
	Commit string // its ref: a commit's full id, once it was checked
	Dir    string // in the repository; "." for its root
}

// remoteReply says where a remote tree stands.
type remoteReply struct {
	ID  string
	OID string // of its root; "" without one
}

// mounted is the tree of another repository as one target sees it.
type mounted struct {
	root node
	name string      // host/org/repo@commit
	from finding.Pos // what names it
}

// parseRemote takes a reference apart as kustomize does; ok is false for what is no directory of a git repository.
func parseRemote(value string) (ref remoteRef, ok bool) {
	parsed := (&resource.Origin{}).Append(value)
	if parsed.Repo == "" {
		return ref, false
	}
	ref = remoteRef{URL: parsed.Repo, Commit: parsed.Ref, Dir: path.Clean(parsed.Path)}
	const root = "notCloned" // kustomize's word for it
	if ref.Dir == root && !strings.Contains(value, root) {
		ref.Dir = "."
	}
	return ref, true
}

func isYAML(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
}

var (
	fullCommit = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	scheme     = regexp.MustCompile(`^(?:https|ssh)://`)
	user       = regexp.MustCompile(`^[A-Za-z0-9._-]+@`)
)

// RepositoryName gives the name of the repository at a URL, as settings name it: "github.com/org/repo", whatever the
// protocol. Of a path (file://) it is the URL, of what git must not be given "".
func RepositoryName(url string) string {
	name := strings.TrimSuffix(strings.TrimSuffix(url, "/"), ".git")
	if strings.HasPrefix(name, "file:///") {
		return name
	}
	scp := !scheme.MatchString(name)
	name = user.ReplaceAllString(scheme.ReplaceAllString(name, ""), "")
	if scp {
		if !user.MatchString(url) {
			return ""
		}
		name = strings.Replace(name, ":", "/", 1)
	}
	host, rest, ok := strings.Cut(name, "/")
	if !ok || host == "" || strings.HasPrefix(host, "-") || strings.ContainsAny(name, " \\?#@\n") {
		return ""
	}
	return strings.ToLower(host) + "/" + strings.TrimPrefix(rest, "/")
}

// remote follows a reference to something that is not in the repository: a directory of another repository, where
// that is allowed; anything else is refused.
func (in *inspection) remote(k *kustomization, s scope, ref *yaml.Node, value string) {
	refuse := func(format string, args ...any) {
		in.refuse("render/remote-base", k.at(ref), "%q is not in this repository%s", value, fmt.Sprintf(format, args...))
	}
	to, ok := parseRemote(value)
	name := RepositoryName(to.URL)
	if !ok || name == "" || to.Commit == "" && isYAML(value) {
		refuse(", and files are not fetched: copy it into the repository")
		return
	}
	if !fullCommit.MatchString(to.Commit) {
		if strings.HasPrefix(name, "file:") {
			refuse(", but in a directory of one machine: copy it into the repository")
			return
		}
		moving := "its ref %q can move"
		if to.Commit == "" {
			moving = "it names no ref%.0s"
		}
		refuse(", and "+moving+", so that nobody could say what was checked: write ?ref= and the full id of a commit, and allow it with %s; or copy it into the repository",
			to.Commit, settingFor(name, "COMMIT"))
		return
	}
	root, reason, err := in.repo.mount(to, name, k.at(ref))
	switch {
	case err != nil:
		return // the connection broke
	case reason == refusedAbsent && strings.HasPrefix(name, "file:"):
		refuse(", but in a directory of one machine: copy it into the repository")
		return
	case reason == refusedAbsent:
		refuse(", and the settings do not allow it: copy it into the repository, or write on the base branch, in .sluice.yaml, %s", settingFor(name, to.Commit))
		return
	case reason != "":
		refuse(", and could not be fetched: %s", sentence(reason))
		return
	}
	dir := path.Join(root.path, to.Dir)
	if !in.rewrite(k, ref, dir) {
		refuse(", and stands here in a way that cannot be followed: write it plainly, on one line")
		return
	}
	inner := s
	inner.outer, inner.dir, inner.from, inner.fromNode = &s, dir, k, ref
	for at := &s; at != nil; at = at.outer {
		if at.dir == dir {
			in.suspect("render/cycle", k.at(ref), "%q is being rendered here already: a kustomization cannot contain itself", value)
			return
		}
	}
	in.visit(inner)
}

// settingFor is the line that allows a remote base.
func settingFor(name, commit string) string {
	return fmt.Sprintf("render: {remote: [%s@%s]}", name, commit)
}

// mount makes the tree of a remote repository part of what the target sees. A reason says why there is none.
func (r *repository) mount(ref remoteRef, name string, from finding.Pos) (root node, reason string, err error) {
	for _, m := range r.mounts {
		if m.name == name+"@"+ref.Commit {
			return m.root, "", nil
		}
	}
	if r.failure != nil {
		return node{}, "", r.failure
	}
	payload, err := json.Marshal(ref)
	if err != nil {
		return node{}, "", r.fail(err)
	}
	answer, err := r.store.ask(frameRemote, string(payload))
	if err != nil {
		return node{}, "", r.fail(err)
	}
	if answer.kind == frameRefused {
		return node{}, string(answer.payload), nil
	}
	var reply remoteReply
	if err := json.Unmarshal(answer.payload, &reply); err != nil {
		return node{}, "", r.fail(err)
	}
	root = node{path: remoteMounts + reply.ID, mode: modeDirectory, oid: reply.OID}
	r.mounts[reply.ID] = mounted{root: root, name: name + "@" + ref.Commit, from: from}
	return root, "", nil
}

// mountOf gives the remote tree that a path is in, and the rest of the path.
func (r *repository) mountOf(name string) (m mounted, rest string, ok bool) {
	rest, ok = strings.CutPrefix(name, remoteMounts)
	if !ok {
		return m, "", false
	}
	id, rest, _ := strings.Cut(rest, "/")
	m, ok = r.mounts[id]
	return m, rest, ok
}

// edit replaces a scalar of a kustomization.
type edit struct {
	at   *yaml.Node
	text string
}

// rewrite has kustomize see a reference as one to a directory that it can read. The file keeps every other byte.
func (in *inspection) rewrite(k *kustomization, ref *yaml.Node, dir string) bool {
	up := 1 // kustomize sees the repository one level below its root
	if k.dir != "." {
		up += 1 + strings.Count(k.dir, "/")
	}
	if strings.HasPrefix(k.dir, remoteMounts) {
		up -= strings.Count(remoteMounts, "/")
	}
	relative := strings.Repeat("../", up) + strings.TrimPrefix(remoteMount, "/") + strings.TrimPrefix(dir, remoteMounts)
	content, ok := in.repo.overlay[k.file]
	if !ok {
		var err error
		if _, content, err = in.repo.read(k.file); err != nil {
			return false
		}
	}
	if slices.ContainsFunc(k.edits, func(e edit) bool { return e.at == ref }) {
		return true
	}
	if _, _, ok := scalarAt(content, ref); !ok {
		return false
	}
	k.edits = append(k.edits, edit{ref, relative})
	return true
}

// applyEdits gives kustomize the rewritten kustomizations.
func (in *inspection) applyEdits() bool {
	for _, k := range in.visited {
		if len(k.edits) == 0 {
			continue
		}
		_, content, err := in.repo.read(k.file)
		if err != nil {
			return false
		}
		slices.SortFunc(k.edits, func(a, b edit) int { // from the end, so that positions stay
			if a.at.Line != b.at.Line {
				return b.at.Line - a.at.Line
			}
			return b.at.Column - a.at.Column
		})
		for _, e := range k.edits {
			from, to, ok := scalarAt(content, e.at)
			if !ok {
				return false
			}
			quoted, err := json.Marshal(e.text) // a JSON string is a YAML one
			if err != nil {
				return false
			}
			content = slices.Concat(content[:from], quoted, content[to:])
		}
		in.repo.overlay[k.file] = content
	}
	return true
}

// scalarAt finds the text of a scalar in its file, quotes included; ok is false unless it stands there letter by letter.
func scalarAt(content []byte, n *yaml.Node) (from, to int, ok bool) {
	if n.Kind != yaml.ScalarNode || n.Anchor != "" || n.Value == "" {
		return 0, 0, false
	}
	text := string(content)
	for line := 1; line < n.Line; line++ {
		end := strings.IndexByte(text[from:], '\n')
		if end < 0 {
			return 0, 0, false
		}
		from += end + 1
	}
	for range n.Column - 1 {
		for from++; from < len(text) && text[from]&0xc0 == 0x80; from++ {
		}
		if from > len(text) {
			return 0, 0, false
		}
	}
	literal := n.Value
	switch {
	case n.Style&yaml.SingleQuotedStyle != 0:
		literal = "'" + literal + "'"
	case n.Style&yaml.DoubleQuotedStyle != 0:
		literal = `"` + literal + `"`
	case n.Style != 0:
		return 0, 0, false
	}
	return from, from + len(literal), strings.HasPrefix(text[from:], literal)
}

// ofRepository moves what is said about files of other repositories to the place that names them: there is no other
// that the author could go to.
func (in *inspection) ofRepository(findings finding.List) finding.List {
	if len(in.repo.mounts) == 0 {
		return findings
	}
	for i := range findings {
		f := &findings[i]
		for range len(in.repo.mounts) {
			m, rest, ok := in.repo.mountOf(f.File)
			if !ok {
				break
			}
			f.Message = fmt.Sprintf("in %s, %s: %s", m.name, path.Clean(rest), f.Message)
			f.Pos = m.from
		}
		for id, m := range in.repo.mounts {
			f.Message = strings.ReplaceAll(f.Message, remoteMounts+id, m.name)
		}
	}
	return findings
}

// annotatesOrigins reports whether the target asks for annotations that would show where remote trees stand here.
func (in *inspection) annotatesOrigins() (finding.Pos, bool) {
	if len(in.visited) == 0 {
		return finding.Pos{}, false
	}
	for _, entry := range items(field(in.visited[0].root, "buildMetadata")) {
		if text(entry) == "originAnnotations" || text(entry) == "transformerAnnotations" {
			return in.visited[0].at(entry), true
		}
	}
	return finding.Pos{}, false
}

// local leaves out what is said about files of other repositories, which are not the author's.
func (in *inspection) local(findings finding.List) finding.List {
	return slices.DeleteFunc(findings, func(f finding.Finding) bool { return strings.HasPrefix(f.File, remoteMounts) })
}

// nameOrigins has objects from other repositories come from the kustomization that names those.
func (in *inspection) nameOrigins(objects []objectMessage) {
	for i := range objects {
		for range len(in.repo.mounts) {
			m, _, ok := in.repo.mountOf(cmp.Or(objects[i].Origin.File, objects[i].Origin.Kustomization))
			if !ok {
				break
			}
			objects[i].Origin = manifest.Origin{Kustomization: m.from.File, Line: m.from.Line, Column: m.from.Column}
		}
	}
}
