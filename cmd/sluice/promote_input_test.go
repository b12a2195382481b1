package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// awkward is a file that is hard to merge: as both environments had it, as dev has it now, as prod has it, and what comes of it.
type awkward struct {
	name           string
	file           string // below the target's directory
	was, dev, prod string // "" for prod: as it was
	link           bool   // the file is a symbolic link, and the texts are what it points to
	made           func(t *testing.T, dir string)
	code           int    // how every run ends
	says           string // in the output, a regular expression
	want           string // prod's file in the end; "" for what prod has
}

// long is a file of fifty thousand lines.
func long(tag string) string {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "- name: item-%d\n  # the item\n  value: %d\n  tags:\n    - a\n", i, i)
	}
	return b.String() + "- name: web\n  value: " + tag + "\n"
}

var awkwardFiles = []awkward{
	{name: "unparsable source", file: "v.yaml", was: "a: 1\n", dev: "a: [\n", code: 1, says: `dev/web/v.yaml:\d+.*the file cannot be read, so nothing of it is promoted`},
	{name: "unparsable target", file: "v.yaml", was: "a: 1\n", dev: "a: 2\n", prod: "a: [1\n", code: 1, says: `prod/web/v.yaml:\d+.*the file cannot be read`},
	{name: "duplicate key in the source", file: "v.yaml", was: "a: 1\n", dev: "a: 1\nb: 1\nb: 2\n", code: 1, says: `dev/web/v.yaml:3.*the key "b" is already in line 2`},
	{name: "duplicate key in the target", file: "v.yaml", was: "a: 1\n", dev: "a: 2\n", prod: "a: 1\nc: 1\nc: 2\n", code: 1, says: `prod/web/v.yaml:3.*the key "c" is already in line 2`},
	{
		name: "anchors and merge keys", file: "v.yaml", was: "base: &b {x: 1, y: 1}\nweb: {<<: *b, z: 1}\nref: *b\n", dev: "base: &b {x: 1, y: 1}\nweb: {<<: *b, z: 2}\nref: *b\nnew: *b\n",
		prod: "# prod\nbase: &b {x: 1, y: 1}\nweb: {<<: *b, z: 1}\nref: *b\n", want: "# prod\nbase: &b {x: 1, y: 1}\nweb: {<<: *b, z: 2}\nref: *b\nnew: *b\n", says: `change +prod/web/v.yaml`,
	},
	{
		name: "documents", file: "v.yaml", was: "kind: A\nmetadata: {name: a}\nv: 1\n---\nkind: B\nmetadata: {name: b}\nv: 1\n",
		dev:  "kind: A\nmetadata: {name: a}\nv: 2\n---\nkind: B\nmetadata: {name: b}\nv: 1\n---\nkind: C\nmetadata: {name: c}\n",
		prod: "kind: B\nmetadata: {name: b}\nv: 1\n---\n# ours\nkind: A\nmetadata: {name: a}\nv: 1\n",
		want: "kind: B\nmetadata: {name: b}\nv: 1\n---\nkind: C\nmetadata: {name: c}\n---\n# ours\nkind: A\nmetadata: {name: a}\nv: 2\n", says: `change +prod/web/v.yaml`,
	},
	{name: "CRLF", file: "v.yaml", was: "a: 1\nb: 1\n", dev: "a: 2\nb: 1\n", prod: "a: 1\r\nb: 1\r\n", want: "a: 2\r\nb: 1\r\n", says: `change +prod/web/v.yaml`},
	{name: "BOM", file: "v.yaml", was: "a: 1\nb: 1\n", dev: "a: 2\nb: 1\n", prod: "\uFEFFa: 1\nb: 1\n", want: "\uFEFFa: 2\nb: 1\n", says: `change +prod/web/v.yaml`},
	{name: "symbolic link", file: "latest", link: true, was: "one", dev: "two", want: "two", says: `change +prod/web/latest`},
	{name: "symbolic link out of the repository", file: "latest", link: true, was: "one", dev: "../../../../etc/passwd", want: "../../../../etc/passwd", says: `change +prod/web/latest`},
	{name: "binary", file: "logo", was: "\x00\x01", dev: "\x00\xFF\xFE\x02", want: "\x00\xFF\xFE\x02", says: `change +prod/web/logo`},
	{name: "binary that both changed", file: "logo", was: "\x00\x01", dev: "\x00\xFF\xFE\x02", prod: "\x00\x07", code: 0, says: `withheld prod/web/logo: \(a file of 2 bytes\) here, \(a file of 4 bytes\) in dev`},
	{name: "fifty thousand lines", file: "v.yaml", was: long("v1"), dev: long("v2"), prod: "# ours\n" + long("v1"), want: "# ours\n" + long("v2"), says: `change +prod/web/v.yaml`},
	{
		name: "submodule", file: "v.yaml", was: "a: 1\n", dev: "a: 2\n", want: "a: 2\n", says: `dev/web/module.*this is a submodule: it is not promoted`,
		made: func(t *testing.T, dir string) {
			gitIn(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+gitIn(t, dir, "rev-parse", "HEAD")+",dev/web/module")
		},
	},
}

// gitIn runs git in a directory.
func gitIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), gitEnvironment...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// put writes a file, or a link, of an environment.
func (a awkward) put(t *testing.T, dir, env, content string) {
	t.Helper()
	name := filepath.Join(dir, env, "web", a.file)
	if !a.link {
		writeTo(t, dir, filepath.Join(env, "web", a.file), content)
		return
	}
	_ = os.Remove(name) // where it is there already
	if err := os.Symlink(content, name); err != nil {
		t.Fatal(err)
	}
}

// get reads what put wrote.
func (a awkward) get(t *testing.T, dir, env string) string {
	t.Helper()
	name := filepath.Join(dir, env, "web", a.file)
	if a.link {
		to, err := os.Readlink(name)
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	return readFile(t, name)
}

// repository makes it, with another file beside that is easy to promote.
func (a awkward) repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	gitIn(t, dir, "init", "--quiet", "--initial-branch=main")
	writeTo(t, dir, ".sluice.yaml", "order: [dev, prod]\ntargets: [{path: \"{env}/{app}\"}]\n")
	for _, env := range []string{"dev", "prod"} {
		for name, text := range map[string]string{
			"kustomization.yaml": "resources: [map.yaml]\n", "map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: one}\n",
		} {
			writeTo(t, dir, filepath.Join(env, "web", name), text)
		}
		a.put(t, dir, env, a.was)
	}
	commit := func() {
		gitIn(t, dir, "add", "--all")
		if a.made != nil && gitIn(t, dir, "rev-list", "--all", "--count") != "0" {
			a.made(t, dir)
		}
		gitIn(t, dir, "commit", "--quiet", "--message=a change")
	}
	commit()
	a.put(t, dir, "dev", a.dev)
	if a.prod != "" {
		a.put(t, dir, "prod", a.prod)
	}
	writeTo(t, dir, filepath.Join("dev", "web", "map.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: two}\n")
	commit()
	return dir
}

// sluiceIn runs the program in a directory.
func sluiceIn(t *testing.T, dir string, env []string, args ...string) stepRun {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args, cmd.Dir = append([]string{"sluice"}, args...), dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, env...)
	out, _ := cmd.CombinedOutput()
	return stepRun{code: cmd.ProcessState.ExitCode(), log: string(out)}
}

// TestAwkwardFiles promotes files that are hard to merge: a finding that says where and what, or a correct merge; and nothing else is
// lost by it. The plan writes nothing; a pull request holds what the working tree would.
func TestAwkwardFiles(t *testing.T) {
	t.Parallel()
	for _, a := range awkwardFiles {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			dir := a.repository(t)
			gh := githubtest.New(t)
			repo := gh.CreateRepo("acme/config")
			gitIn(t, dir, "push", "--quiet", "--force", repo.Dir, "main")
			want := a.want
			if want == "" {
				want = a.get(t, dir, "prod")
			}
			token := []string{"GITHUB_TOKEN=" + gh.PromotionToken(), "GITHUB_API_URL=" + gh.APIURL, "GITHUB_REPOSITORY=" + repo.FullName}
			for _, mode := range []string{"--plan", "--open", "--write"} {
				run := sluiceIn(t, dir, token, "promote", mode)
				if run.code != a.code || !regexp.MustCompile(a.says).MatchString(run.log) {
					t.Errorf("%s: exit code %d, want %d, and %s:\n%.3000s", mode, run.code, a.code, a.says, run.log)
				}
				if dirty := gitIn(t, dir, "status", "--porcelain", "--ignore-submodules"); mode != "--write" && dirty != "" && a.made == nil {
					t.Errorf("%s changed the working tree:\n%s", mode, dirty)
				}
			}
			if got := a.get(t, dir, "prod"); got != want {
				t.Errorf("got %.500q, want %.500q", got, want)
			}
			if text := readFile(t, filepath.Join(dir, "prod", "web", "map.yaml")); !strings.Contains(text, "a: two") {
				t.Errorf("the file beside it is not promoted:\n%s", text)
			}
			pulls := repo.Pulls()
			if len(pulls) != 1 || pulls[0].Draft != (a.code == 1) {
				t.Fatalf("%+v", pulls)
			}
			gitIn(t, dir, "fetch", "--quiet", repo.Dir, pulls[0].Head)
			if differs := gitIn(t, dir, "diff", "--ignore-submodules", "--stat", "FETCH_HEAD", "--", "prod"); differs != "" {
				t.Errorf("the pull request holds something else than the working tree:\n%s", differs)
			}
		})
	}
}

// TestPromotionsThatCannotBe asks for what there is not, in every mode: exit code 2, what is wrong and what to do, and nothing done.
func TestPromotionsThatCannotBe(t *testing.T) {
	t.Parallel()
	easy := awkward{file: "v.yaml", was: "a: 1\n", dev: "a: 2\n"}
	dir := easy.repository(t)
	gh := githubtest.New(t)
	repo := gh.CreateRepo("acme/config")
	gitIn(t, dir, "push", "--quiet", "--force", repo.Dir, "main")
	token := []string{"GITHUB_TOKEN=" + gh.PromotionToken(), "GITHUB_API_URL=" + gh.APIURL, "GITHUB_REPOSITORY=" + repo.FullName}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--from", "dve"}, `unknown environment "dve": there are dev → prod`},
		{[]string{"--to", "qa"}, `unknown environment "qa"`},
		{[]string{"--app", "wbe"}, `unknown application "wbe": there are web`},
		{[]string{"--from", "prod", "--to", "dev"}, `prod → dev is against the order of promotion, dev → prod`},
		{[]string{"--from", "prod"}, `nothing comes after prod`},
		{[]string{"--to", "dev"}, `nothing comes before dev`},
		{[]string{"--from", "dev", "--to", "dev"}, `that is one environment`},
	} {
		for _, mode := range []string{"--plan", "--open", "--write"} {
			run := sluiceIn(t, dir, token, append([]string{"promote", mode}, c.args...)...)
			if run.code != 2 || !strings.Contains(run.log, c.says) {
				t.Errorf("%s %v: exit code %d, want 2, and %q:\n%s", mode, c.args, run.code, c.says, run.log)
			}
		}
	}
	if dirty := gitIn(t, dir, "status", "--porcelain"); dirty != "" || len(repo.Pulls()) != 0 {
		t.Errorf("something was done: %s %+v", dirty, repo.Pulls())
	}

	// A working tree with changes: nothing is written over them. A plan is made of what is committed.
	writeTo(t, dir, "prod/web/v.yaml", "a: mine\n")
	run := sluiceIn(t, dir, nil, "promote", "--write")
	if run.code != 2 || !strings.Contains(run.log, "changes that are not committed where the promotion writes: nothing was written") || !strings.Contains(run.log, "prod/web/v.yaml") {
		t.Errorf("exit code %d:\n%s", run.code, run.log)
	}
	if text := readFile(t, filepath.Join(dir, "prod", "web", "v.yaml")) + readFile(t, filepath.Join(dir, "prod", "web", "map.yaml")); !strings.Contains(text, "mine") || strings.Contains(text, "two") {
		t.Errorf("something was written:\n%s", text)
	}
	if run := sluiceIn(t, dir, nil, "promote", "--plan"); run.code != 0 {
		t.Errorf("--plan: exit code %d:\n%s", run.code, run.log)
	}

	// A shallow clone: the plan names what to do; --open, as under Actions, fetches what is missing.
	shallow := filepath.Join(t.TempDir(), "shallow")
	gitIn(t, dir, "clone", "--quiet", "--depth=1", "file://"+repo.Dir, shallow)
	for _, mode := range []string{"--plan", "--write"} {
		if run := sluiceIn(t, shallow, nil, "promote", mode); run.code != 3 || !strings.Contains(run.log, "fetch-depth: 0") || !strings.Contains(run.log, "git fetch --unshallow") {
			t.Errorf("%s in a shallow clone: exit code %d:\n%s", mode, run.code, run.log)
		}
	}
	if run := sluiceIn(t, shallow, token, "promote", "--open"); run.code != 0 || len(repo.Pulls()) != 1 {
		t.Errorf("--open in a shallow clone: exit code %d, %+v:\n%s", run.code, repo.Pulls(), run.log)
	}
	if gitIn(t, shallow, "rev-parse", "--is-shallow-repository") != "false" {
		t.Error("the clone is still shallow")
	}
}
