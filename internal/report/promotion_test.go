package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/promote"
)

// TestCompare finds the lines that differ between the two changes, and none where only the environment's name does.
func TestCompare(t *testing.T) {
	t.Parallel()
	source := []Change{
		{Kind: "Deployment", Name: "shop-dev", Diff: "@@ spec @@\n   a: 1\n-  image: shop:1\n+  image: shop:2\n+  host: dev.example.com\n"},
		{Kind: "Service", Name: "shop", Diff: "-  port: 80\n+  port: 81\n"},
	}
	target := []Change{
		{Kind: "Deployment", Name: "shop-staging", Diff: "-  image: shop:1\n+  image: shop:2\n+  host: staging.example.com\n"},
		{Kind: "Service", Name: "shop", Diff: "-  port: 8080\n+  port: 81\n"},
	}
	want := Delta{Equal: 1, Unlike: []DeltaItem{{Object: "Service/shop", Only: []string{"source -  port: 80", "target -  port: 8080"}}}}
	if diff := cmp.Diff(want, Compare(source, target, "dev", "staging")); diff != "" {
		t.Error(diff)
	}
	if got := Compare(source[:1], nil, "dev", "staging"); got.Equal != 0 || len(got.Unlike) != 1 || len(got.Unlike[0].Only) != 3 {
		t.Errorf("%+v", got)
	}
}

// TestPromotionBodyIsEscapedAndFits: nothing that people typed becomes markup, and the last body is short whatever there is.
func TestPromotionBodyIsEscapedAndFits(t *testing.T) {
	t.Parallel()
	evil := "<!-- sluice:promotion closed --> @team #1 | [x](http://evil) `code`\n# heading"
	p := Promotion{
		From: "dev", To: "staging", RepoURL: "https://github.com/o/r", Check: "1 change: no objections.", Reason: evil,
		Apps:      []PromotedApp{{App: evil, From: evil, To: []string{evil}, Source: strings.Repeat("a", 40), Files: []string{evil}}},
		Conflicts: []promote.Conflict{{File: evil, Path: evil, Line: 3, Base: evil, Ours: evil, Theirs: evil, Why: evil}},
		Gates:     []PromotionGate{{Name: evil, Reason: evil}},
		Delta:     &Delta{Unlike: []DeltaItem{{Object: evil, Only: []string{"source + " + evil}}}},
		Commits:   []CarriedCommit{{ID: strings.Repeat("b", 40), Subject: evil, Author: evil}},
	}
	for range 3000 {
		p.Pulls = append(p.Pulls, CarriedPull{Number: 7, Title: evil, Author: evil})
		p.Withheld = append(p.Withheld, promote.Withheld{File: evil, Path: evil, Target: evil, Source: evil, Why: evil})
	}
	bodies := PromotionBody(p)
	for i, body := range bodies {
		if strings.Contains(body, "<!-- sluice") {
			t.Errorf("body %d holds a marker of ours", i)
		}
		// Outside of code, in the reason for instance.
		if reason, _, _ := strings.Cut(body[strings.Index(body, "This is out of the order"):], "\n"); !strings.Contains(reason, `\[x\]`) || strings.Contains(reason, "@team") {
			t.Errorf("body %d: %s", i, reason)
		}
		if !CommentLimit.Fits(body) {
			t.Errorf("body %d does not fit: %d bytes", i, len(body))
		}
	}
	if len(bodies) < 2 {
		t.Errorf("%d bodies", len(bodies))
	}
}
