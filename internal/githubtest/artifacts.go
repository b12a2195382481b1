package githubtest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

type artifact struct {
	id, run int64
	name    string
	data    []byte // a zip file
}

// StoreArtifact has a run store files under a name, as actions/upload-artifact does.
func (r *Repo) StoreArtifact(run int64, name string, files Files) {
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		entry, err := w.Create(file)
		if err == nil {
			_, err = entry.Write([]byte(files[file]))
		}
		if err != nil {
			r.gh.t.Fatalf("githubtest: %v", err)
		}
	}
	if err := w.Close(); err != nil {
		r.gh.t.Fatalf("githubtest: %v", err)
	}
	r.StoreArchive(run, name, packed.Bytes())
}

// StoreArchive has a run store any bytes as an artifact.
func (r *Repo) StoreArchive(run int64, name string, archive []byte) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	r.artifacts = append(r.artifacts, &artifact{r.gh.id(), run, name, archive})
}

// WorkflowRunEvent gives the payload of workflow_run, completed, for the run of a pull request.
func (r *Repo) WorkflowRunEvent(run int64, number int) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	p := r.pull(number)
	out := r.event("workflow_run.completed-no-prs.json")
	of := out["workflow_run"].(obj)
	of["id"], of["event"], of["head_sha"], of["head_branch"] = run, "pull_request", p.head, p.headRef
	of["html_url"] = r.webURL("/actions/runs/%d", run)
	of["head_repository"], of["repository"] = p.from.json(), r.json()
	return encode(out)
}

// downloadArtifact leads to the storage. It needs a token, even where everybody may read the repository.
func (c *call) downloadArtifact() reply {
	if c.token == nil {
		return refuse(http.StatusUnauthorized, "Requires authentication")
	}
	id := c.param("artifact_id")
	if slices.ContainsFunc(c.repo.artifacts, func(a *artifact) bool { return a.id == id }) {
		return reply{status: http.StatusFound, header: http.Header{"Location": {fmt.Sprintf("%s/%d", c.storage, id)}}}
	}
	return notFound()
}

func (c *call) listArtifacts() reply {
	run := c.param("run_id")
	var of []*artifact
	for _, a := range visible(c, c.repo.artifacts) {
		if a.run == run {
			of = append(of, a)
		}
	}
	shown, header := page(c, c.repo.api("/actions/runs/%d/artifacts", run), of, func(a *artifact) obj {
		return obj{
			"id": a.id, "node_id": nodeID("MA", a.id), "name": a.name, "size_in_bytes": len(a.data), "expired": false,
			"url": c.APIURL + c.repo.api("/actions/artifacts/%d", a.id), "archive_download_url": c.APIURL + c.repo.api("/actions/artifacts/%d/zip", a.id),
			"created_at": stamp(epoch), "updated_at": stamp(epoch), "expires_at": stamp(epoch.AddDate(0, 0, 1)),
			"workflow_run": obj{"id": run},
		}
	})
	return reply{http.StatusOK, obj{"total_count": len(of), "artifacts": shown}, header}
}

// serveStorage is the storage of artifacts: another host, which must not see the token.
func (gh *GitHub) serveStorage(w http.ResponseWriter, req *http.Request) {
	if req.Header.Get("Authorization") != "" {
		gh.t.Error("githubtest: the token was sent to the storage of artifacts")
	}
	gh.mu.Lock()
	defer gh.mu.Unlock()
	for _, repo := range gh.repos {
		for _, a := range repo.artifacts {
			if req.URL.Path == fmt.Sprintf("/%d", a.id) {
				_, _ = w.Write(a.data)
				return
			}
		}
	}
	http.NotFound(w, req)
}
