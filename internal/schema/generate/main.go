// Command generate writes internal/schema/kubernetes.zst: the schemas of every Kubernetes version that sluice knows,
// taken from the k8s.io/kubernetes module. That module is fetched into the module cache (20 MB a version) and never
// becomes a requirement of this one.
//
// Run it by `go generate ./internal/schema`. To add a version, add its line to releases.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
)

// releases are the Kubernetes releases whose schemas are stored, oldest first: of each minor version the newest patch
// that the Go module proxy serves (it lists some versions that it does not have, and has some that it does not list).
var releases = []string{
	"v1.28.15", "v1.29.6", "v1.30.14", "v1.31.14", "v1.32.13", "v1.33.13", "v1.34.4", "v1.35.4", "v1.36.3", "v1.37.1",
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: generate FILE")
	}
	data, err := generate(os.Environ())
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(os.Args[1], data, 0o644); err != nil {
		log.Fatal(err)
	}
}

// generate gives the store of all releases, compressed.
func generate(env []string) ([]byte, error) {
	var all []version
	for _, release := range releases {
		dir, err := moduleDir(env, release)
		if err != nil {
			return nil, err
		}
		v, err := readVersion(release, dir)
		if err != nil {
			return nil, fmt.Errorf("kubernetes %s: %w", release, err)
		}
		all = append(all, v)
	}
	return write(all)
}

// moduleDir has the go command put a release of k8s.io/kubernetes into the module cache and gives its directory.
func moduleDir(env []string, release string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", "k8s.io/kubernetes@"+release)
	cmd.Dir = os.TempDir() // outside of any module: nothing is to be required
	cmd.Env = append(env, "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	var module struct{ Dir, Error string }
	if jsonErr := json.NewDecoder(bytes.NewReader(out)).Decode(&module); jsonErr != nil {
		return "", fmt.Errorf("go mod download k8s.io/kubernetes@%s: %w", release, err)
	}
	if module.Error != "" {
		return "", fmt.Errorf("go mod download k8s.io/kubernetes@%s: %s", release, module.Error)
	}
	return module.Dir, nil
}
