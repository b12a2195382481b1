package githubtest

// Grant is what a workflow lets its token write. The token reads everything that sluice asks for.
type Grant struct {
	Name                       string
	Comments, Checks, Statuses bool
	Contents                   bool // else it may read them
	Person                     bool // a personal token, which can never write check runs
}

// Grants are the permissions that sluice must get along with, the wanted ones first.
var Grants = []Grant{
	{Name: "all that sluice asks for", Comments: true, Checks: true},
	{Name: "and to push", Comments: true, Checks: true, Contents: true},
	{Name: "checks only", Checks: true},
	{Name: "comments only", Comments: true},
	{Name: "comments and statuses", Comments: true, Statuses: true},
	{Name: "nothing but to read"},
	{Name: "a person's token", Comments: true, Checks: true, Statuses: true, Person: true},
}

// GrantedToken gives a token with what is granted.
func (gh *GitHub) GrantedToken(g Grant) string {
	level := map[bool]string{true: "write", false: "read"}
	token := Token{Login: "github-actions[bot]", App: "github-actions", Permissions: map[string]string{
		"contents": level[g.Contents], "actions": "read", "pull-requests": level[g.Comments], "checks": level[g.Checks], "statuses": level[g.Statuses],
	}}
	if g.Person {
		token.Login, token.App = "wim", ""
	}
	return gh.AddToken("ghs_granted", token)
}
