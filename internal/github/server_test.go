package github_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/github"
)

// askedFor notes the addresses that a client asks, and refuses everything.
type askedFor []string

func (a *askedFor) RoundTrip(req *http.Request) (*http.Response, error) {
	*a = append(*a, req.URL.String())
	return nil, errors.New("there is no network here")
}

// TestServers has a client ask github.com, an Enterprise Server and an Enterprise Cloud with data residency, as GITHUB_API_URL names them.
func TestServers(t *testing.T) {
	t.Parallel()
	for api, want := range map[string][2]string{
		"":                                {"https://api.github.com/", "https://api.github.com/graphql"},
		"https://api.github.com":          {"https://api.github.com/", "https://api.github.com/graphql"},
		"https://ghe.example.com/api/v3":  {"https://ghe.example.com/api/v3/", "https://ghe.example.com/api/graphql"},
		"https://ghe.example.com/api/v3/": {"https://ghe.example.com/api/v3/", "https://ghe.example.com/api/graphql"},
		"https://api.acme.ghe.com":        {"https://api.acme.ghe.com/", "https://api.acme.ghe.com/graphql"},
	} {
		var asked askedFor
		client, err := github.New(github.Options{Repo: "acme/config", APIURL: api, Transport: &asked, MaxWait: time.Nanosecond})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Login(t.Context()); err == nil {
			t.Error("an answer without a network")
		}
		if _, err := client.Protection(t.Context(), ""); err == nil {
			t.Error("an answer without a network")
		}
		if got := []string(asked); !slices.Equal(got, []string{want[1], want[0] + "user", want[0] + "repos/acme/config"}) {
			t.Errorf("%q: asked %q, want %q", api, got, want)
		}
	}
}
