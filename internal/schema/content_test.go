package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/manifest"
)

func TestTooLarge(t *testing.T) {
	t.Parallel()
	text := func(kind, field string, size int) string {
		return fmt.Sprintf("apiVersion: v1\nkind: %s\nmetadata: {name: a}\n%s: {k: %q}\n", kind, field, strings.Repeat("aaaa", size/4))
	}
	widget := func(size int) string {
		return fmt.Sprintf("apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: %q\n", strings.Repeat("a", size))
	}
	for name, test := range map[string]struct {
		text string
		want string
	}{
		"a ConfigMap that fits":           {text("ConfigMap", "data", 1<<20), ""},
		"a ConfigMap that does not":       {text("ConfigMap", "data", 1<<20+4), "this ConfigMap holds 1.0 MiB: Kubernetes allows 1 MiB"},
		"base64 counts as what it means":  {text("Secret", "data", 1<<20+1<<18), ""},
		"a Secret that is too large":      {text("Secret", "data", 3<<19), "this Secret holds 1.1 MiB: Kubernetes allows 1 MiB"},
		"a custom resource that fits":     {widget(3<<19 - 1000), ""},
		"a custom resource that does not": {widget(4 << 19), "this object is 2.0 MiB: etcd takes 1.5 MiB at most by default"},
	} {
		result, err := builtin(t).Check("", []*manifest.Object{parse(t, []byte(test.text))[0]}, Context{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range result.Findings {
			if f.Rule == RuleTooLarge {
				got = f.Message
			}
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
