package githubtest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestGraphQLMistakesAreSeen proves that GitHub's schema is really held against operations and answers.
func TestGraphQLMistakesAreSeen(t *testing.T) {
	t.Parallel()
	const (
		who   = `{"query":"query{viewer{login}}"}`
		draft = `"query":"mutation($id:ID!){convertPullRequestToDraft(input:{pullRequestId:$id}){clientMutationId}}"`
		merge = `"query":"mutation($id:ID!,$method:PullRequestMergeMethod!){enablePullRequestAutoMerge(input:{pullRequestId:$id,mergeMethod:$method}){clientMutationId}}"`
		state = `{"query":"mutation{convertPullRequestToDraft(input:{pullRequestId:\"x\"}){pullRequest{state number isDraft createdAt headRefOid}}}"}`
	)
	pull := func(change obj) Fault {
		of := obj{"state": "OPEN", "number": 1, "isDraft": true, "createdAt": "2026-03-02T09:00:00Z", "headRefOid": strings.Repeat("a", 40)}
		for name, value := range change {
			of[name] = value
		}
		return Fault{Status: 200, Body: obj{"data": obj{"convertPullRequestToDraft": obj{"pullRequest": of}}}}
	}
	answer := func(body obj) Fault { return Fault{Status: 200, Body: body} }
	problem := obj{"message": "no"}
	for name, tt := range map[string]struct {
		body  string
		fault Fault
		want  string // in what the test is told; "" nothing
	}{
		"a good query":     {body: who},
		"a good mutation":  {body: `{` + draft + `,"variables":{"id":"PR_1"}}`},
		"another":          {body: `{` + merge + `,"variables":{"id":"PR_1","method":"SQUASH"}}`},
		"another name":     {body: `{"query":"query{me:viewer{name:login}}"}`},
		"a good answer":    {body: state, fault: pull(nil)},
		"a good refusal":   {body: who, fault: answer(obj{"errors": []obj{{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}}})},
		"refused, no data": {body: who, fault: answer(obj{"data": nil, "errors": []obj{{"message": "no", "path": []string{"viewer"}}}})},

		"no JSON":                      {body: `query{viewer{login}}`, want: "GraphQL"},
		"no query":                     {body: `{"query":"viewer{"}`, want: "GraphQL"},
		"an unknown field":             {body: `{"query":"query{viewer{logins}}"}`, want: `"logins"`},
		"an unknown root":              {body: `{"query":"query{user{login}}"}`, want: `"user"`},
		"an unknown mutation":          {body: `{"query":"mutation{mergeIt{clientMutationId}}"}`, want: `"mergeIt"`},
		"nothing selected":             {body: `{"query":"query{viewer}"}`, want: "viewer"},
		"something selected of a text": {body: `{"query":"query{viewer{login{x}}}"}`, want: "login"},
		"an unknown field of input":    {body: `{"query":"mutation($id:ID!){convertPullRequestToDraft(input:{pullRequest:$id}){clientMutationId}}","variables":{"id":"x"}}`, want: `pullRequest`},
		"a variable of another type":   {body: `{"query":"mutation($id:String){convertPullRequestToDraft(input:{pullRequestId:$id}){clientMutationId}}","variables":{"id":"x"}}`, want: `ID!`},
		"a variable that is missing":   {body: `{` + draft + `}`, want: "$id is missing"},
		"a variable that is null":      {body: `{` + draft + `,"variables":{"id":null}}`, want: "$id: null"},
		"a number for an ID":           {body: `{` + draft + `,"variables":{"id":7}}`, want: "$id: number"},
		"a variable too many":          {body: `{` + draft + `,"variables":{"id":"x","draft":true}}`, want: "$draft is not declared"},
		"a variable that is not used":  {body: `{"query":"query($id:ID!){viewer{login}}","variables":{"id":"x"}}`, want: `$id`},
		"no word of the enumeration":   {body: `{` + merge + `,"variables":{"id":"PR_1","method":"OCTOPUS"}}`, want: "OCTOPUS is no PullRequestMergeMethod"},
		"a word in the wrong case":     {body: `{` + merge + `,"variables":{"id":"PR_1","method":"squash"}}`, want: "squash is no PullRequestMergeMethod"},
		"a field beside the query":     {body: `{"query":"query{viewer{login}}","variable":{}}`, want: "variable"},
		"two operations":               {body: `{"query":"query a{viewer{login}} query b{viewer{login}}"}`, want: "2 operations"},

		"an answer without data":          {body: who, fault: answer(obj{}), want: "neither data nor errors"},
		"data that is null":               {body: who, fault: answer(obj{"data": nil}), want: "neither data nor errors"},
		"a field that is missing":         {body: who, fault: answer(obj{"data": obj{"viewer": obj{}}}), want: "login is missing"},
		"a field that nobody asked for":   {body: who, fault: answer(obj{"data": obj{"viewer": obj{"login": "x", "id": "1"}}}), want: "id was not asked for"},
		"a root that nobody asked for":    {body: who, fault: answer(obj{"data": obj{"viewer": obj{"login": "x"}, "node": nil}}), want: "node was not asked for"},
		"a text that is null":             {body: who, fault: answer(obj{"data": obj{"viewer": obj{"login": nil}}}), want: "data.viewer.login: null"},
		"an object that is null":          {body: who, fault: answer(obj{"data": obj{"viewer": nil}, "errors": []obj{problem}}), want: "data.viewer: null"},
		"an object that is a text":        {body: who, fault: answer(obj{"data": obj{"viewer": "x"}}), want: "data.viewer: string"},
		"a text that is a number":         {body: who, fault: answer(obj{"data": obj{"viewer": obj{"login": 1}}}), want: "data.viewer.login: number"},
		"a key beside data":               {body: who, fault: answer(obj{"data": obj{"viewer": obj{"login": "x"}}, "date": 1}), want: "date"},
		"no errors in errors":             {body: who, fault: answer(obj{"data": nil, "errors": []obj{}}), want: "empty list"},
		"an error that says nothing":      {body: who, fault: answer(obj{"errors": []obj{{"type": "FORBIDDEN"}}}), want: "no message"},
		"an error with an unknown field":  {body: who, fault: answer(obj{"errors": []obj{{"message": "no", "kind": "x"}}}), want: "kind"},
		"an error that leads to a value":  {body: who, fault: answer(obj{"data": obj{"viewer": obj{"login": "x"}}, "errors": []obj{{"message": "no", "path": []string{"viewer", "login"}}}}), want: "is not null"},
		"a wrong word of an enumeration":  {body: state, fault: pull(obj{"state": "OPENED"}), want: "OPENED is no PullRequestState"},
		"a broken number":                 {body: state, fault: pull(obj{"number": 1.5}), want: "number: number 1.5"},
		"a word for a truth":              {body: state, fault: pull(obj{"isDraft": "true"}), want: "isDraft: string"},
		"a time that is none":             {body: state, fault: pull(obj{"createdAt": "yesterday"}), want: "want DateTime"},
		"a commit that is none":           {body: state, fault: pull(obj{"headRefOid": "main"}), want: "want GitObjectID"},
		"an error that looks like no one": {body: who, fault: Fault{Status: 403, Body: []string{"no"}}, want: "answer 403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := &recorder{TB: t}
			gh := New(rec)
			if tt.fault.Status != 0 {
				gh.AddFault(tt.fault)
			}
			res := gh.askGraph(t, writer(gh), tt.body)
			defer res.Body.Close()
			_, _ = io.Copy(io.Discard, res.Body)
			if said := rec.said(); (tt.want == "") != (said == "") || !strings.Contains(said, tt.want) {
				t.Errorf("the test was told %q, want %q in it", said, tt.want)
			}
		})
	}
}

// askGraph sends a request to the GraphQL API.
func (gh *GitHub) askGraph(t *testing.T, token, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequest("POST", gh.URL+"/api/graphql", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestGraphQLRefusals: what a token may not do is refused as GraphQL refuses, null where the schema lets it be null, and all data else.
func TestGraphQLRefusals(t *testing.T) {
	t.Parallel()
	gh := New(t)
	repo := gh.CreateRepo("acme/config")
	repo.Commit("main", Files{"a": "1"}, "one")
	repo.Commit("feature", Files{"a": "2"}, "two")
	repo.OpenPullRequest(PullOptions{Head: "feature"})
	old := gh.AddToken("old", Token{Login: "acme[bot]", App: "acme", NoViewer: true})
	id := nodeID("PR", repo.pulls[0].id)
	mutation := func(id string) string {
		return string(encode(obj{
			"query":     "mutation($id:ID!){convertPullRequestToDraft(input:{pullRequestId:$id}){clientMutationId}}",
			"variables": obj{"id": id},
		}))
	}
	for name, tt := range map[string]struct{ token, body, data, kind string }{
		"who it is":                      {gh.ForkToken(), `{"query":"{viewer{login}}"}`, `{"viewer":{"login":"github-actions[bot]"}}`, ""},
		"a server that does not tell":    {old, `{"query":"{viewer{login}}"}`, `null`, "FORBIDDEN"},
		"a token that can only read":     {gh.ForkToken(), mutation(id), `{"convertPullRequestToDraft":null}`, "FORBIDDEN"},
		"a pull request that is not":     {writer(gh), mutation("PR_0"), `{"convertPullRequestToDraft":null}`, "NOT_FOUND"},
		"a pull request that is a draft": {writer(gh), mutation(id), `{"convertPullRequestToDraft":{"clientMutationId":null}}`, ""},
	} {
		res := gh.askGraph(t, tt.token, tt.body)
		var got struct {
			Data   json.RawMessage
			Errors []struct{ Type string }
		}
		if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		kind := ""
		if len(got.Errors) > 0 {
			kind = got.Errors[0].Type
		}
		if res.StatusCode != 200 || string(got.Data) != tt.data || kind != tt.kind {
			t.Errorf("%s: %d %s %q, want %s %q", name, res.StatusCode, got.Data, kind, tt.data, tt.kind)
		}
	}
	if !repo.Pulls()[0].Draft {
		t.Error("the pull request is no draft")
	}
}
