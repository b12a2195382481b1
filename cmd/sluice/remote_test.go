package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestRemoteBaseOverHTTPS fetches a remote base as users have them: pinned, allowed by base, over https from a server whose
// certificate git's configuration trusts. What was fetched is kept, and the report counts it.
func TestRemoteBaseOverHTTPS(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	remote := filepath.Join(root, "acme", "platform.git")
	commit := commitFiles(t, remote, map[string]string{
		"monitoring/kustomization.yaml": "resources: [probe.yaml]\n",
		"monitoring/probe.yaml":         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: probe}\ndata: {interval: 30s}\n",
	})
	server, asked := serveGit(t, root, "platform")
	home := t.TempDir()
	trust(t, home, server)

	host := strings.TrimPrefix(server.URL, "https://")
	name := host + "/acme/platform@" + commit
	repo := t.TempDir()
	commitFiles(t, repo, map[string]string{
		".sluice.yaml":                   "render: {remote: [\"" + name + "\"]}\n",
		"apps/a/base/kustomization.yaml": "resources: [cm.yaml]\n",
		"apps/a/base/cm.yaml":            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n",
		"apps/a/overlays/dev/kustomization.yaml": fmt.Sprintf("resources:\n- ../../base\n- %s/acme/platform//monitoring?ref=%s\n",
			server.URL, commit),
		"apps/a/overlays/prod/kustomization.yaml": "resources: [../../base]\n",
	})
	cache := t.TempDir()
	var first string
	for run := range 2 {
		before := asked.Load()
		out, code := sluice(t, repo, home, "check", "--all", "--cache", cache, "-o", "json", "-o", "text="+filepath.Join(home, "report.txt"))
		if code != 0 {
			t.Fatalf("exit code %d:\n%s", code, out)
		}
		var report struct {
			Targets []struct {
				ID      string
				Objects int
				Remotes []string
			}
			Coverage struct{ Remotes map[string]int }
		}
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatal(err)
		}
		if report.Coverage.Remotes[name] != 1 {
			t.Errorf("counted are %v, want %s once", report.Coverage.Remotes, name)
		}
		for _, target := range report.Targets {
			if pinned := len(target.Remotes) == 1 && target.Remotes[0] == name; pinned != (target.ID == "apps/a/overlays/dev") {
				t.Errorf("%s is said to build on %q", target.ID, target.Remotes)
			}
		}
		text := readFile(t, filepath.Join(home, "report.txt"))
		if want := fmt.Sprintf("1 remote base, pinned to a commit (%s/acme/platform@%.7s in 1 target)", host, commit); !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
		switch fetched := asked.Load() - before; {
		case run == 0 && fetched == 0:
			t.Error("nothing was fetched")
		case run == 1 && fetched > 0:
			t.Errorf("%d requests for what is kept", fetched)
		}
		if first == "" {
			first = out
		} else if out != first {
			t.Errorf("the second report is another:\n%s\nafter\n%s", out, first)
		}
	}
	// A server that git does not trust gives nothing, and the target is not green.
	out, code := sluice(t, repo, t.TempDir(), "check", "--all")
	if code != 3 || !strings.Contains(out, "could not be fetched") || !strings.Contains(out, "apps/a/overlays/dev/kustomization.yaml:3:3") {
		t.Errorf("exit code %d from an untrusted server:\n%s", code, out)
	}
}

// serveGit serves the repositories of root, each a working tree "<name>.git", over https, and counts the requests.
func serveGit(t *testing.T, root, name string) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{Path: program, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1",
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=uploadpack.allowReachableSHA1InWant", "GIT_CONFIG_VALUE_0=true", "GIT_CONFIG_KEY_1=safe.directory", "GIT_CONFIG_VALUE_1=*"}}
	var asked atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		r.URL.Path = strings.Replace(r.URL.Path, "/"+name, "/"+name+".git/.git", 1)
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server, &asked
}

// trust has git trust a server, where home is its home.
func trust(t *testing.T, home string, server *httptest.Server) {
	t.Helper()
	writeTo(t, home, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	writeTo(t, home, ".gitconfig", "[http]\n\tsslCAInfo = "+filepath.Join(home, "ca.pem")+"\n")
}

// sluice runs the program in a directory, with another home.
func sluice(t *testing.T, dir, home string, args ...string) (out string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"sluice"}, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}, gitEnvironment...)
	stdout, err := cmd.Output()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	return string(stdout), cmd.ProcessState.ExitCode()
}

// commitFiles makes a repository of files, and gives its commit.
func commitFiles(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		writeTo(t, dir, name, content)
	}
	var out []byte
	for _, args := range [][]string{{"init", "--quiet", "--initial-branch=main"}, {"add", "--all"}, {"commit", "--quiet", "--message=files"}, {"rev-parse", "HEAD"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), gitEnvironment...)
		var err error
		if out, err = cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return strings.TrimSpace(string(out))
}

func writeTo(t *testing.T, dir, name, content string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
