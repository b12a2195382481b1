package plan

import (
	"regexp"
	"strings"
)

var scpUser = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)

// IsRemote reports whether kustomize would fetch a reference from the network: an http(s) file, or a git repository.
// The rules are those of kustomize v5 (api/internal/loader and api/internal/git): a scheme out of ssh, https, http and
// file; or, without a scheme, "user@host:path" and "github.com/org/repo". Everything else is a path.
func IsRemote(reference string) bool {
	if strings.HasPrefix(reference, "/") {
		return false
	}
	rest, _, _ := strings.Cut(reference, "?")
	rest = cutPrefixFold(rest, "git::")
	for _, scheme := range []string{"ssh://", "https://", "http://", "file://"} {
		if after := cutPrefixFold(rest, scheme); after != rest {
			return after != ""
		}
	}
	user := scpUser.FindString(rest)
	rest = rest[len(user):]
	github := cutPrefixFold(cutPrefixFold(rest, "github.com/"), "github.com:") != rest
	if user == "" && !github {
		return false
	}
	separator := strings.IndexAny(rest, "/:")
	if separator <= 0 {
		return false
	}
	repository := rest[separator+1:]
	return strings.Contains(repository, "_git/") || strings.Contains(repository, "//") ||
		strings.Contains(repository, ".git") || strings.Contains(repository, "/")
}

func cutPrefixFold(s, prefix string) string {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):]
	}
	return s
}
