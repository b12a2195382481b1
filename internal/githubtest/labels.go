package githubtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

type label struct {
	id                       int64
	name, color, description string
}

func (r *Repo) findLabel(name string) *label {
	i := slices.IndexFunc(r.labels, func(l *label) bool { return strings.EqualFold(l.name, name) })
	if i < 0 {
		return nil
	}
	return r.labels[i]
}

// label gives the label with a name; it is made when there is none.
func (r *Repo) label(name string) *label {
	if l := r.findLabel(name); l != nil {
		return l
	}
	l := &label{id: r.gh.id(), name: name, color: "ededed"}
	r.labels = append(r.labels, l)
	return l
}

func (r *Repo) labelJSON(l *label) obj {
	return obj{
		"id": l.id, "node_id": nodeID("LA", l.id), "url": r.apiURL("/labels/%s", l.name), "name": l.name,
		"color": l.color, "default": false, "description": orNull(l.description),
	}
}

func (c *call) createLabel() reply {
	var in struct{ Name, Color, Description string }
	c.read(&in)
	if c.repo.findLabel(in.Name) != nil {
		return refuse(422, "Validation Failed", obj{"resource": "Label", "code": "already_exists", "field": "name"})
	}
	if in.Color != "" && (len(in.Color) != 6 || strings.Trim(strings.ToLower(in.Color), "0123456789abcdef") != "") {
		return refuse(422, "Validation Failed", obj{"resource": "Label", "code": "invalid", "field": "color"})
	}
	l := c.repo.label(in.Name)
	l.description = in.Description
	if in.Color != "" {
		l.color = in.Color
	}
	return created(c.repo.labelJSON(l))
}

func (c *call) getLabel() reply {
	if l := c.repo.findLabel(c.params["name"]); l != nil {
		return ok(c.repo.labelJSON(l))
	}
	return notFound()
}

func (c *call) issueLabels(p *pull, status int) reply {
	var list []*label
	for _, name := range p.labels {
		list = append(list, c.repo.label(name))
	}
	shown, header := page(c, c.repo.api("/issues/%d/labels", p.number), list, c.repo.labelJSON)
	return reply{status, shown, header}
}

func (c *call) listLabels() reply {
	if p := c.repo.pull(int(c.param("issue_number"))); p != nil {
		return c.issueLabels(p, http.StatusOK)
	}
	return notFound()
}

// addLabels takes {"labels": [...]} and, as GitHub does, a bare array.
func (c *call) addLabels() reply {
	p := c.repo.pull(int(c.param("issue_number")))
	if p == nil {
		return notFound()
	}
	var names []string
	if json.Unmarshal(c.body, &names) != nil {
		var in struct{ Labels []string }
		c.read(&in)
		names = in.Labels
	}
	for _, name := range names {
		if l := c.repo.label(name); !slices.Contains(p.labels, l.name) {
			p.labels = append(p.labels, l.name)
		}
	}
	return c.issueLabels(p, http.StatusOK)
}

func (c *call) removeLabel() reply {
	p := c.repo.pull(int(c.param("issue_number")))
	if p == nil || !slices.Contains(p.labels, c.params["name"]) {
		return refuse(http.StatusNotFound, "Label does not exist")
	}
	p.labels = slices.DeleteFunc(p.labels, func(name string) bool { return name == c.params["name"] })
	return c.issueLabels(p, http.StatusOK)
}
