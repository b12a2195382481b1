package diff

import (
	"math/big"
	"regexp"
	"strings"
)

// quantityFields are the mappings whose values are quantities: resource requirements, quotas, limit ranges, volumes.
var quantityFields = map[string]bool{
	"limits": true, "requests": true, "hard": true, "capacity": true, "min": true, "max": true, "default": true,
	"defaultRequest": true, "maxLimitRequestRatio": true,
}

// holdsQuantity reports whether the API reads the field as a quantity.
func holdsQuantity(self *path) bool {
	return self != nil && (self.key() == "sizeLimit" || self.key() == "averageValue" || self.up != nil && quantityFields[self.up.key()])
}

// quantityForm is a decimal number with a suffix. Source: k8s.io/apimachinery/pkg/api/resource, "Quantity".
var quantityForm = regexp.MustCompile(`^([+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40}))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,2})?$`)

var quantitySuffixes = map[string]string{
	"": "1", "n": "1e-9", "u": "1e-6", "m": "1e-3", "k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12", "P": "1e15", "E": "1e18",
	"Ki": "1024", "Mi": "1048576", "Gi": "1073741824", "Ti": "1099511627776", "Pi": "1125899906842624", "Ei": "1152921504606846976",
}

func quantity(text string) (*big.Rat, bool) {
	m := quantityForm.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	factor, ok := quantitySuffixes[m[2]]
	if !ok {
		factor = "1" + strings.ToLower(m[2])
	}
	number, ok := new(big.Rat).SetString(m[1])
	if !ok {
		return nil, false
	}
	scale, ok := new(big.Rat).SetString(factor)
	if !ok {
		return nil, false
	}
	return number.Mul(number, scale), true
}

// sameQuantity reports whether both are quantities and equal: 1000m and 1, 1Gi and 1024Mi.
func sameQuantity(a, b string) bool {
	x, ok := quantity(a)
	if !ok {
		return false
	}
	y, ok := quantity(b)
	return ok && x.Cmp(y) == 0
}

// CompareQuantities orders two quantities, such as 1Gi and 1024Mi, as [cmp.Compare] does; ok is false where one of them is none.
func CompareQuantities(a, b string) (order int, ok bool) {
	x, okA := quantity(a)
	y, okB := quantity(b)
	if !okA || !okB {
		return 0, false
	}
	return x.Cmp(y), true
}
