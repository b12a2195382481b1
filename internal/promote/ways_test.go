package promote

import "testing"

// TestWays: a path into a directory is the same as one into the target's copy of it, however it is written; nothing else is.
func TestWays(t *testing.T) {
	t.Parallel()
	copies := []Copy{{"base", "base-prod"}, {"apps/shop/base-staging", "apps/shop/base-prod"}}
	for _, tt := range []struct{ file, text, want string }{
		{"apps/shop/dev/kustomization.yaml", "../../../base", "../../../base-prod"},
		{"apps/shop/prod/kustomization.yaml", "../../../base-prod", "../../../base-prod"},
		{"apps/shop/dev/kustomization.yaml", "../../../base/extra/cm.yaml", "../../../base-prod/extra/cm.yaml"},
		{"apps/shop/dev/kustomization.yaml", "../../shop/base-staging/", "../base-prod"},
		{"apps/shop/dev/kustomization.yaml", "settings=../base-staging/a.env", "settings=../base-prod/a.env"},
		{"apps/shop/dev/deep/kustomization.yaml", "../../base-staging", "../base-prod"}, // as the file of prod says it
		{"apps/shop/dev/kustomization.yaml", "../../../base-dev", ""},
		{"apps/shop/dev/kustomization.yaml", "../../../../base", ""},
		{"apps/shop/dev/kustomization.yaml", "base", ""},
		{"apps/shop/dev/kustomization.yaml", "https://example.com/../base", ""},
	} {
		got, ok := waysFrom(tt.file, "apps/shop/prod/kustomization.yaml", copies).same(tt.text)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s in %s: %q, want %q", tt.text, tt.file, got, tt.want)
		}
	}
	if _, ok := (*ways)(nil).same("../base"); ok {
		t.Error("without copies everything stays as it is")
	}
}
