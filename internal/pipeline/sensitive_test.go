package pipeline

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

func TestHideTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("correct horse battery ", 5)
	objects, problems := manifest.Parse("a.yaml", []byte(`apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {open: shown, pin: hunter2, short: "17", quoted: "a\"b\tc", long: "`+long+`", lines: "user=root\npass=letmein\n", empty: ""}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	opts := diff.Options{Sensitive: []diff.Rule{{Kinds: []string{"ConfigMap"}, Paths: []string{
		"data.pin", "data.short", "data.quoted", "data.long", "data.lines", "data.empty",
	}}}}
	texts := sensitiveTexts(opts, nil, objects)
	own, other := objects[0].ID.String(), "Deployment b"
	for _, test := range []struct{ object, message, want string }{
		{own, `data.pin: "hunter2" is wrong`, `data.pin: "⟪secret⟫" is wrong`},
		{other, `hunter2, hunter2hunter2 and hunter22`, `⟪secret⟫, hunter2hunter2 and hunter22`},
		{own, `got 17, want 170 or "17"`, `got ⟪secret⟫, want 170 or "⟪secret⟫"`},
		{other, `17 pods`, `17 pods`},
		{own, `"a\"b\tc" and shown`, `"⟪secret⟫" and shown`},
		{own, `"` + long[:64] + `…" is no number`, `"⟪secret⟫…" is no number`},
		{own, `the line pass=letmein`, `the line ⟪secret⟫`},
		{own, `über17`, `über17`},
	} {
		got := hideTexts(finding.List{{Object: test.object, Message: test.message}}, texts)
		if got[0].Message != test.want {
			t.Errorf("%s: %s\ngot %s, want %s", test.object, test.message, got[0].Message, test.want)
		}
	}
}
