package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/report"
)

// A change of a generated ConfigMap, which has another hash in every target, is one change of what names it.
func TestGeneratedNamesAreGrouped(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	for i, app := range []string{"web", "pay"} {
		side := func(hash string) string {
			return configMap("config-"+hash, "shop", "LOG_LEVEL: "+hash[:1]) + fmt.Sprintf(
				"---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: job, namespace: shop}\nspec: {template: {spec: {containers: [{name: job, image: job, env: [%s, %s]}]}}}\n",
				reference("A", hash), reference("B", hash))
		}
		s.changes(s.target(app, "prod"), side(fmt.Sprintf("ck8h2b7d%df", 4+i)), side(fmt.Sprintf("m5k2tg9%dhc", 4+i)))
	}
	report.Finish(s.r)
	var b strings.Builder
	if err := report.Markdown(&b, s.r, report.MarkdownOptions{}); err != nil {
		t.Fatal(err)
	}
	for text, times := range map[string]int{"name: config-ck8h2b7d": 1, "# so does 1 more field": 1, "Only in": 0} {
		if got := strings.Count(b.String(), text); got != times {
			t.Errorf("%q stands there %d times, want %d:\n%s", text, got, times, b.String())
		}
	}
}

func reference(name, hash string) string {
	return fmt.Sprintf("{name: %s, valueFrom: {configMapKeyRef: {name: config-%s, key: K}}}", name, hash)
}
