package schema

import (
	"strconv"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// fieldPath writes the place of a value in an object. The steps are those of a JSON pointer.
func fieldPath(root any, steps []string) string {
	var path manifest.FieldPath
	at := root
	for _, step := range steps {
		switch value := at.(type) {
		case []any:
			index, err := strconv.Atoi(step)
			if err != nil || index < 0 || index >= len(value) {
				return path.String()
			}
			at = value[index]
			path.Item(index, at)
		case map[string]any:
			at = value[step]
			path.Field(step)
		default:
			at = nil
			path.Field(step)
		}
	}
	return path.String()
}
