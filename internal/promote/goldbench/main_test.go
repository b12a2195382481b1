package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGold tries a few promotions of each repository; the command tries all of them.
func TestGold(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "..", "shared", "gold")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the gold cases are not here: ", err)
	}
	tests := []struct{ commit, want string }{
		{"66ac04a538", "exact"},                              // a settings file; both environments in one directory
		{"528ccc62194a79efdd0b524df56c6bb474dd874b", "more"}, // a list that the target did not have
		{"3e24fb1122", "more"},                               // one number of a JSON file inside a ConfigMap
		{"4c602801f6", "different"},                          // a tag that the source never had: a conflict, by design
	}
	for _, test := range tests {
		var out strings.Builder
		if err := run(t.Context(), dir, test.commit, false, false, &out); err != nil {
			t.Fatal(err)
		}
		if got, _, _ := strings.Cut(out.String(), " "); got != test.want {
			t.Errorf("%s: %s, want %s\n%s", test.commit, got, test.want, out.String())
		}
		if strings.Contains(out.String(), "overwritten: ") {
			t.Errorf("%s: a value of the target was overwritten:\n%s", test.commit, out.String())
		}
	}
}
