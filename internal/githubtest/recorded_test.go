package githubtest

import (
	"encoding/json"
	"fmt"
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

// notOurs are the recorded calls that sluice never makes, and that this server therefore does not answer.
var notOurs = []string{
	"DELETE /repos/octokit-fixture-org/labels/labels/test-label-updated",
	"DELETE /repos/octokit-fixture-org/lock-issue/issues/1/lock",
	"GET /repos/octokit-fixture-org/git-refs/git/refs/",
	"GET /repos/octokit-fixture-org/labels/labels",
	"GET /repos/octokit-fixture-org/paginate-issues/issues",
	"GET /repositories/1000/issues",
	"PATCH /repos/octokit-fixture-org/labels/labels/test-label",
	"POST /repos/octokit-fixture-org/add-labels-to-issue/issues",
	"PUT /repos/octokit-fixture-org/lock-issue/issues/1/lock",
}

// TestLikeTheRealOne replays what was recorded: the answers of the live API pass our validation, and this server answers the
// same requests with the same status and no field fewer, at any depth, each of the same type.
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
	var skipped []string
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
				skipped = append(skipped, method+" "+path)
				continue
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
			if differs := differences(x.Response, ours, "", gone); len(differs) > 0 {
				t.Errorf("%s: %s %s differs from what the live API says: %q", file, method, path, differs)
			}
		}
	}
	slices.Sort(skipped)
	if skipped = slices.Compact(skipped); !slices.Equal(skipped, notOurs) {
		t.Errorf("not replayed: %q, want %q", skipped, notOurs)
	}
	if replayed < 10 {
		t.Errorf("%d exchanges were replayed, want at least 10", replayed)
	}
}

// differences says where our answer lacks a field of the live one, or has it in another type; of lists, the first items are compared.
// What is null on one side has no type there.
func differences(live, ours any, at string, gone map[string]bool) (found []string) {
	if live == nil || ours == nil {
		return nil
	}
	if theirs, mine := fmt.Sprintf("%T", live), fmt.Sprintf("%T", ours); theirs != mine {
		return []string{fmt.Sprintf("%s: %s, want %s", at, mine, theirs)}
	}
	switch live := live.(type) {
	case []any:
		mine := ours.([]any)
		switch {
		case len(live) == 0:
		case len(mine) > 0:
			found = differences(live[0], mine[0], at+"[]", gone)
		default:
			if _, things := live[0].(obj); things { // words may be lacking: topics
				found = append(found, at+"[]: no item")
			}
		}
	case obj:
		mine := ours.(obj)
		for _, key := range slices.Sorted(maps.Keys(live)) {
			value, has := mine[key]
			switch path := strings.TrimPrefix(at+"."+key, "."); {
			case gone[key]:
			case !has:
				found = append(found, path+": absent")
			default:
				found = append(found, differences(live[key], value, path, gone)...)
			}
		}
	}
	return found
}
