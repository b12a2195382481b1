package finding

import "fmt"

// Severity says how much a finding matters. The zero value is Notice.
type Severity int

// The severities, in rising order.
const (
	Notice Severity = iota
	Warning
	Error
)

var severityNames = [...]string{Notice: "notice", Warning: "warning", Error: "error"}

// String gives the name used in configuration, JSON and text: notice, warning or error.
func (s Severity) String() string {
	if s < Notice || s > Error {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severityNames[s]
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; any other word than notice, warning and error is an error.
func (s *Severity) UnmarshalText(text []byte) error {
	for i, name := range severityNames {
		if name == string(text) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("unknown severity %q: use error, warning or notice", text)
}
