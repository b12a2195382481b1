package main

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/testdata"
)

// What must not leave: a value of a Secret, of the runner's environment, of a file beside the repository, and the token of the run.
const (
	plantedSecret = "planted-secret-8Vq2"
	plantedEnv    = "planted-environment-8Vq2"
	plantedFile   = "planted-file-8Vq2"
)

// attackScene is a repository with secrets around it, and a server that nobody may ask.
type attackScene struct {
	*stage
	outside string // directory beside the repository, with a file "planted.yaml"
	remote  string // address of the server
	asked   *atomic.Int64
}

func newAttackScene(t *testing.T) *attackScene {
	t.Helper()
	s := &attackScene{stage: newStage(t), outside: t.TempDir(), asked: new(atomic.Int64)}
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.asked.Add(1) }))
	t.Cleanup(server.Close)
	s.remote = server.URL
	if err := os.WriteFile(filepath.Join(s.outside, "planted.yaml"), []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: planted}\ndata: {a: "+plantedFile+"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

// overlay is the kustomization of a target with more in it.
func overlay(more string) githubtest.Files {
	return githubtest.Files{"apps/pay/overlays/prod/kustomization.yaml": "namespace: pay-prod\nresources:\n- ../../base\n" + more}
}

func (s *attackScene) with(more string, files ...githubtest.Files) githubtest.Files {
	out := overlay(more)
	for _, some := range files {
		for name, content := range some {
			out["apps/pay/overlays/prod/"+name] = content
		}
	}
	return out
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n"

// attack is what a stranger's pull request brings.
type attack struct {
	name  string
	files func(*attackScene) githubtest.Files
	code  int
	says  string // in the summary
	links func(*attackScene) githubtest.Files
}

var attacks = []attack{
	{name: "commands in values", files: func(s *attackScene) githubtest.Files {
		return s.with("- x.yaml\n", githubtest.Files{"x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  labels: {a: \"\\n::add-mask::prod\"}\ndata:\n  a: |\n    ::error::pwned\n    ::stop-commands::x\n    ##[add-path]/tmp\n"})
	}, code: 0, says: "no objections"},
	{name: "commands in a name", files: func(s *attackScene) githubtest.Files {
		return s.with("- x.yaml\n", githubtest.Files{"x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"x\\n::error::pwned\"}\n"})
	}, code: 0, says: "no objections"},
	{name: "commands in the name of a file", files: func(s *attackScene) githubtest.Files {
		return s.with("- \"x\\n::stop-commands::y\\n::error::pwned.yaml\"\n", githubtest.Files{"x\n::stop-commands::y\n::error::pwned.yaml": "kind: [\n"})
	}, code: 3, says: "Not checked"},
	{name: "a target whose directory is a command", files: func(*attackScene) githubtest.Files {
		return githubtest.Files{"apps/::set-output name=verdict::pass\nverdict=pass/overlays/prod/kustomization.yaml": "resources: [x.yaml]\n", "apps/::set-output name=verdict::pass\nverdict=pass/overlays/prod/x.yaml": configMap}
	}, code: 0, says: ""},
	{name: "Markdown, HTML and mentions", files: func(s *attackScene) githubtest.Files {
		return s.with("- x.yaml\n", githubtest.Files{"x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"</details>`<img src=//evil>@octocat ![x](//evil)\"}\ndata: {a: \"```\\n</details><script>x</script>\"}\n"})
	}, code: 0, says: "no objections"},
	{name: "the environment of the process", files: func(s *attackScene) githubtest.Files {
		return s.with("configMapGenerator: [{name: a, files: [a=/proc/self/environ, b=../../../../../../../../proc/self/environ], envs: [/proc/self/environ]}]\n")
	}, code: 3, says: "render/outside-repository"},
	{name: "a file outside, by its path", files: func(s *attackScene) githubtest.Files {
		return s.with("- " + s.outside + "/planted.yaml\n- ../../../../../../../../../../../.." + s.outside + "/planted.yaml\n")
	}, code: 3, says: "render/outside-repository"},
	{name: "symbolic links that lead outside", files: func(s *attackScene) githubtest.Files {
		return s.with("- linked.yaml\n- beside/planted.yaml\nconfigMapGenerator: [{name: a, files: [environ, relative]}]\n")
	}, links: func(s *attackScene) githubtest.Files {
		return githubtest.Files{"linked.yaml": s.outside + "/planted.yaml", "beside": s.outside, "environ": "/proc/self/environ", "relative": "../../../../../../../../.." + s.outside + "/planted.yaml"}
	}, code: 3, says: "render/outside-repository"},
	{name: "exec, containers and Starlark as generators", files: func(s *attackScene) githubtest.Files {
		return s.with("generators: [g.yaml]\ntransformers: [h.yaml]\n", githubtest.Files{
			"g.yaml": "apiVersion: v1\nkind: X\nmetadata: {name: g, annotations: {config.kubernetes.io/function: \"exec: {path: ./run.sh}\"}}\n",
			"h.yaml": "apiVersion: v1\nkind: X\nmetadata: {name: h, annotations: {config.kubernetes.io/function: \"container: {image: evil, network: true}\"}}\n",
			"run.sh": "#!/bin/sh\ncurl " + s.remote + "\n",
		})
	}, code: 3, says: "Not checked"},
	{name: "remote resources", files: func(s *attackScene) githubtest.Files {
		return s.with("- " + s.remote + "/x.yaml\n- git::" + s.remote + "/x.git?ref=main\ncomponents: [\"" + s.remote + "/c\"]\n")
	}, code: 3, says: "render/remote-base"},
	{name: "Helm with a post-renderer", files: func(s *attackScene) githubtest.Files {
		return s.with("helmCharts: [{name: x, repo: \"" + s.remote + "\", releaseName: --post-renderer=./run.sh, version: 1.0.0}]\nhelmGlobals: {chartHome: ../../../../../..}\n")
	}, code: 3, says: "Not checked"},
	{name: "Rego that calls out", files: func(s *attackScene) githubtest.Files {
		return githubtest.Files{"policies/evil.rego": "package main\n\ndeny contains msg if { msg := http.send({\"method\": \"get\", \"url\": \"" + s.remote + "\"}).raw_body }\n\ndeny contains msg if { msg := opa.runtime().env.PLANTED }\n"}
	}, code: 1, says: "policy/rego"},
	{name: "Rego that tells secrets", files: func(s *attackScene) githubtest.Files {
		files := s.with("- x.yaml\n", githubtest.Files{"x.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: " + base64.StdEncoding.EncodeToString([]byte(plantedSecret)) + "}\nstringData: {b: " + plantedSecret + "}\n"})
		files["policies/tell.rego"] = "package main\n\ndeny contains msg if {\n\tinput.kind == \"Secret\"\n\tmsg := sprintf(\"told: %v, %v\", [input, base64.decode(input.data.a)])\n}\n\n" +
			"deny contains msg if {\n\tinput.kind == \"Secret\"\n\tmsg := sprintf(\"told: %v\", [input])\n}\n"
		return files
	}, code: 0, says: ""},
	{name: "an admission policy that tells secrets", files: func(s *attackScene) githubtest.Files {
		return s.with("- x.yaml\n- vap.yaml\n", githubtest.Files{
			"x.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {b: " + plantedSecret + "}\n",
			"vap.yaml": "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: p}\nspec:\n  matchConstraints: {resourceRules: [{apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [secrets]}]}\n" +
				"  validations: [{expression: \"false\", messageExpression: \"'told ' + object.stringData.b\"}]\n" +
				"---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: b}\nspec: {policyName: p, validationActions: [Deny]}\n",
		})
	}, code: 1, says: "told hidden by sluice"},
	{name: "an alias bomb", files: func(s *attackScene) githubtest.Files {
		bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
		for i := 1; i < 12; i++ {
			bomb += fmt.Sprintf("a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
		}
		return s.with("- bomb.yaml\n", githubtest.Files{"bomb.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\nx:\n  " + strings.ReplaceAll(strings.TrimSpace(bomb), "\n", "\n  ") + "\n"})
	}, code: 3, says: "too-large"},
	{name: "deep YAML", files: func(s *attackScene) githubtest.Files {
		return s.with("- deep.yaml\n", githubtest.Files{"deep.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: deep}\ndata: " + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "\n"})
	}, code: 3, says: "Not checked"},
	{name: "a bomb in the kustomization", files: func(s *attackScene) githubtest.Files {
		return githubtest.Files{"apps/pay/overlays/prod/kustomization.yaml": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nresources: [*g]\n"}
	}, code: 3, says: "Not checked"},
	{name: "its own gate, switched off", files: func(s *attackScene) githubtest.Files {
		files := filesOf(s.T, testdata.Change())
		files[".sluice.yaml"] = "severities: {schema/invalid: \"off\", schema/unknown: \"off\", policy/resources: \"off\", \"policy/*\": \"off\"}\nexclude: [apps/shop]\nrender: {remote: [github.com/evil/x@0123456789abcdef0123456789abcdef01234567], timeout: 10m}\n"
		files["policies/allow.rego"] = "package main\n\nexception contains rules if { rules := [\"\"] }\n"
		return files
	}, code: 1, says: "schema/invalid"},
	{name: "secrets in disguise", files: func(s *attackScene) githubtest.Files {
		encoded := base64.StdEncoding.EncodeToString([]byte(plantedSecret))
		return s.with("- x.yaml\n", githubtest.Files{"x.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"a\":\"" + encoded + "\"}}'\n" +
			"data: {a: " + encoded + ", b: \"" + plantedSecret + " is no base64\"}\nstringData: {c: " + plantedSecret + ", d: [" + plantedSecret + "]}\ntype: [" + "x" + "]\n" +
			"---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: y}, stringData: {a: " + plantedSecret + "}}\n"})
	}, code: 1, says: "Secret"},
	{name: "a generated secret", files: func(s *attackScene) githubtest.Files {
		return s.with("secretGenerator: [{name: g, literals: [a="+plantedSecret+"], files: [k.txt]}]\n", githubtest.Files{"k.txt": plantedSecret + "\n"})
	}, code: 0, says: "Secret"},
}

// TestAttacks runs the action on pull requests that attack it. Whatever they bring: nothing outside is read, nobody is called, no
// planted secret is in any output, no command of theirs reaches the runner, and the verdict is not theirs.
func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, attack := range slices.Concat(attacks, nameAttacks) {
		t.Run(attack.name, func(t *testing.T) {
			t.Parallel()
			s := newAttackScene(t)
			head := s.repo.Commit("attack", attack.files(s), "harmless")
			if attack.links != nil {
				links := githubtest.Files{}
				for name, target := range attack.links(s) {
					links[path.Join("apps/pay/overlays/prod", name)] = target
				}
				head = s.repo.CommitLinks("attack", links, "harmless")
			}
			token := s.gh.ActionsToken()
			pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "attack", Title: "Harmless"})
			reports, cache := t.TempDir(), t.TempDir()
			run := s.step("pull_request", s.repo.PullRequestEvent(pr, "opened"), token, map[string]string{
				"INPUT_REPORTS": reports, "INPUT_CACHE": cache, "AWS_SECRET_ACCESS_KEY": plantedEnv, "PLANTED": plantedEnv,
			})
			if run.code != attack.code {
				t.Errorf("exit code %d, want %d:\n%s", run.code, attack.code, run.log)
			}
			s.wants("the summary", run.summary, attack.says)
			if n := s.asked.Load(); n > 0 {
				t.Errorf("%d requests to the attacker's server", n)
			}
			outputs := map[string]string{"log": strings.ReplaceAll(run.log, "::add-mask::"+token+"\n", ""), "summary": run.summary, "outputs": run.outputs}
			addFiles(t, outputs, reports)
			addFiles(t, outputs, cache)
			for _, c := range s.repo.Comments(pr) {
				outputs["comment"] += c.Body
			}
			for _, c := range s.repo.CheckRuns(head) {
				outputs["check run"] += fmt.Sprintf("%+v", c)
			}
			for name, text := range outputs {
				for _, planted := range []string{token, plantedSecret, plantedEnv, plantedFile, base64.StdEncoding.EncodeToString([]byte(plantedSecret))} {
					if strings.Contains(text, planted) {
						t.Errorf("%s is in the %s:\n%s", planted, name, text)
					}
				}
			}
			for _, c := range s.repo.Comments(pr) {
				checkComment(t, c.Body, s.gh.URL)
			}
			checkCommands(t, run.log)
			verdict := map[int]string{0: "pass", 1: "fail", 2: "fail", 3: "incomplete"}[run.code]
			if got := outputOf(run.outputs, "verdict"); got != verdict {
				t.Errorf("the output verdict is %q, want %q:\n%s", got, verdict, run.outputs)
			}
		})
	}
}

func addFiles(t *testing.T, outputs map[string]string, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			outputs[filepath.Base(name)] += readFile(t, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// outputOf reads an output as the runner does: by its delimiter.
func outputOf(outputs, name string) string {
	for rest := outputs; rest != ""; {
		head, tail, _ := strings.Cut(rest, "\n")
		key, delimiter, found := strings.Cut(head, "<<")
		if !found {
			return "a line that is no output: " + head
		}
		value, after, closed := strings.Cut(tail, "\n"+delimiter+"\n")
		if !closed {
			return "an output without an end: " + key
		}
		if key == name {
			return value
		}
		rest = after
	}
	return ""
}

// TestHugeTree checks a change in a repository of 100,000 other files.
func TestHugeTree(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes a repository of 100,000 files")
	}
	dir := t.TempDir()
	git := func(stdin string, args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("", "init", "--quiet", "--initial-branch=main")
	var stream strings.Builder
	stream.WriteString("commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 1\na\n")
	for name, content := range overlay("- x.yaml\n") {
		fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", name, len(content), content)
	}
	fmt.Fprintf(&stream, "M 100644 inline apps/pay/base/kustomization.yaml\ndata 14\nresources: []\n\nM 100644 inline apps/pay/overlays/prod/x.yaml\ndata %d\n%s\n", len(configMap), configMap)
	for i := range 100_000 {
		fmt.Fprintf(&stream, "M 100644 inline junk/%03d/%03d/file.yaml\ndata 4\na: 1\n", i/1000, i%1000)
	}
	changed := strings.Replace(configMap, "a: b", "a: c", 1)
	fmt.Fprintf(&stream, "commit refs/heads/change\ncommitter A <a@example.com> 1700000001 +0000\ndata 1\nb\nfrom refs/heads/main\nM 100644 inline apps/pay/overlays/prod/x.yaml\ndata %d\n%s\n", len(changed), changed)
	git(stream.String(), "fast-import", "--quiet")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = []string{"sluice", "check", "--base", "main", "--head", "change"}
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "1 changed") && !strings.Contains(string(out), "a: c") {
		t.Errorf("%v:\n%s", err, out)
	}
}
