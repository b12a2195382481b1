package render

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// mount is where kustomize sees the repository. It is not "/", because kustomize cleans paths before it asks for
// them: "../../../../apps" from anywhere would then be found below the root, where it really leaves the repository.
const mount = "/.tree"

// fileSystem shows a repository to kustomize, read-only; nothing else exists. Of filesys.FileSystem, kustomize calls
// only ReadFile, CleanedAbs, IsDir and Exists when it builds.
type fileSystem struct {
	repo  *repository
	mount string // mount, or something that a remote tree cannot guess
}

// remoteMount is where kustomize sees trees of other repositories. No way leads from one of them to another tree, or
// from the repository to them, but by an id or a name that nobody can guess.
const remoteMount = "/.remote/"

func newFileSystem(repo *repository) fileSystem {
	f := fileSystem{repo, mount}
	if len(repo.mounts) > 0 {
		f.mount += "-" + rand.Text()
	}
	return f
}

// outward gives kustomize's path for one of the repository's.
func (f fileSystem) outward(inside string) string {
	if rest, ok := strings.CutPrefix(inside, remoteMounts); ok {
		return remoteMount + rest
	}
	return path.Join(f.mount, inside)
}

var _ filesys.FileSystem = fileSystem{}

var errReadOnly = errors.New("the repository is read-only here")

// inside gives the repository's path for one of kustomize's.
func (f fileSystem) inside(name string) (string, error) {
	clean := path.Clean(name)
	if clean == f.mount {
		return ".", nil
	}
	if rest, ok := strings.CutPrefix(clean, f.mount+"/"); ok {
		return rest, nil
	}
	if rest, ok := strings.CutPrefix(clean, remoteMount); ok {
		return remoteMounts + rest, nil
	}
	f.repo.outside = append(f.repo.outside, clean)
	return "", errOutside
}

func (f fileSystem) find(name string) (node, error) {
	inside, err := f.inside(name)
	if err != nil {
		return node{}, err
	}
	return f.repo.find(inside)
}

// ReadFile returns a copy: kustomize may keep or change what it reads.
func (f fileSystem) ReadFile(name string) ([]byte, error) {
	inside, err := f.inside(name)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	_, content, err := f.repo.read(inside)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return append([]byte(nil), content...), nil
}

func (f fileSystem) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	found, err := f.find(name)
	switch {
	case err != nil:
		return "", "", &fs.PathError{Op: "find", Path: name, Err: err}
	case found.mode == modeDirectory:
		return filesys.ConfirmedDir(f.outward(found.path)), "", nil
	default:
		dir, base := path.Split(f.outward(found.path))
		return filesys.ConfirmedDir(path.Clean(dir)), base, nil
	}
}

func (f fileSystem) IsDir(name string) bool {
	found, err := f.find(name)
	return err == nil && found.mode == modeDirectory
}

func (f fileSystem) Exists(name string) bool {
	_, err := f.find(name)
	return err == nil
}

func (f fileSystem) ReadDir(name string) ([]string, error) {
	inside, err := f.inside(name)
	if err != nil {
		return nil, err
	}
	entries, err := f.repo.list(inside)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name
	}
	return names, err
}

func (f fileSystem) unsupported(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("%w: %w", errors.ErrUnsupported, errReadOnly)}
}

func (f fileSystem) Open(name string) (filesys.File, error) { return nil, f.unsupported("open", name) }
func (f fileSystem) Glob(pattern string) ([]string, error) {
	return nil, f.unsupported("glob", pattern)
}
func (f fileSystem) Walk(name string, _ filepath.WalkFunc) error { return f.unsupported("walk", name) }
func (f fileSystem) Create(name string) (filesys.File, error) {
	return nil, f.unsupported("create", name)
}
func (f fileSystem) Mkdir(name string) error               { return f.unsupported("mkdir", name) }
func (f fileSystem) MkdirAll(name string) error            { return f.unsupported("mkdir", name) }
func (f fileSystem) RemoveAll(name string) error           { return f.unsupported("remove", name) }
func (f fileSystem) WriteFile(name string, _ []byte) error { return f.unsupported("write", name) }
