package policy_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/policy"
)

var update = flag.Bool("update", false, "write docs/policies.md anew")

var allBundles = []string{"default", "practice", "baseline", "restricted"}

// TestDocs holds docs/policies.md to the METADATA of the rules.
func TestDocs(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "policies.md")
	engine := builtin(t, policy.Options{Bundles: allBundles})
	got := document(engine.Rules())
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/policies.md is out of date; run this test with -update (-file +rules)\n%s", diff)
	}
}

// across is the part of the document that is about rules that look at an environment.
const across = `Rules about hosts, duplicates, selectors, budgets, network policies and autoscalers look at the whole environment, not at one target:
what other targets have counts, whether the change reaches them or not. Which of them may have something to say (the same host or
object, pods that a selector may mean, budgets and autoscalers in the same namespace) is found in their sources, through the namespaces,
prefixes, suffixes and labels of kustomizations; only those are rendered besides, at most 20 for what is shared and 3 for each thing that is
looked for. Targets whose sources do not say what they deploy (charts, generators, remote bases, transformers, replacements and JSON patches that give
names, in a kustomization or in a file) are rendered too, at most 20 of an environment; a note of the report counts the others. What a change breaks
in a target that it does not reach is told when that target is checked next.`

// own is the part of the document that is about a repository's own policies.
const own = `# Policies

## The repository's own

Every ` + "`*.rego`" + ` file below the configured directories (Rego v1; tests, ` + "`*_test.rego`" + `, left out) is evaluated as
[conftest](https://www.conftest.dev) does it: rules named ` + "`deny`, `violation`" + ` (errors) and ` + "`warn`" + ` (warnings), with or without a suffix
(` + "`deny_latest`" + `), in every package; a result is a text or ` + "`{\"msg\": text, \"path\": field}`; `exception`" + ` names rules by their suffix. YAML
and JSON files below the subdirectory ` + "`data`" + ` are data. A finding's rule is ` + "`policy/<package>/<rule>`" + `. The policies of the base
branch bind. What ` + "`exception`" + ` accepts is shown as accepted in every view, counted, and does not gate.

With ` + "`policies: {combine: true}`" + ` they see all objects of a target at once, as with conftest's --combine: ` + "`input`" + ` is a list of
` + "`{\"path\": file, \"contents\": object}`" + `, in the order in which the target renders them. A result that is about one of them says so by its number
in the list, ` + "`{\"msg\": text, \"index\": number, \"path\": field}`" + `; then its finding stands where that object does, and is compared with base for it.

### From elsewhere

` + "```yaml" + `
policies:
  remote:
    - git: github.com/acme/policies@0123456789abcdef0123456789abcdef01234567
      directory: kubernetes
    - oci: ghcr.io/acme/policies:v3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
` + "```" + `

These policies count as the repository's own and are compiled together with them. They are fetched only if the base branch's
configuration names them, and named by what says all that they hold: a commit's full id, or an artifact's digest. Branches and tags are refused,
because they can move (a tag before the digest is for people). A pull request that changes the list changes nothing about what is fetched; a notice
says what is not tried. What was fetched is kept in the cache (` + "`--cache`" + `), and verified whenever it is used. What could not be fetched or
compiled, or holds no policy, is an error at the line that names it, and the run incomplete (exit code 3).

Commits are fetched by https with the credentials that git's configuration has.

Artifacts are those that ` + "`conftest push`" + ` and ` + "`oras push`" + ` make, a layer for each file with its path as title; conftest prints the digest. They are fetched
by https (by http from localhost only), with the credentials of docker's configuration (` + "`docker login`" + `). Without ` + "`directory`" + `, the policies are those
in the directory that all files share, and its ` + "`data`" + ` is data; a notice tells of data that lies elsewhere. An artifact may hold 4,000 files and
32 MB; packed directories and OPA's own bundles (tar files) are refused.

What differs from the conftest program:

- Policies see no value of a Secret: keys are there, and what is below ` + "`data`" + ` or ` + "`stringData`" + ` is replaced by a fixed text, so that no
  message can tell it.
- Policies reach no network, no files and no environment: http.send, net.lookup_ip_addr, opa.runtime, json.match_schema,
  json.verify_schema, strings.render_template and conftest's parse_config functions are refused, with the place that calls them.
- A builtin that fails is an error (conftest passes over it without --show-builtin-errors), and so is a result that conftest
  passes over in silence: a rule that is true, a number.
- The time and memory of an evaluation are bounded. What could not be decided is an error, and the run incomplete.
- All packages with rules count (conftest: main, unless --all-namespaces). data.conftest.file is not there.
- Integers stay exact, which conftest makes floating point.

`

func document(rules []policy.Rule) string {
	var b strings.Builder
	b.WriteString("<!-- Made from the METADATA of policies/*.rego: go test ./internal/policy -run Docs -update -->\n\n" + own + "# Built-in policies\n\n")
	b.WriteString("The bundle `default` runs without configuration; `practice` is good practice, with rules that are too loud for a grown repository's\n" +
		"first run. The bundles `baseline` and `restricted` are the levels of Kubernetes'\n" +
		"[Pod Security Standards](https://kubernetes.io/docs/concepts/security/pod-security-standards/). A rule in several chosen bundles has the\n" +
		"highest of their severities.\n\n" + across + "\n\n| rule | default | practice | baseline | restricted |\n|---|---|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| [`%s`](#%s)", r.ID, strings.ReplaceAll(r.ID, "/", ""))
		for _, bundle := range allBundles {
			severity := ""
			if s, ok := r.Bundles[bundle]; ok {
				severity = s.String()
			}
			fmt.Fprintf(&b, " | %s", severity)
		}
		b.WriteString(" |\n")
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n## %s\n\n**%s.** %s\n\n", r.ID, r.Title, r.Description)
		for _, s := range r.Sources {
			fmt.Fprintf(&b, "Source: [%s](%s)\n", s.Title, s.URL)
		}
	}
	return b.String()
}
