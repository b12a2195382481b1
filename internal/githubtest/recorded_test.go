package githubtest

import (
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// exchange is a request to the live API and its answer, as they were recorded.
type exchange struct {
	Method, Path string
	Body         json.RawMessage
	Status       int
	Response     any
}

// TestLikeTheRealOne replays what was recorded: the answers of the live API pass our validation, and this server answers the
// same requests with the same status and no field fewer.
func TestLikeTheRealOne(t *testing.T) {
	t.Parallel()
	// What has changed in the API since, or says what the token's owner may do beyond this server's tokens.
	gone := map[string]bool{
		"temp_clone_token": true, "use_squash_pr_title_as_default": true, "permissions": true, "organization": true,
	}
	recordings, err := fs.Glob(files, "testdata/recorded/*.json")
	if err != nil {
		t.Fatal(err)
	}
	replayed := 0
	for _, file := range recordings {
		data, err := files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var exchanges []exchange
		if err := json.Unmarshal(data, &exchanges); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		gh := New(t)
		var head string
		for _, x := range exchanges {
			owner, rest, _ := strings.Cut(strings.TrimPrefix(x.Path, "/repos/"), "/")
			name, _, _ := strings.Cut(rest, "/")
			if gh.repos[owner+"/"+name] == nil {
				repo := gh.CreateRepo(owner + "/" + name)
				head = repo.Commit("main", Files{"a": "1"}, "one")
				repo.Commit("feature", Files{"a": "2"}, "two")
				repo.OpenPullRequest(PullOptions{Head: "feature"})
			}
			method := strings.ToUpper(x.Method)
			path, _, _ := strings.Cut(x.Path, "?")
			r, params := gh.spec.find(method, path)
			if r == nil || operations[r.operation.OperationID].handle == nil {
				continue // not one of ours
			}
			replayed++
			recordedID := regexp.MustCompile(`[0-9a-f]{40}`)
			body := ""
			if strings.HasPrefix(string(x.Body), "{") { // else it is an empty string
				body = recordedID.ReplaceAllString(string(x.Body), head)
			}
			req, err := http.NewRequest(method, gh.APIURL+recordedID.ReplaceAllString(x.Path, head), strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+writer(gh))

			answer := encode(x.Response)
			if x.Status == http.StatusNoContent {
				answer = nil
			}
			header := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
			if err := gh.spec.checkResponse(r, params, req, x.Status, header, answer); err != nil && !strings.Contains(err.Error(), `"has_discussions" is missing`) {
				t.Errorf("%s: the live answer to %s %s: %s", file, method, path, brief(err))
			}

			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != x.Status {
				t.Errorf("%s: %s %s: status %d, the live API gave %d", file, method, path, res.StatusCode, x.Status)
				continue
			}
			ours, _ := decode(got)
			lacks := slices.DeleteFunc(missingKeys(x.Response, ours), func(key string) bool { return gone[key] })
			if len(lacks) > 0 {
				t.Errorf("%s: %s %s lacks %q, which the live API has", file, method, path, lacks)
			}
		}
	}
	if replayed < 10 {
		t.Errorf("%d exchanges were replayed, want at least 10", replayed)
	}
}

// missingKeys gives the keys of the live answer that ours lacks; of lists, the first items are compared.
func missingKeys(live, ours any) []string {
	if list, ok := live.([]any); ok && len(list) > 0 {
		mine, _ := ours.([]any)
		if len(mine) == 0 {
			return []string{"(an item)"}
		}
		return missingKeys(list[0], mine[0])
	}
	theirs, _ := live.(obj)
	mine, _ := ours.(obj)
	var missing []string
	for _, key := range slices.Sorted(maps.Keys(theirs)) {
		if _, has := mine[key]; !has {
			missing = append(missing, key)
		}
	}
	return missing
}
