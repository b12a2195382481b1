package report

import (
	"strings"
	"testing"
)

// TestGrid escapes what comes from a repository, in both views.
func TestGrid(t *testing.T) {
	t.Parallel()
	g := Grid{
		Title: "Environments at abc", Header: []string{"application", "version"},
		Rows:  [][]string{{"shop", "a|b:1 `x` @team"}, {"<script>alert(1)</script>\u202e", ""}},
		Notes: []string{"see <b>#12</b>"},
	}
	var md, page strings.Builder
	if err := g.Markdown(&md); err != nil {
		t.Fatal(err)
	}
	want := "## Environments at abc\n\n| application | version |\n|---|---|\n| `shop` | `` a\\|b:1 `x` @team `` |\n" +
		"| `<script>alert(1)</script>\\u202e` | – |\n\n- see &lt;b&gt;#\u200b12&lt;/b&gt;\n"
	if md.String() != want {
		t.Errorf("got  %q\nwant %q", md.String(), want)
	}
	if err := g.HTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<td>&lt;script&gt;alert(1)&lt;/script&gt;\\u202e</td><td>–</td>", "<p>see &lt;b&gt;#12&lt;/b&gt;</p>", "default-src 'none'; style-src 'sha256-"} {
		if !strings.Contains(page.String(), part) {
			t.Errorf("the page lacks %s:\n%s", part, page.String())
		}
	}
	for _, part := range []string{"<script", "<b>", "http:", "https:", "src="} {
		if strings.Contains(page.String(), part) {
			t.Errorf("the page has %s", part)
		}
	}
}
