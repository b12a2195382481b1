// Package github is sluice's edge to GitHub: it reads the event of a workflow run, talks to the runner (summary, outputs,
// annotations, log), and publishes a result as a pull request comment and a check run.
//
// It knows nothing of reports: what it takes and gives are strings and small structs. [ParseEvent] says what an event asks
// for; [Actions] is the runner; [Client] is the API, with one transport that waits out rate limits and retries what may be
// retried; [Client.Publish] does all that one run has to publish and says what could not be.
package github
