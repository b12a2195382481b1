package githubtest

// operation is what a call needs and does.
type operation struct {
	areas    []string // the token must have one of them; none: every token may
	appsOnly bool
	handle   func(*call) reply
}

var (
	contents  = []string{"contents"}
	pullArea  = []string{"pull-requests"}
	comments  = []string{"issues", "pull-requests"}
	checkArea = []string{"checks"}
	statusOf  = []string{"statuses"}
)

// operations are those that are implemented, by their id in the description.
var operations = map[string]operation{
	"users/get-authenticated":                 {handle: (*call).getUser},
	"apps/get-repo-installation":              {handle: (*call).installation},
	"apps/create-installation-access-token":   {handle: (*call).createInstallationToken},
	"repos/get":                               {handle: (*call).getRepo},
	"repos/get-collaborator-permission-level": {handle: (*call).collaborator},
	"repos/get-branch":                        {contents, false, (*call).getBranch},
	"repos/get-branch-rules":                  {[]string{"metadata", "contents"}, false, (*call).branchRules},

	"actions/list-workflow-run-artifacts":                                {[]string{"actions"}, false, (*call).listArtifacts},
	"actions/download-artifact":                                          {[]string{"actions"}, false, (*call).downloadArtifact},
	"actions/get-github-actions-default-workflow-permissions-repository": {[]string{"administration"}, false, (*call).workflowPermissions},
	"repos/list-deployments":                                             {[]string{"deployments"}, false, (*call).listDeployments},
	"repos/list-deployment-statuses":                                     {[]string{"deployments"}, false, (*call).listDeploymentStatuses},

	"issues/list-comments":        {comments, false, (*call).listComments},
	"issues/create-comment":       {comments, false, (*call).createComment},
	"issues/get-comment":          {comments, false, (*call).getComment},
	"issues/update-comment":       {comments, false, (*call).updateComment},
	"issues/delete-comment":       {comments, false, (*call).deleteComment},
	"issues/create-label":         {comments, false, (*call).createLabel},
	"issues/get-label":            {comments, false, (*call).getLabel},
	"issues/list-labels-on-issue": {comments, false, (*call).listLabels},
	"issues/add-labels":           {comments, false, (*call).addLabels},
	"issues/remove-label":         {comments, false, (*call).removeLabel},

	// What sluice never calls, and the recordings of the live API hold.
	"issues/list-for-repo": {comments, false, (*call).listIssues},
	"issues/lock":          {comments, false, (*call).lock},

	"reactions/create-for-issue-comment": {pullArea, false, (*call).createReaction},
	"issues/add-assignees":               {comments, false, (*call).addAssignees},

	"pulls/request-reviewers":                         {pullArea, false, (*call).requestReviewers},
	"repos/list-pull-requests-associated-with-commit": {pullArea, false, (*call).pullsOfCommit},

	"pulls/list":         {pullArea, false, (*call).listPulls},
	"pulls/get":          {pullArea, false, (*call).getPull},
	"pulls/create":       {pullArea, false, (*call).createPull},
	"pulls/update":       {pullArea, false, (*call).updatePull},
	"pulls/list-files":   {pullArea, false, (*call).pullFiles},
	"pulls/list-reviews": {pullArea, false, (*call).listReviews},
	"pulls/merge":        {contents, false, (*call).mergePull},

	"checks/create":           {checkArea, true, (*call).createCheck},
	"checks/update":           {checkArea, true, (*call).updateCheck},
	"checks/get":              {checkArea, false, (*call).getCheck},
	"checks/list-for-ref":     {checkArea, false, (*call).listChecks},
	"checks/list-annotations": {checkArea, false, (*call).listAnnotations},

	"repos/create-commit-status":         {statusOf, false, (*call).createStatus},
	"repos/list-commit-statuses-for-ref": {statusOf, false, (*call).listStatuses},
	"repos/get-combined-status-for-ref":  {statusOf, false, (*call).combinedStatus},

	"git/create-blob":        {contents, false, (*call).createBlob},
	"git/get-blob":           {contents, false, (*call).getBlob},
	"git/create-tree":        {contents, false, (*call).createTree},
	"git/get-tree":           {contents, false, (*call).getTree},
	"git/create-commit":      {contents, false, (*call).createCommit},
	"git/get-commit":         {contents, false, (*call).getGitCommit},
	"git/get-ref":            {contents, false, (*call).getRef},
	"git/list-matching-refs": {contents, false, (*call).matchingRefs},
	"git/create-ref":         {contents, false, (*call).createRef},
	"git/update-ref":         {contents, false, (*call).updateRef},
	"git/delete-ref":         {contents, false, (*call).deleteRef},

	"repos/get-commit":                    {contents, false, (*call).getCommit},
	"repos/compare-commits-with-basehead": {contents, false, (*call).compare},
	"repos/compare-commits":               {contents, false, (*call).compareOld},
	"repos/merge":                         {contents, false, (*call).mergeBranch},
}

// compareOld is the same call under its older template.
func (c *call) compareOld() reply {
	c.params["basehead"] = c.params["base"] + "..." + c.params["head"]
	return c.compare()
}
