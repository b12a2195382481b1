package promote

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBranch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ unit, from, to, want string }{
		{"shop", "dev", "staging", `sluice/promote/shop/dev-to-staging`},
		{"all", "prod-eu", "prod-us", `sluice/promote/all/prod-eu-to-prod-us`},
		{"Shop/API", "dev", "staging", `sluice/promote/shop-api-[0-9a-f]{8}/dev-to-staging`},
		{"..", "dev", "Prod_EU", `sluice/promote/-[0-9a-f]{8}/dev-to-prod-eu-[0-9a-f]{8}`},
		{"shop", "a-to-b", "c", `sluice/promote/shop/a-to-b-to-c-[0-9a-f]{8}`},
		{strings.Repeat("x", 200), "dev", "prod", `sluice/promote/x{60}-[0-9a-f]{8}/dev-to-prod`},
	} {
		if got := Branch(c.unit, c.from, c.to); !regexp.MustCompile("^" + c.want + "$").MatchString(got) {
			t.Errorf("Branch(%q, %q, %q) = %s, want %s", c.unit, c.from, c.to, got, c.want)
		}
	}
	if Branch("shop", "a-to-b", "c") == Branch("shop", "a", "b-to-c") || Branch("A", "x", "y") == Branch("a", "x", "y") {
		t.Error("two promotions share a branch")
	}
}

func TestIsOf(t *testing.T) {
	t.Parallel()
	for _, branch := range []string{Branch("Shop", "dev", "prod"), PartBranch("Shop", "dev", "prod", "file=a"), RollbackBranch("Shop", "prod")} {
		if !IsOf(branch, "Shop") || IsOf(branch, "shop") {
			t.Errorf("%s is not only of Shop", branch)
		}
	}
}

// TestPartIsReadAsItWasWritten: a commit of ours is known by its part, so that is the same whoever wrote it and however.
func TestPartIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	part, err := ParsePart("file=./b  c.yaml", `field=x/../a.yaml#images[name="q r"].newTag`, "file=b  c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParsePart(`field=a.yaml#images[name="q r"].newTag`, "file=b  c.yaml"); err != nil || again.Name != part.Name {
		t.Errorf("%q and %q (%v): want one name", part.Name, again.Name, err)
	}
	for _, name := range []string{part.Name, "file=  a", "file=\ta ", `"file=a"`} {
		r := Record{Steps: []Step{{"shop", "dev", "staging"}}, Source: strings.Repeat("a1", 20), Part: name}
		if diff := cmp.Diff([]Record{r}, Records("Promote\n\n"+r.Trailers(nil))); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	source := strings.Repeat("a1", 20)
	one := Record{Steps: []Step{{"shop", "dev", "staging"}}, Source: source, Pulls: []int{12, 7}}
	two := Record{Steps: []Step{{"pay", "dev", "staging"}, {"my shop", "dev", "staging"}}, Source: strings.Repeat("b2", 20), Part: "only x", Reason: "an outage"}
	trailers := one.Trailers([]string{"A <a@example.com>", "Evil\nSluice-Source: x <b@example.com>"})
	if strings.Count(trailers, "\n") != 6 {
		t.Errorf("a name made a line of its own:\n%s", trailers)
	}
	for name, c := range map[string]struct {
		message string
		want    []Record
	}{
		"one":           {"Promote shop: dev → staging\n\n" + trailers, []Record{one}},
		"squash":        {"Promote (#3)\n\n* Promote shop\n\n" + one.Trailers(nil) + "\n* Promote more\n\n" + two.Trailers(nil), []Record{one, two}},
		"squash, tight": {"Promote (#3)\n\n" + one.Trailers(nil) + two.Trailers(nil), []Record{one, two}},
		"crlf":          {strings.ReplaceAll("Promote\n\n"+trailers, "\n", "\r\n"), []Record{one}},
		"no source":     {"x\n\nSluice-Promotion: shop dev->staging\nSluice-Source: HEAD\n", nil},
		"no step":       {"x\n\nSluice-Source: " + source + "\n", nil},
		"quoted":        {"x\n\n> Sluice-Promotion: shop dev->staging\n> Sluice-Source: " + source + "\n", nil},
	} {
		if diff := cmp.Diff(c.want, Records(c.message), cmp.Transformer("empty", func(r []Record) []Record {
			if len(r) == 0 {
				return nil
			}
			return r
		})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
