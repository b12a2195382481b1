package pipeline

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
)

// Nothing that may be a secret is quoted.
func TestQuote(t *testing.T) {
	t.Parallel()
	tree := mapTree{fstest.MapFS{
		"a.yaml":             {Data: []byte("kind: Pod\r\nspec:\n  token: ghp_abc\n  long: " + strings.Repeat("x", 200) + "\n")},
		"secret.yaml":        {Data: []byte("kind: ConfigMap\n---\nkind: Secret\nstringData: {a: hunter2}\n")},
		"kustomization.yaml": {Data: []byte("secretGenerator:\n- literals: [a=hunter2]\n")},
		"prod.env":           {Data: []byte("A=hunter2\n")},
		"broken.yaml":        {Data: []byte("a: \xff\n")},
	}}
	l := newLocator(tree, func() *plan.Graph { return nil })
	opts := diff.Options{SensitiveValues: []*regexp.Regexp{regexp.MustCompile(`ghp_\w+`)}, Sensitive: []diff.Rule{{Kinds: []string{"Vault"}, Paths: []string{"spec.key"}}}}
	at := func(file string, line, column int) finding.Finding {
		return finding.Finding{Rule: "policy/x", Object: "Pod web", Pos: finding.Pos{File: file, Line: line, Column: column}}
	}
	secret, sensitive, data, fixed := at("a.yaml", 1, 1), at("a.yaml", 1, 1), at("a.yaml", 1, 1), at("a.yaml", 1, 1).In("t", finding.Fixed)
	secret.Rule, sensitive.Object, data.Object = "policy/secret-in-env", "Vault web", "Secret web"
	for _, test := range []struct {
		name string
		f    finding.Finding
		want string
	}{
		{"a line", at("a.yaml", 1, 7), "kind: Pod"},
		{"another", at("a.yaml", 2, 1), "spec:"},
		{"a sensitive value", at("a.yaml", 3, 3), ""},
		{"a long line", at("a.yaml", 4, 3), ""},
		{"behind the end", at("a.yaml", 9, 1), ""},
		{"behind the end of the line", at("a.yaml", 2, 9), ""},
		{"a file with a Secret", at("secret.yaml", 1, 1), ""},
		{"a generator of Secrets", at("kustomization.yaml", 2, 3), ""},
		{"an env file", at("prod.env", 1, 1), ""},
		{"no text", at("broken.yaml", 1, 1), ""},
		{"no file", at("", 1, 1), ""},
		{"a rule about secrets", secret, ""},
		{"a sensitive kind", sensitive, ""},
		{"a Secret", data, ""},
		{"gone", fixed, ""},
	} {
		if got := l.quote(finding.List{test.f}, opts)[0].Excerpt; got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
