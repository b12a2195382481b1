package githubtest

import (
	"embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"time"
)

//go:embed testdata
var files embed.FS

// obj is a JSON object.
type obj = map[string]any

// EventFile gives an example of a webhook payload, by the name of its file: "pull_request.opened.json". MANIFEST.json says
// where each is from.
func EventFile(name string) ([]byte, error) { return files.ReadFile("testdata/events/" + name) }

func decode(data []byte) (any, error) {
	var value any
	err := json.Unmarshal(data, &value)
	return value, err
}

// exampleRepo is the repository that the examples speak of.
const exampleRepo = "Codertocat/Hello-World"

// shape gives a part of an example payload as if it spoke of repository r: real answers have dozens of fields, and these
// examples have them all.
func (gh *GitHub) shape(r *Repo, file string, keys ...string) obj {
	data, err := EventFile(file)
	if err != nil {
		panic(err) // a file of this package
	}
	text := strings.NewReplacer(
		"https://api.github.com/", gh.APIURL+"/",
		"https://github.com/", gh.URL+"/",
	).Replace(string(data))
	text = strings.ReplaceAll(text, exampleRepo, r.FullName)
	value, err := decode([]byte(text))
	if err != nil {
		panic(err)
	}
	for _, key := range keys {
		value = value.(obj)[key]
	}
	return value.(obj)
}

// user gives a person, or a bot, as answers show it.
func (gh *GitHub) user(login string) obj {
	at := gh.APIURL + "/users/" + login
	kind := "User"
	if strings.HasSuffix(login, "[bot]") {
		kind = "Bot"
	}
	return obj{
		"login": login, "id": idOf(login), "node_id": nodeID("U", idOf(login)), "avatar_url": gh.URL + "/avatars/" + login,
		"gravatar_id": "", "url": at, "html_url": gh.URL + "/" + login, "followers_url": at + "/followers",
		"following_url": at + "/following{/other_user}", "gists_url": at + "/gists{/gist_id}",
		"starred_url": at + "/starred{/owner}{/repo}", "subscriptions_url": at + "/subscriptions",
		"organizations_url": at + "/orgs", "repos_url": at + "/repos", "events_url": at + "/events{/privacy}",
		"received_events_url": at + "/received_events", "type": kind, "site_admin": false,
	}
}

func idOf(name string) int64 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int64(h.Sum32() & 0x7fffffff)
}

func nodeID(kind string, id int64) string { return fmt.Sprintf("%s_%d", kind, id) }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

var noreply = regexp.MustCompile(`^[0-9]+\+(.+)@users\.noreply\.github\.com$`)

// userOf gives the account that an author's address belongs to; null where there is none.
func (gh *GitHub) userOf(author person) any {
	if m := noreply.FindStringSubmatch(author.Email); m != nil {
		return gh.user(m[1])
	}
	if login, ok := strings.CutSuffix(author.Email, "@example.com"); ok {
		return gh.user(login)
	}
	return nil
}
