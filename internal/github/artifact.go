package github

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	gogithub "github.com/google/go-github/v60/github"
)

// MaxArtifactFile bounds each file that is read of an artifact, in bytes: what a stranger packed may unpack to anything.
const MaxArtifactFile = 8 << 20

const permActions = "actions: read"

// ErrNoArtifact says that a run left no artifact of the name that was asked for.
var ErrNoArtifact = errors.New("the run has stored no such artifact")

// Artifact reads files of the newest artifact with a name that a run has stored. Only the files that are named are unpacked, in
// memory: whatever else the archive holds is not looked at. A file that it lacks is absent from the result.
//
// The content is hostile: the workflow of a fork can store anything.
//
// Errors: [ErrNoArtifact], [*PermissionError], [*LimitError] (wrapped), [*RefusedError], or what is wrong with the archive.
func (c *Client) Artifact(ctx context.Context, run int64, name string, files ...string) (map[string][]byte, error) {
	id, err := c.findArtifact(ctx, run, name)
	if err != nil {
		return nil, err
	}
	req, err := c.gh.NewRequest("GET", fmt.Sprintf("repos/%s/%s/actions/artifacts/%d/zip", c.owner, c.repo, id), nil)
	if err != nil {
		return nil, err
	}
	res, err := c.gh.BareDo(ctx, req) // follows the redirect to the storage, which does not get the token
	if err != nil {
		return nil, c.explain(fmt.Sprintf("download the artifact %q of run %d", name, run), permActions, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body) // the transport has bounded it
	if err != nil {
		return nil, fmt.Errorf("download the artifact %q of run %d: %w", name, run, err)
	}
	return unpack(data, files)
}

// findArtifact gives the id of the newest artifact with a name. A run that was repeated may have several.
func (c *Client) findArtifact(ctx context.Context, run int64, name string) (int64, error) {
	opts := &gogithub.ListOptions{PerPage: 100}
	var newest *gogithub.Artifact
	for {
		page, res, err := c.gh.Actions.ListWorkflowRunArtifacts(ctx, c.owner, c.repo, run, opts)
		if err != nil {
			return 0, c.explain(fmt.Sprintf("list the artifacts of run %d", run), permActions, err)
		}
		for _, artifact := range page.Artifacts {
			if artifact.GetName() == name && !artifact.GetExpired() && artifact.GetID() > newest.GetID() {
				newest = artifact
			}
		}
		if res.NextPage <= opts.Page {
			break
		}
		opts.Page = res.NextPage
	}
	switch {
	case newest == nil:
		return 0, ErrNoArtifact
	case newest.GetSizeInBytes() > maxAnswer:
		return 0, fmt.Errorf("the artifact %q of run %d has %d bytes, and %d are read at most", name, run, newest.GetSizeInBytes(), maxAnswer)
	}
	return newest.GetID(), nil
}

func unpack(data []byte, names []string) (map[string][]byte, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("the artifact is not a zip file: %w", err)
	}
	files := make(map[string][]byte)
	for _, name := range names {
		for _, file := range archive.File {
			if file.Name != name {
				continue
			}
			if _, twice := files[name]; twice {
				return nil, fmt.Errorf("the artifact holds %s twice", name)
			}
			if files[name], err = unpackFile(file); err != nil {
				return nil, fmt.Errorf("the artifact's %s: %w", name, err)
			}
		}
	}
	return files, nil
}

// unpackFile does not believe the size that the archive states.
func unpackFile(file *zip.File) ([]byte, error) {
	r, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, MaxArtifactFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > MaxArtifactFile {
		return nil, fmt.Errorf("larger than %d bytes", MaxArtifactFile)
	}
	return content, nil
}

// PullMatch says how a pull request that a stranger named relates to the run that named it.
type PullMatch string

// The ways in which a pull request and a run relate.
const (
	PullMatches  PullMatch = "matches"   // its head is the run's commit, in the run's fork
	PullMovedOn  PullMatch = "moved on"  // the same fork, with another head by now; or it is closed
	PullUnproven PullMatch = "unrelated" // GitHub knows of nothing that connects the two
)

// MatchPull holds the number of a pull request, which came from a stranger, against what GitHub says of the pull request and of
// the run: the head's repository, by its number, and commit must be the run's.
func (c *Client) MatchPull(ctx context.Context, number int, run Run) (PullMatch, error) {
	pr, _, err := c.gh.PullRequests.Get(ctx, c.owner, c.repo, number)
	switch {
	case statusOf(err) == http.StatusNotFound:
		return PullUnproven, nil
	case err != nil:
		return "", c.explain(fmt.Sprintf("read pull request %d", number), "pull-requests: read", err)
	case pr.GetHead().GetRepo().GetID() != run.HeadID || run.HeadID <= 0:
		return PullUnproven, nil
	case pr.GetState() != "open" || pr.GetHead().GetSHA() != run.Head:
		return PullMovedOn, nil
	}
	return PullMatches, nil
}
