package rehearse

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// standIn gives what a throw-away API server gets of a Secret: other values, of which it judges the same. The server never sees a value, since
// the admission policies of a pull request, which are in effect there, may tell all that they see, as a parameter of a policy about
// something else for example. What changes from base to head does so here, what is no base64 or JSON is none, what is empty is
// empty, and what is large is as large.
func standIn(o, before *manifest.Object) map[string]any {
	out, value := o.Concealed(before), o.Value()
	for _, field := range []string{"data", "stringData"} {
		content, _ := out[field].(map[string]any) // made by Concealed, so that it may be changed
		original, _ := value[field].(map[string]any)
		for key := range content {
			hidden, isText := content[key].(string)
			was, wasText := original[key].(string)
			if !isText || !wasText {
				continue
			}
			if field == "stringData" {
				content[key] = alike(was, hidden)
				continue
			}
			plain, err := base64.StdEncoding.DecodeString(was)
			shown, hiddenErr := base64.StdEncoding.DecodeString(hidden)
			if err == nil && hiddenErr == nil {
				content[key] = base64.StdEncoding.EncodeToString([]byte(alike(string(plain), string(shown))))
			}
		}
	}
	return out
}

// alike makes of the text that stands for a value one that is empty, JSON and large as that value is.
func alike(value, text string) string {
	switch {
	case value == "":
		return ""
	case json.Valid([]byte(value)):
		encoded, _ := json.Marshal(map[string]string{"sluice": text}) // of strings: never fails
		text = string(encoded)
	}
	return text + strings.Repeat(" ", max(0, len(value)-len(text)))
}
