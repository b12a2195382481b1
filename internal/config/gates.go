package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the zones of a freeze calendar are in the program: they mean the same on every machine

	"github.com/sluice-dev/sluice/internal/finding"
)

// GateRule is what must hold before a promotion goes on, for some edges or all.
type GateRule struct {
	From        EnvironmentName     `yaml:"from" doc:"Only for promotions from this environment. Default: from any."`
	To          EnvironmentName     `yaml:"to" doc:"Only for promotions to this environment. Default: to any."`
	Apps        []AppName           `yaml:"apps" doc:"Only for these applications. Default: for all."`
	Statuses    []StatusPattern     `yaml:"statuses" doc:"Commit statuses or check runs that must be successful on the source commit, such as continuous-delivery/{app}-{from} (Argo CD) or kustomization/{app}/* (Flux). {app}, {from} and {to} stand for the names of the promotion, * for any text. At least one must match each, and all that match must be successful."`
	Deployments []DeploymentPattern `yaml:"deployments" doc:"Environments of GitHub deployments whose newest status on the source commit must be successful. {app}, {from} and {to} stand for the names of the promotion, * for any text."`
	Soak        Soak                `yaml:"soak" doc:"How long the statuses and deployments must have been successful without a failure, such as 2h."`
	Windows     Windows             `yaml:"windows" doc:"When promotions may go on."`
	Approvals   int                 `yaml:"approvals" min:"0" max:"10" doc:"How many people must have approved the promotion pull request as it is."`
}

// Windows is a calendar: without open hours it is open always, and what is frozen is closed even in open hours.
type Windows struct {
	Zone   TimeZone    `yaml:"zone" doc:"The time zone of all times here, such as Europe/Berlin. Default: UTC."`
	Open   []OpenHours `yaml:"open" doc:"The hours in which promotions may go on. Default: all."`
	Frozen []Freeze    `yaml:"frozen" doc:"Times in which no promotion goes on."`
}

// OpenHours are hours on days of the week.
type OpenHours struct {
	Days  []Weekday `yaml:"days" doc:"The days on which the hours begin. Default: all."`
	Hours HourRange `yaml:"hours" doc:"From when to when, such as 09:00-16:30. Hours that end before they begin end on the next day. Default: the whole day."`
}

// Freeze is a time without promotions.
type Freeze struct {
	From   Moment    `yaml:"from" required:"true" doc:"When it begins: a day, or a day and a time such as 2026-12-20T18:00."`
	Until  Moment    `yaml:"until" required:"true" doc:"When it ends: a day, which belongs to it, or a day and a time."`
	Reason PlainText `yaml:"reason" doc:"Why, as people are told."`
}

// StatusPattern matches the contexts of commit statuses and the names of check runs.
type StatusPattern string

// DeploymentPattern matches the environments of deployments.
type DeploymentPattern string

// TimeZone is the name of a time zone in the IANA database.
type TimeZone string

// Weekday is a day of the week: "mon" to "sun".
type Weekday string

// PlainText is one line that people are shown.
type PlainText string

// Soak is a length of time, such as 30m, 2h or 1d.
type Soak time.Duration

// HourRange is a part of the day. Its zero value is the whole day.
type HourRange struct {
	From, Until ClockTime
}

// ClockTime is minutes after midnight, up to 1440.
type ClockTime int

// Moment is a day, or a minute of a day, in a time zone that stands elsewhere.
type Moment struct {
	Year    int
	Month   time.Month
	Day     int
	Clock   ClockTime // 0 where only a day was named
	HasTime bool
}

func (StatusPattern) shape() shape {
	return shape{what: "the context of a commit status or the name of a check run, such as continuous-delivery/{app}", pattern: `^[^\s]([^\r\n]{0,253}[^\s])?$`}
}

func (DeploymentPattern) shape() shape {
	return shape{what: "the environment of a deployment, such as {from}", pattern: `^[^\s]([^\r\n]{0,253}[^\s])?$`}
}

func (TimeZone) shape() shape {
	return shape{what: "the name of a time zone, such as Europe/Berlin or UTC", pattern: `^[A-Za-z]+([/_+-][A-Za-z0-9]+)*$`}
}

func (Weekday) shape() shape {
	return shape{enum: []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}}
}

func (PlainText) shape() shape {
	return shape{what: "a line of text", pattern: `^[^\x00-\x1f\x7f-\x9f]{1,200}$`}
}

func (Soak) shape() shape {
	return shape{what: "a time such as 30m, 2h or 1d", pattern: `^[1-9][0-9]{0,3}(m|h|d)$`}
}

func (s *Soak) parse(text string) error {
	unit := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[text[len(text)-1]]
	var n int
	_, err := fmt.Sscanf(text[:len(text)-1], "%d", &n)
	*s = Soak(time.Duration(n) * unit)
	return err
}

// String gives the form used in the file, with the largest unit that fits.
func (s Soak) String() string {
	switch d := time.Duration(s); {
	case d%(24*time.Hour) == 0 && d > 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0 && d > 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	default:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
}

const clockRegexp = `([01][0-9]|2[0-3]):[0-5][0-9]`

func (HourRange) shape() shape {
	return shape{what: "hours such as 09:00-16:30", pattern: `^` + clockRegexp + `-(` + clockRegexp + `|24:00)$`}
}

func (h *HourRange) parse(text string) error {
	from, until, _ := strings.Cut(text, "-")
	h.From, h.Until = clockOf(from), clockOf(until)
	if h.From == h.Until {
		return fmt.Errorf("hours %s are empty", text)
	}
	return nil
}

// clockOf reads a time of the day that fits clockRegexp, or 24:00.
func clockOf(text string) ClockTime {
	digit := func(i int) int { return int(text[i] - '0') }
	return ClockTime((digit(0)*10+digit(1))*60 + digit(3)*10 + digit(4))
}

// String gives the form used in the file.
func (h HourRange) String() string {
	if h == (HourRange{}) {
		return "00:00-24:00"
	}
	return h.From.String() + "-" + h.Until.String()
}

// String gives the form HH:MM.
func (c ClockTime) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

func (Moment) shape() shape {
	return shape{
		what: "a day such as 2026-12-20, or with a time: 2026-12-20T18:00", pattern: `^[12][0-9]{3}-[01][0-9]-[0-3][0-9]([T ]` + clockRegexp + `)?$`,
		timestamp: true,
	}
}

func (m *Moment) parse(text string) error {
	day, err := time.Parse(time.DateOnly, text[:10])
	if err != nil {
		return err
	}
	m.Year, m.Month, m.Day = day.Date()
	if m.HasTime = len(text) > 10; m.HasTime {
		m.Clock = clockOf(text[11:])
	}
	return nil
}

// String gives the form used in the file.
func (m Moment) String() string {
	text := fmt.Sprintf("%04d-%02d-%02d", m.Year, int(m.Month), m.Day)
	if m.HasTime {
		text += "T" + m.Clock.String()
	}
	return text
}

// In gives the moment in a time zone. A time that a change of the clocks leaves out is taken as package time takes it.
func (m Moment) In(zone *time.Location) time.Time {
	return time.Date(m.Year, m.Month, m.Day, 0, int(m.Clock), 0, 0, zone)
}

// Location gives the zone; UTC for "". It knows the same zones on every machine, and not the machine's own.
func (z TimeZone) Location() (*time.Location, error) {
	if z == "Local" {
		return nil, fmt.Errorf("the zone Local is another one on every machine")
	}
	return time.LoadLocation(string(z))
}

// GatesFor gives the rules of an edge: all of them must hold.
func (c *Config) GatesFor(app, from, to string) (out []GateRule) {
	for _, rule := range c.Promotion.Gates {
		switch {
		case rule.From != "" && string(rule.From) != from, rule.To != "" && string(rule.To) != to:
		case rule.Apps != nil && !slices.Contains(rule.Apps, AppName(app)):
		default:
			out = append(out, rule)
		}
	}
	return out
}

// checkGates reports rules that can never hold, never apply or ask for nothing.
func (d *decoder) checkGates(c *Config, known []string) {
	for i, rule := range c.Promotion.Gates {
		pos := func(path ...any) finding.Pos { return c.Pos(append([]any{"promotion", "gates", i}, path...)...) }
		d.checkKnown(string(rule.From), known, pos("from"))
		d.checkKnown(string(rule.To), known, pos("to"))
		from, to := slices.Index(known, string(rule.From)), slices.Index(known, string(rule.To))
		if from >= 0 && to >= 0 && c.stageOf(rule.From) >= c.stageOf(rule.To) {
			d.report(pos("to"), "config/value", "%s → %s is against the order: a promotion leads forward", rule.From, rule.To)
		}
		if rule.Apps != nil && len(rule.Apps) == 0 {
			d.report(pos("apps"), "config/value", "this rule holds for no application: name some, or leave the key out")
		}
		asks := len(rule.Statuses)+len(rule.Deployments)+len(rule.Windows.Open)+len(rule.Windows.Frozen)+rule.Approvals > 0
		switch {
		case rule.Soak != 0 && !d.says(c, i, "statuses") && !d.says(c, i, "deployments"):
			d.report(pos("soak"), "config/value",
				"a soak needs statuses or deployments beside it: from them it knows since when the environment is healthy")
		case !asks && rule.Soak == 0 && !d.within(pos()):
			d.report(pos(), "config/value", "this rule asks for nothing: give it statuses, deployments, soak, windows or approvals")
		}
		for _, list := range []struct {
			key      string
			patterns []string
		}{{"statuses", texts(rule.Statuses)}, {"deployments", texts(rule.Deployments)}} {
			for j, pattern := range list.patterns {
				d.checkPlaceholders(pattern, pos(list.key, j))
			}
		}
		d.checkWindows(rule.Windows, pos)
	}
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = string(text)
	}
	return out
}

// says reports whether a rule has a key with something in it, be it wrong.
func (d *decoder) says(c *Config, rule int, key string) bool {
	_, there := d.positions[positionKey([]any{"promotion", "gates", rule, key})]
	return there && (len(c.Promotion.Gates[rule].Statuses)+len(c.Promotion.Gates[rule].Deployments) > 0 || !d.good(c, "promotion", "gates", rule, key))
}

// stageOf gives the place of an environment in the order.
func (c *Config) stageOf(name EnvironmentName) int {
	return slices.IndexFunc(c.Order, func(stage Stage) bool { return slices.Contains(stage, name) })
}

// placeholders are what a pattern of a gate may name.
var placeholders = []string{"{app}", "{from}", "{to}"}

func (d *decoder) checkPlaceholders(pattern string, pos finding.Pos) {
	rest := pattern
	for _, placeholder := range placeholders {
		rest = strings.ReplaceAll(rest, placeholder, "")
	}
	if strings.ContainsAny(rest, "{}") {
		d.report(pos, "config/value", "%s has a placeholder that is none: there are %s", quoted(pattern), strings.Join(placeholders, ", "))
	}
}

func (d *decoder) checkWindows(w Windows, pos func(...any) finding.Pos) {
	if _, err := w.Zone.Location(); err != nil {
		d.report(pos("windows", "zone"), "config/value", "there is no time zone %s: use a name of the IANA database, such as Europe/Berlin or UTC", quoted(string(w.Zone)))
	}
	if w.Zone != "" && len(w.Open)+len(w.Frozen) == 0 && !d.within(pos("windows")) {
		d.report(pos("windows"), "config/value", "these windows are open always: give them open or frozen")
	}
	for j, freeze := range w.Frozen {
		if freeze.From == (Moment{}) || freeze.Until == (Moment{}) {
			continue // already reported
		}
		if end := freeze.end(time.UTC); !freeze.From.In(time.UTC).Before(end) {
			d.report(pos("windows", "frozen", j, "until"), "config/value", "this freeze ends before it begins: %s is not after %s", freeze.Until, freeze.From)
		}
	}
}

// end is the first moment after a freeze.
func (f Freeze) end(zone *time.Location) time.Time {
	if !f.Until.HasTime {
		next := f.Until
		next.Day++
		return next.In(zone)
	}
	return f.Until.In(zone)
}

// Span gives when a freeze begins and the first moment after it.
func (f Freeze) Span(zone *time.Location) (from, until time.Time) {
	return f.From.In(zone), f.end(zone)
}
