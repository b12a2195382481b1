package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

type checkRun struct {
	id                   int64
	app                  string
	name, head, external string
	status, conclusion   string
	details              string
	title, summary, text string
	annotations          []Annotation
	buttons              []Button
	started, completed   time.Time
}

// Annotation is a remark of a check run, with the names that the API has.
type Annotation struct {
	Path        string `json:"path"`
	StartLine   int    `json:"start_line"`
	EndLine     int    `json:"end_line"`
	StartColumn int    `json:"start_column"`
	EndColumn   int    `json:"end_column"`
	Level       string `json:"annotation_level"`
	Title       string `json:"title"`
	Message     string `json:"message"`
	RawDetails  string `json:"raw_details"`
}

// Button is an action of a check run, with the names that the API has.
type Button struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Identifier  string `json:"identifier"`
}

// CheckRun is a check run as it is now.
type CheckRun struct {
	ID                               int64
	Name, Head, ExternalID, App      string
	Status, Conclusion               string
	Title, Summary, Text, DetailsURL string
	Annotations                      []Annotation
	Buttons                          []Button
}

// CheckRuns gives the check runs on a commit, the oldest first.
func (r *Repo) CheckRuns(sha string) []CheckRun {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	var out []CheckRun
	for _, run := range r.runs {
		if run.head == sha {
			out = append(out, CheckRun{
				run.id, run.name, run.head, run.external, run.app, run.status, run.conclusion,
				run.title, run.summary, run.text, run.details, slices.Clone(run.annotations), slices.Clone(run.buttons),
			})
		}
	}
	return out
}

func (r *Repo) checkJSON(run *checkRun) obj {
	out := r.gh.shape(r, "check_run.completed.json", "check_run")
	out["id"], out["node_id"], out["name"], out["head_sha"] = run.id, nodeID("CR", run.id), run.name, run.head
	out["external_id"], out["details_url"] = run.external, run.details
	out["url"], out["html_url"] = r.apiURL("/check-runs/%d", run.id), r.webURL("/runs/%d", run.id)
	out["status"], out["conclusion"] = run.status, nil
	out["started_at"], out["completed_at"] = stamp(run.started), nil
	if run.conclusion != "" {
		out["conclusion"], out["completed_at"] = run.conclusion, stamp(run.completed)
	}
	out["output"] = obj{
		"title": orNull(run.title), "summary": orNull(run.summary), "text": orNull(run.text),
		"annotations_count": len(run.annotations), "annotations_url": r.apiURL("/check-runs/%d/annotations", run.id),
	}
	out["app"], out["pull_requests"] = r.gh.app(r, run.app), []obj{}
	out["check_suite"] = obj{"id": idOf(run.app + run.head)}
	return out
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

type checkInput struct {
	Name       string  `json:"name"`
	Head       string  `json:"head_sha"`
	External   *string `json:"external_id"`
	Details    *string `json:"details_url"`
	Status     string  `json:"status"`
	Conclusion string  `json:"conclusion"`
	Output     *struct {
		Title, Summary, Text string
		Annotations          []Annotation
	} `json:"output"`
	Actions *[]Button `json:"actions"`
}

func (in checkInput) refusal() *reply {
	if in.Status == "completed" && in.Conclusion == "" {
		answer := refuse(422, "Invalid request.\n\nNo subschema in \"anyOf\" matched.\n\"conclusion\" wasn't supplied.")
		return &answer
	}
	if in.Output == nil {
		return nil
	}
	for _, an := range in.Output.Annotations {
		if an.StartLine < 1 || an.EndLine < an.StartLine || (an.StartColumn > 0 && an.StartLine != an.EndLine) {
			answer := refuse(422, "Invalid request.\n\nFor 'properties/end_line', the annotation's lines or columns are not a range.")
			return &answer
		}
	}
	return nil
}

// apply changes a check run. Annotations are added to those it has.
func (in checkInput) apply(run *checkRun, now time.Time) {
	if in.Name != "" {
		run.name = in.Name
	}
	if in.External != nil {
		run.external = *in.External
	}
	if in.Details != nil {
		run.details = *in.Details
	}
	if in.Status != "" {
		run.status = in.Status
	}
	if in.Conclusion != "" {
		run.status, run.conclusion, run.completed = "completed", in.Conclusion, now
	} else if in.Status != "" {
		run.conclusion = ""
	}
	if in.Actions != nil { // that an update without them leaves them, and that an empty list takes them away, is not documented
		run.buttons = *in.Actions
	}
	if in.Output != nil {
		run.title, run.summary, run.text = in.Output.Title, in.Output.Summary, in.Output.Text
		run.annotations = append(run.annotations, in.Output.Annotations...)
	}
}

func (c *call) createCheck() reply {
	var in checkInput
	c.read(&in)
	if refusal := in.refusal(); refusal != nil {
		return *refusal
	}
	if c.repo.tip(in.Head) == "" {
		return refuse(422, fmt.Sprintf("No commit found for SHA: %s", in.Head))
	}
	now := c.now()
	run := &checkRun{
		id: c.id(), app: c.token.App, head: in.Head, status: "queued", started: now,
		details: c.URL + "/apps/" + c.token.App,
	}
	in.apply(run, now)
	c.repo.runs = append(c.repo.runs, run)
	return created(c.repo.checkJSON(run))
}

func (c *call) check() *checkRun {
	id := c.param("check_run_id")
	i := slices.IndexFunc(c.repo.runs, func(run *checkRun) bool { return run.id == id })
	if i < 0 {
		return nil
	}
	return c.repo.runs[i]
}

func (c *call) getCheck() reply {
	if run := c.check(); run != nil {
		return ok(c.repo.checkJSON(run))
	}
	return notFound()
}

func (c *call) updateCheck() reply {
	run := c.check()
	if run == nil {
		return notFound()
	}
	if run.app != c.token.App {
		return refuse(http.StatusForbidden, fmt.Sprintf("Invalid app_id `%d` - check run can only be modified by the GitHub App that created it.", idOf(c.token.App)))
	}
	var in checkInput
	c.read(&in)
	if refusal := in.refusal(); refusal != nil {
		return *refusal
	}
	in.apply(run, c.now())
	return ok(c.repo.checkJSON(run))
}

func (c *call) listChecks() reply {
	sha := c.repo.tip(c.params["ref"])
	if sha == "" {
		return refuse(422, fmt.Sprintf("No commit found for SHA: %s", c.params["ref"]))
	}
	var found []*checkRun
	latest := map[string]int{}
	for _, run := range visible(c, c.repo.runs) {
		name := c.asked("check_name")
		if run.head != sha || (name != "" && name != run.name) {
			continue
		}
		if at, seen := latest[run.app+"\x00"+run.name]; seen && c.asked("filter") != "all" {
			found[at] = run
			continue
		}
		latest[run.app+"\x00"+run.name] = len(found)
		found = append(found, run)
	}
	slices.Reverse(found)
	shown, header := page(c, c.repo.api("/commits/%s/check-runs", c.params["ref"]), found, c.repo.checkJSON)
	return reply{http.StatusOK, obj{"total_count": len(found), "check_runs": shown}, header}
}

func (c *call) listAnnotations() reply {
	run := c.check()
	if run == nil {
		return notFound()
	}
	shown, header := page(c, c.repo.api("/check-runs/%d/annotations", run.id), run.annotations, func(an Annotation) obj {
		column := func(n int) any {
			if n == 0 {
				return nil
			}
			return n
		}
		return obj{
			"path": an.Path, "blob_href": c.repo.apiURL("/contents/%s?ref=%s", an.Path, run.head),
			"start_line": an.StartLine, "end_line": an.EndLine, "start_column": column(an.StartColumn), "end_column": column(an.EndColumn),
			"annotation_level": an.Level, "title": orNull(an.Title), "message": an.Message, "raw_details": orNull(an.RawDetails),
		}
	})
	return reply{http.StatusOK, shown, header}
}
