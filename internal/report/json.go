package report

import (
	"encoding/json"
	"io"
)

// JSON writes the report in its versioned form.
func JSON(w io.Writer, r *Report) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(r)
}
