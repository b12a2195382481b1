// Command crds writes internal/schema/crds.zst, the CustomResourceDefinitions of well-known projects, and docs/crds.md, the
// list of them. They are taken from the Go modules that publish them, which are fetched into the module cache and never become
// requirements of this module.
//
// Run it by `go generate ./internal/schema`. To add a project, add it to sources.
package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/manifest"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: crds STORE DOCUMENT")
	}
	all, err := collect(os.Environ())
	if err != nil {
		log.Fatal(err)
	}
	store, err := write(all)
	if err != nil {
		log.Fatal(err)
	}
	for file, data := range map[string][]byte{os.Args[1]: store, os.Args[2]: document(all)} {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// project is a source and the definitions that it publishes, sorted by group and kind.
type project struct {
	source
	definitions []definition
}

// collect reads the definitions of all sources. What two of them publish is taken from the first.
func collect(env []string) ([]project, error) {
	var all []project
	seen := make(map[string]string)
	for _, s := range sources {
		archive, err := moduleZip(env, s.module+"@"+s.version)
		if err != nil {
			return nil, err
		}
		found, err := s.read(archive)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		p := project{source: s}
		for _, d := range found {
			key := d.Spec.Group + " " + d.Spec.Names.Kind
			if _, taken := seen[key]; !taken {
				seen[key] = s.name
				p.definitions = append(p.definitions, d)
			}
		}
		if len(p.definitions) == 0 {
			return nil, fmt.Errorf("%s publishes no CustomResourceDefinition at %s", s.name, strings.Join(s.files, ", "))
		}
		all = append(all, p)
	}
	return all, nil
}

// moduleZip has the go command put a module into the module cache and gives its archive. A module that wants a newer Go
// than this is as good: only its files are read.
func moduleZip(env []string, module string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = os.TempDir() // outside of any module: nothing is to be required
	cmd.Env = append(env, "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	var answer struct{ Zip, Error string }
	if jsonErr := json.NewDecoder(bytes.NewReader(out)).Decode(&answer); jsonErr != nil {
		return "", fmt.Errorf("go mod download %s: %w", module, err)
	}
	if answer.Zip == "" {
		return "", fmt.Errorf("go mod download %s: %s", module, answer.Error)
	}
	return answer.Zip, nil
}

// read gives the definitions in the files of an archive that the source names.
func (s source) read(archive string) ([]definition, error) {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var found []definition
	for _, file := range r.File {
		name, ok := strings.CutPrefix(file.Name, s.module+"@"+s.version+"/")
		if !ok || !slices.ContainsFunc(s.files, func(pattern string) bool { match, _ := path.Match(pattern, name); return match }) {
			continue
		}
		data, err := content(file)
		if err != nil {
			return nil, err
		}
		objects, _ := manifest.Parse(name, data) // a directory may hold a file that is no manifest
		for _, o := range objects {
			if o.ID.Kind != "CustomResourceDefinition" || o.APIVersion() != "apiextensions.k8s.io/v1" {
				continue
			}
			d, err := parse(o)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			found = append(found, d)
		}
	}
	slices.SortStableFunc(found, func(a, b definition) int { return strings.Compare(a.key(), b.key()) })
	return found, nil
}

func content(file *zip.File) ([]byte, error) {
	r, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
