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
	Headers      map[string]any
	Response     any
}

// notOurs are the recorded calls that this server does not answer, for sluice makes none of them: they are not in the trimmed description, or no
// operation of the API any more; and there are no issues here but pull requests, so the answer to the one that makes an issue is only held
// against the description.
var notOurs = []string{
	"DELETE /repos/octokit-fixture-org/labels/labels/test-label-updated",
	"DELETE /repos/octokit-fixture-org/lock-issue/issues/1/lock",
	"GET /repos/octokit-fixture-org/git-refs/git/refs/",
	"GET /repos/octokit-fixture-org/labels/labels",
	"PATCH /repos/octokit-fixture-org/labels/labels/test-label",
	"POST /repos/octokit-fixture-org/add-labels-to-issue/issues",
}

// gone is what has changed in the API since, or says what the token's owner may do beyond this server's tokens.
var gone = map[string]bool{
	"temp_clone_token": true, "use_squash_pr_title_as_default": true, "permissions": true, "organization": true,
}

// TestLikeTheRealOne replays what was recorded, of every file. The answers of the live API pass our validation; and this server answers the
// same requests with the same status, kind and links to further pages, and no field fewer, at any depth, each of the same type.
func TestLikeTheRealOne(t *testing.T) {
	t.Parallel()
	recordings, err := fs.Glob(files, "testdata/recorded/*.json")
	if err != nil || len(recordings) == 0 {
		t.Fatal(recordings, err)
	}
	skipped := make(map[string]bool)
	for _, file := range recordings {
		data, err := files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var exchanges []exchange
		if err := json.Unmarshal(data, &exchanges); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		rp := &replay{T: t, file: file, gh: New(t), skipped: skipped}
		rp.begin(exchanges)
		for _, x := range exchanges {
			rp.replay(x)
		}
		if rp.live == 0 || rp.ours == 0 {
			t.Errorf("%s: %d live answers were validated, and %d of ours compared with them", file, rp.live, rp.ours)
		}
	}
	if got := slices.Sorted(maps.Keys(skipped)); !slices.Equal(got, notOurs) {
		t.Errorf("not replayed: %q, want %q", got, notOurs)
	}
}

// replay is one file of exchanges on its way through a server.
type replay struct {
	*testing.T
	file       string
	gh         *GitHub
	full, head string // the repository, and its first commit
	live, ours int    // exchanges that were held against the description, and against this server
	skipped    map[string]bool
}

// begin makes the repository that the exchanges speak of, with as many pull requests as there are issues in its lists.
func (rp *replay) begin(exchanges []exchange) {
	parts := strings.Split(exchanges[0].Path, "/")
	name, _, _ := strings.Cut(parts[3], "?")
	rp.full = parts[2] + "/" + name
	repo := rp.gh.CreateRepo(rp.full)
	rp.head = repo.Commit("main", Files{"a": "1"}, "one")
	issues := 0
	for _, x := range exchanges {
		if list, isList := x.Response.([]any); isList && strings.Contains(x.Path, "/issues?") {
			issues += len(list)
		}
	}
	for n := range max(issues, 1) {
		branch := fmt.Sprint("feature", n)
		repo.Commit(branch, Files{"a": branch}, branch)
		repo.OpenPullRequest(PullOptions{Head: branch})
	}
}

var recordedID = regexp.MustCompile(`[0-9a-f]{40}`)

// replay holds one exchange against the description, and against what this server answers.
func (rp *replay) replay(x exchange) {
	rp.Helper()
	method := strings.ToUpper(x.Method)
	path := strings.Replace(x.Path, "/repositories/1000/", "/repos/"+rp.full+"/", 1) // where links lead
	plain, _, _ := strings.Cut(path, "?")
	r, params := rp.gh.spec.find(method, plain)
	if r == nil {
		rp.skipped[method+" "+plain] = true
		return
	}
	body := ""
	if strings.HasPrefix(string(x.Body), "{") { // else it is an empty string
		body = recordedID.ReplaceAllString(string(x.Body), rp.head)
	}
	req, err := http.NewRequest(method, rp.gh.APIURL+recordedID.ReplaceAllString(path, rp.head), strings.NewReader(body))
	if err != nil {
		rp.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+writer(rp.gh))

	answer := encode(x.Response)
	if x.Status == http.StatusNoContent {
		answer = nil
	}
	header := http.Header{}
	for name, value := range x.Headers {
		if text, isText := value.(string); isText {
			header.Set(name, text)
		}
	}
	rp.live++
	if err := rp.gh.spec.checkResponse(r, params, req, x.Status, header, answer); err != nil && !strings.Contains(err.Error(), `"has_discussions" is missing`) {
		rp.Errorf("%s: the live answer to %s %s: %s", rp.file, method, path, brief(err))
	}
	if operations[r.operation.OperationID].handle == nil {
		rp.skipped[method+" "+plain] = true
		return
	}
	rp.ours++
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		rp.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		rp.Fatal(err)
	}
	if res.StatusCode != x.Status {
		rp.Errorf("%s: %s %s: status %d, the live API gave %d: %s", rp.file, method, path, res.StatusCode, x.Status, got)
		return
	}
	if mine, theirs := res.Header.Get("Content-Type"), header.Get("Content-Type"); mine != theirs {
		rp.Errorf("%s: %s %s: %q, the live API gave %q", rp.file, method, path, mine, theirs)
	}
	if mine, theirs := pageLinks(res.Header), pageLinks(header); !maps.Equal(mine, theirs) {
		rp.Errorf("%s: %s %s: links %v, the live API gave %v", rp.file, method, path, mine, theirs)
	}
	ours, _ := decode(got)
	if theirs, isList := x.Response.([]any); isList && strings.Contains(plain, "/issues") && len(theirs) != len(ours.([]any)) {
		rp.Errorf("%s: %s %s: %d items, the live API gave %d", rp.file, method, path, len(ours.([]any)), len(theirs))
	}
	if differs := differences(x.Response, ours, "", gone); len(differs) > 0 {
		rp.Errorf("%s: %s %s differs from what the live API says: %q", rp.file, method, path, differs)
	}
}

// pageLinks gives the page that each relation leads to.
func pageLinks(header http.Header) map[string]string {
	out := make(map[string]string)
	for _, m := range regexp.MustCompile(`[?&]page=(\d+)[^>]*>; rel="(\w+)"`).FindAllStringSubmatch(header.Get("Link"), -1) {
		out[m[2]] = m[1]
	}
	return out
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
