package helm

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
)

// TemplateError is a mistake at a known place of the chart.
type TemplateError struct {
	File    string // from the chart's directory; of a part that is packed in an archive, as if it were unpacked
	Line    int    // 1-based
	Column  int    // 1-based; 0 when not known
	Message string // Helm's, on several lines at times
}

func (e *TemplateError) Error() string { return e.Message }

// execute runs the templates. The result is what each file makes.
func execute(c *chartv2.Chart, values common.Values) (map[string]string, error) {
	drawn := &UnsteadyError{}
	rendered, err := engine.Engine{CustomTemplateFuncs: refusals(drawn)}.RenderWithContext(context.Background(), c, values) // it is for lookups, and there are none
	if err == nil {
		return rendered, nil
	}
	at := located(err)
	switch {
	case drawn.Function != "":
		drawn.At = at
		return nil, drawn
	case at != nil:
		return nil, at
	default:
		return nil, err
	}
}

// location is how Helm's engine names a place: "chart/templates/app.yaml:3:14", the column left out where a template cannot
// be parsed. The last one of a trace is where the mistake is; the first ones are the templates that include it.
var location = regexp.MustCompile(`(?:^|[\s(])([^\s():]+/templates/[^\s():]+):(\d+)(?::(\d+))?(?:$|[\s():])`)

func located(err error) *TemplateError {
	all := location.FindAllStringSubmatch(err.Error(), -1)
	if len(all) == 0 {
		return nil
	}
	last := all[len(all)-1]
	at := &TemplateError{Message: err.Error()}
	_, at.File, _ = strings.Cut(last[1], "/")
	at.Line, _ = strconv.Atoi(last[2])
	if column, err := strconv.Atoi(last[3]); err == nil {
		at.Column = column + 1 // text/template counts columns from 0
	}
	return at
}
