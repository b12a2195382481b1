package rehearse

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The versions that internal/rehearse/kubeassets builds.
const (
	AssetsKubernetes = "v1.37.0"
	AssetsEtcd       = "v3.6.8"
)

// The names of the programs, and of the variable that says where they are: that of controller-runtime's envtest.
const (
	apiserverName  = "kube-apiserver"
	etcdName       = "etcd"
	assetsVariable = "KUBEBUILDER_ASSETS"
)

// AssetsCache is the directory in which kubeassets puts the programs where it is told no other: one directory for each version of
// Kubernetes.
func AssetsCache() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "sluice", "kube"), nil
}

// AssetsIn reports whether a directory has the programs.
func AssetsIn(dir string) bool {
	for _, name := range []string{apiserverName, etcdName} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

// FindAssets gives the directory with the programs of a minor version of Kubernetes, such as "1.37": the one that
// KUBEBUILDER_ASSETS names, whatever version it has; else that of the cache, or its newest where it lacks the version. An
// error says what to do.
func FindAssets(kubernetes string) (string, error) {
	if dir := os.Getenv(assetsVariable); dir != "" {
		if !AssetsIn(dir) {
			return "", fmt.Errorf("%s is %s, which has not both %s and %s", assetsVariable, dir, apiserverName, etcdName)
		}
		return filepath.Abs(dir)
	}
	cache, err := AssetsCache()
	if err != nil {
		return "", err
	}
	entries, _ := os.ReadDir(cache) // none: the error below says so
	var found []string
	for _, entry := range entries {
		if AssetsIn(filepath.Join(cache, entry.Name())) {
			found = append(found, entry.Name())
		}
	}
	slices.Sort(found)
	for _, name := range slices.Backward(found) {
		if minorOf(name) == kubernetes {
			return filepath.Join(cache, name), nil
		}
	}
	if len(found) == 0 {
		return "", fmt.Errorf("there is no kube-apiserver: set %s to a directory with %s, or build them: go run ./internal/rehearse/kubeassets in the repository of sluice",
			assetsVariable, strings.Join([]string{apiserverName, etcdName}, " and "))
	}
	return filepath.Join(cache, found[len(found)-1]), nil
}
