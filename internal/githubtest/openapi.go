package githubtest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// description is GitHub's own description of its API, and what requests and responses are held against.
type description struct {
	doc    *openapi3.T
	routes []route
}

// route is one operation.
type route struct {
	method, template string
	pattern          *regexp.Regexp
	params           []string
	item             *openapi3.PathItem
	operation        *openapi3.Operation
}

// narrower lists operations whose request body may also be a bare list of names, which the description does not say. See
// testdata/NOTICE.md.
var narrower = map[string]bool{
	"issues/add-labels": true,
}

var loadDescription = sync.OnceValues(func() (*description, error) {
	packed, err := files.Open("testdata/github-openapi.json.gz")
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, err
	}
	d := &description{doc: doc}
	for template, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			d.routes = append(d.routes, newRoute(method, template, item, op))
			if op.RequestBody != nil {
				for _, media := range op.RequestBody.Value.Content {
					forbidUnknown(media.Schema)
				}
			}
		}
	}
	// The most literal template wins: commits/{ref}/check-runs before commits/{ref}, whose ref may hold slashes.
	literal := func(r route) int { return len(placeholder.ReplaceAllString(r.template, "")) }
	slices.SortFunc(d.routes, func(a, b route) int {
		return cmp.Or(literal(b)-literal(a), strings.Compare(a.template, b.template), strings.Compare(a.method, b.method))
	})
	return d, nil
})

var placeholder = regexp.MustCompile(`\{([^}]+)\}`)

func newRoute(method, template string, item *openapi3.PathItem, op *openapi3.Operation) route {
	r := route{method: method, template: template, item: item, operation: op}
	pattern, rest := "^", template
	for {
		at := placeholder.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		name := rest[at[2]:at[3]]
		r.params = append(r.params, name)
		pattern += regexp.QuoteMeta(rest[:at[0]])
		if multiSegment(op, name) {
			pattern += "(.+)"
		} else {
			pattern += "([^/]+)"
		}
		rest = rest[at[1]:]
	}
	r.pattern = regexp.MustCompile(pattern + regexp.QuoteMeta(rest) + "$")
	return r
}

func multiSegment(op *openapi3.Operation, name string) bool {
	p := op.Parameters.GetByInAndName("path", name)
	return p != nil && p.Extensions["x-multi-segment"] == true
}

// forbidUnknown makes a request's schema strict: GitHub ignores a field it does not know, so a misspelt one does nothing,
// and a test should say so. Alternatives are left alone where they repeat fields of the schema around them.
func forbidUnknown(ref *openapi3.SchemaRef) {
	if ref == nil || ref.Value == nil {
		return
	}
	s := ref.Value
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
		no := false
		s.AdditionalProperties.Has = &no
	}
	for _, p := range s.Properties {
		forbidUnknown(p)
	}
	forbidUnknown(s.Items)
	for _, alternatives := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf, s.AllOf} {
		for _, p := range alternatives {
			if len(s.Properties) == 0 {
				forbidUnknown(p)
			}
		}
	}
}

// find gives the operation of a request and the values in its path.
func (d *description) find(method, path string) (*route, map[string]string) {
	for i := range d.routes {
		r := &d.routes[i]
		m := r.pattern.FindStringSubmatch(path)
		if r.method != method || m == nil {
			continue
		}
		params := make(map[string]string, len(r.params))
		for i, name := range r.params {
			value, err := url.PathUnescape(m[i+1])
			if err != nil {
				return nil, nil
			}
			params[name] = value
		}
		return r, params
	}
	return nil, nil
}

func (d *description) input(r *route, params map[string]string, req *http.Request, body []byte) *openapi3filter.RequestValidationInput {
	copied := req.Clone(context.Background())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	copied.ContentLength = int64(len(body))
	return &openapi3filter.RequestValidationInput{
		Request: copied, PathParams: params, QueryParams: req.URL.Query(),
		Route: &routers.Route{Spec: d.doc, Path: r.template, PathItem: r.item, Method: r.method, Operation: r.operation},
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true,
			RejectWhenRequestBodyNotSpecified: true,
		},
	}
}

// checkRequest says what is wrong with a request, by the description.
func (d *description) checkRequest(r *route, params map[string]string, req *http.Request, body []byte) error {
	for name := range req.URL.Query() {
		if r.operation.Parameters.GetByInAndName("query", name) == nil {
			return fmt.Errorf("the operation has no query parameter %q", name)
		}
	}
	in := d.input(r, params, req, body)
	in.Options.ExcludeRequestBody = narrower[r.operation.OperationID] && json.Unmarshal(body, new([]string)) == nil
	return openapi3filter.ValidateRequest(context.Background(), in)
}

// checkResponse says what is wrong with a response. A status that the description does not know for the operation passes
// only for errors, which it lists incompletely; those must look like GitHub's errors.
func (d *description) checkResponse(r *route, params map[string]string, req *http.Request, status int, header http.Header, body []byte) error {
	if r.operation.Responses.Status(status) == nil {
		if status < 400 {
			return fmt.Errorf("status %d is not one of the operation's", status)
		}
		return d.checkError(body)
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: d.input(r, params, req, nil), Status: status, Header: header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	in.SetBodyBytes(body)
	return openapi3filter.ValidateResponse(context.Background(), in)
}

// checkError says where a body does not look like GitHub's errors.
func (d *description) checkError(body []byte) error {
	value, err := decode(body)
	if err != nil {
		return err
	}
	return d.doc.Components.Schemas["basic-error"].Value.VisitJSON(value)
}
