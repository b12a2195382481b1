package helm

import (
	"fmt"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// UnsteadyError says that a template called a function whose result is another one each time.
type UnsteadyError struct {
	Function string
	At       *TemplateError // where; nil outside of the chart's files
}

func (e *UnsteadyError) Error() string {
	return fmt.Sprintf("%s gives another result each time", e.Function)
}

// unsteady are the functions of sprig (https://masterminds.github.io/sprig) that draw random numbers or read the clock.
var unsteady = []string{
	"now", "ago",
	"randAlpha", "randAlphaNum", "randAscii", "randBytes", "randInt", "randNumeric", "shuffle", "uuidv4",
	"bcrypt", "htpasswd", "encryptAES", "genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey",
	"genSignedCert", "genSignedCertWithKey",
}

// refusals replace the functions that are never the same twice. The first call of one is noted, and ends the template.
func refusals(drawn *UnsteadyError) template.FuncMap {
	refuse := func(name string) error {
		if drawn.Function == "" {
			drawn.Function = name
		}
		return drawn
	}
	out := template.FuncMap{}
	for _, name := range unsteady {
		out[name] = func(...any) (string, error) { return "", refuse(name) }
	}
	sprigs := sprig.TxtFuncMap()
	// These read the clock when what they are given is no time.
	inZone := sprigs["dateInZone"].(func(string, any, string) string)
	date := func(name, layout string, at any, zone string) (string, error) {
		switch at.(type) {
		case time.Time, *time.Time, int64, int, int32:
			return inZone(layout, at, zone), nil
		}
		return "", refuse(name)
	}
	const local, html = "Local", "2006-01-02"
	out["date"] = func(layout string, at any) (string, error) { return date("date", layout, at, local) }
	for _, name := range []string{"dateInZone", "date_in_zone"} {
		out[name] = func(layout string, at any, zone string) (string, error) { return date(name, layout, at, zone) }
	}
	out["htmlDate"] = func(at any) (string, error) { return date("htmlDate", html, at, local) }
	out["htmlDateInZone"] = func(at any, zone string) (string, error) { return date("htmlDateInZone", html, at, zone) }
	// And this one when it is given a time.
	round := sprigs["durationRound"].(func(any) string)
	out["durationRound"] = func(duration any) (string, error) {
		if _, ok := duration.(time.Time); ok {
			return "", refuse("durationRound")
		}
		return round(duration), nil
	}
	return out
}
