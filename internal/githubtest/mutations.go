package githubtest

import "strings"

// pullOfMutation gives the pull request that a mutation names, where the token may write to it.
func (c *call) pullOfMutation(input map[string]any) (*pull, *graphProblem) {
	id, _ := input["pullRequestId"].(string)
	var p *pull
	for _, repo := range c.repos {
		for _, candidate := range repo.pulls {
			if nodeID("PR", candidate.id) == id {
				p, c.repo = candidate, repo
			}
		}
	}
	switch {
	case p == nil, !c.token.reaches(c.repo):
		return nil, &graphProblem{"NOT_FOUND", "Could not resolve to a node with the global id of '" + id + "'."}
	case !c.token.may("write", "pull-requests"):
		return nil, forbidden()
	}
	return p, nil
}

func forbidden() *graphProblem {
	return &graphProblem{"FORBIDDEN", "Resource not accessible by integration"}
}

// mutate has one change made to the pull request that a mutation names.
func (c *call) mutate(args map[string]any, change func(p *pull, input map[string]any) *graphProblem) (obj, *graphProblem) {
	input, _ := args["input"].(map[string]any)
	p, problem := c.pullOfMutation(input)
	if problem == nil {
		problem = change(p, input)
	}
	if problem != nil {
		return nil, problem
	}
	p.last = c.now()
	return obj{"clientMutationId": input["clientMutationId"]}, nil
}

func (c *call) convertToDraft(args map[string]any) (obj, *graphProblem) {
	return c.mutate(args, func(p *pull, _ map[string]any) *graphProblem {
		if c.repo.noDrafts {
			return &graphProblem{"UNPROCESSABLE", "Draft pull requests are not supported in this repository."}
		}
		p.draft = true
		return nil
	})
}

func (c *call) readyForReview(args map[string]any) (obj, *graphProblem) {
	return c.mutate(args, func(p *pull, _ map[string]any) *graphProblem {
		p.draft = false
		return nil
	})
}

func (c *call) enableAutoMerge(args map[string]any) (obj, *graphProblem) {
	return c.mutate(args, func(p *pull, input map[string]any) *graphProblem {
		switch {
		case !c.token.may("write", "contents"):
			return forbidden()
		case !c.repo.AllowAutoMerge:
			return &graphProblem{"UNPROCESSABLE", "Auto merge is not allowed for this repository"}
		}
		method, _ := input["mergeMethod"].(string)
		p.autoMerge = strings.ToLower(method)
		return nil
	})
}
