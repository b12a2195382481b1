package schema

import (
	"errors"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"k8s.io/apimachinery/pkg/api/resource"
)

// formatQuantity is what the store calls the format of amounts of a resource: 500m, 2, 128Mi.
const formatQuantity = "quantity"

// quantityFormat reads texts as the API server does; every number is a quantity. Placeholders are left alone: what takes their place
// is not known.
var quantityFormat = &jsonschema.Format{Name: formatQuantity, Validate: func(value any) error {
	text, ok := value.(string)
	if !ok || isPlaceholder(text) {
		return nil
	}
	if _, err := resource.ParseQuantity(strings.TrimSpace(text)); err != nil {
		return errors.New("no quantity")
	}
	return nil
}}
