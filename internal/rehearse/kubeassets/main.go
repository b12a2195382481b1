// Kubeassets builds kube-apiserver and etcd for the rehearsals of the provider envtest, from their Go modules: no registry and no
// release server is asked, only the module proxy that Go is configured with. What is there already is not built again.
//
//	go run ./internal/rehearse/kubeassets [DIR]
//
// It prints the directory with the programs, DIR/<version of Kubernetes>, for KUBEBUILDER_ASSETS. Without DIR that is in the user's
// cache, where sluice finds it. A cold build takes some seven minutes of processor time.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/sluice-dev/sluice/internal/rehearse"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "kubeassets:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 1 {
		return errors.New("usage: kubeassets [DIR]")
	}
	dir, err := rehearse.AssetsCache()
	if len(args) == 1 {
		dir, err = filepath.Abs(args[0])
	}
	if err != nil {
		return err
	}
	dir = filepath.Join(dir, rehearse.AssetsKubernetes)
	if !rehearse.AssetsIn(dir) {
		if err := build(ctx, dir, stderr); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(stdout, dir)
	return err
}

// build builds both programs beside their place and moves them there, so that a half-built one is never found.
func build(ctx context.Context, dir string, progress io.Writer) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(dir, "building-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	for _, program := range []struct {
		name, file string
		build      func(ctx context.Context, work string, progress io.Writer) error
	}{
		{"etcd", "server", buildEtcd}, // the program is called by its package, go.etcd.io/etcd/server/v3
		{"kube-apiserver", "kube-apiserver", buildAPIServer},
	} {
		fmt.Fprintf(progress, "building %s\n", program.name)
		at := filepath.Join(work, program.name+"-module")
		if err := os.Mkdir(at, 0o755); err != nil {
			return err
		}
		if err := program.build(ctx, at, progress); err != nil {
			return fmt.Errorf("build %s: %w", program.name, err)
		}
		if err := os.Rename(filepath.Join(at, "bin", program.file), filepath.Join(dir, program.name)); err != nil {
			return err
		}
	}
	return nil
}

func buildEtcd(ctx context.Context, work string, progress io.Writer) error {
	const module = "go.etcd.io/etcd/server/v3"
	file, err := moduleFile(ctx, work, module, rehearse.AssetsEtcd)
	if err != nil {
		return err
	}
	return file.build(ctx, work, module, "-s -w", progress)
}

// buildAPIServer builds kube-apiserver. Kubernetes' module replaces its staging modules by directories that the module proxy does
// not have: they are taken in the versions that are published with the release (v1.37.0 goes with v0.37.0).
func buildAPIServer(ctx context.Context, work string, progress io.Writer) error {
	const module, version = "k8s.io/kubernetes", rehearse.AssetsKubernetes
	file, err := moduleFile(ctx, work, module, version)
	if err != nil {
		return err
	}
	staging := "v0." + strings.TrimPrefix(version, "v1.")
	for _, replace := range file.source.Replace {
		if strings.HasPrefix(replace.New.Path, "./staging/") {
			if err := file.AddReplace(replace.Old.Path, "", replace.Old.Path, staging); err != nil {
				return err
			}
		}
	}
	minor := strings.TrimPrefix(semver.MajorMinor(version), "v1.")
	flags := []string{"-s", "-w"}
	for name, value := range map[string]string{
		"component-base/version.gitVersion": version, "component-base/version.gitMajor": "1", "component-base/version.gitMinor": minor,
		"component-base/version.gitTreeState": "clean", "component-base/version.gitCommit": "module-proxy",
		"component-base/version.buildDate": "1970-01-01T00:00:00Z", "client-go/pkg/version.gitVersion": version,
	} {
		flags = append(flags, "-X k8s.io/"+name+"="+value)
	}
	return file.build(ctx, work, module+"/cmd/kube-apiserver", strings.Join(flags, " "), progress)
}

// workFile is the go.mod of the module in which a program is built.
type workFile struct {
	*modfile.File
	source *modfile.File // that of the program's module
}

// moduleFile begins a module that needs another one, for the same version of Go.
func moduleFile(ctx context.Context, work, module, version string) (workFile, error) {
	out, err := goCommand(ctx, work, "mod", "download", "-json", module+"@"+version).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s%s", err, out, exit.Stderr)
	}
	if err != nil {
		return workFile{}, fmt.Errorf("download %s@%s: %w", module, version, err)
	}
	var at struct{ GoMod string }
	if err := json.Unmarshal(out, &at); err != nil {
		return workFile{}, err
	}
	text, err := os.ReadFile(at.GoMod)
	if err != nil {
		return workFile{}, err
	}
	source, err := modfile.Parse(at.GoMod, text, nil)
	if err != nil {
		return workFile{}, err
	}
	file := workFile{new(modfile.File), source}
	return file, errors.Join(file.AddModuleStmt("kubeassets"), file.AddGoStmt(source.Go.Version), file.AddRequire(module, version))
}

// build writes the module and builds a package of it into its directory bin.
func (f workFile) build(ctx context.Context, work, pkg, linker string, progress io.Writer) error {
	f.Cleanup()
	text, err := f.Format()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, "go.mod"), text, 0o644); err != nil {
		return err
	}
	bin := filepath.Join(work, "bin") + string(filepath.Separator)
	command := goCommand(ctx, work, "build", "-mod=mod", "-trimpath", "-ldflags", linker, "-o", bin, pkg)
	command.Stdout, command.Stderr = progress, progress
	return command.Run()
}

// goCommand runs the Go that runs this, outside of this module.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GOTOOLCHAIN=local")
	return command
}
