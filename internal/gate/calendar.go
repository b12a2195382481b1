package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/config"
)

// window says whether a calendar is open, and if not, when it opens.
func window(w config.Windows, now time.Time) Gate {
	g := Gate{Name: "window"}
	zone, err := w.Zone.Location()
	if err != nil {
		g.Reason = fmt.Sprintf("the time zone %q cannot be read: %v", w.Zone, err)
		return g
	}
	opens, why := nextOpen(w, zone, now)
	switch {
	case opens.Equal(now):
		g.Open, g.Reason = true, "promotions may go on"
	case opens.IsZero():
		g.Reason = why + ", and no later opening is in sight"
	default:
		g.Until = opens.UTC()
		g.Reason = fmt.Sprintf("%s: opens %s", why, opens.In(zone).Format("Mon 2006-01-02 15:04 MST"))
	}
	return g
}

// nextOpen gives the first moment, not before now, at which a calendar is open; zero where none is found. why says what closes
// it now.
//
// Each turn leaves a freeze behind, or ends at the beginning of open hours, which is open or in a freeze: so there are at most
// two turns for each freeze, and two more.
func nextOpen(w config.Windows, zone *time.Location, now time.Time) (opens time.Time, why string) {
	at := now
	for range 2*len(w.Frozen) + 3 {
		if freeze, until := frozen(w.Frozen, zone, at); freeze != nil {
			if why == "" {
				why = "frozen"
				if freeze.Reason != "" {
					why += " (" + string(freeze.Reason) + ")"
				}
			}
			at = until
			continue
		}
		next := nextHours(w.Open, zone, at)
		switch {
		case next.Equal(at):
			return at, why
		case why == "":
			why = "outside the hours in which promotions may go on"
		}
		if next.IsZero() {
			return next, why
		}
		at = next
	}
	return time.Time{}, why
}

// frozen gives the freeze that a moment is in, and its end; nil for none.
func frozen(list []config.Freeze, zone *time.Location, at time.Time) (*config.Freeze, time.Time) {
	for i := range list {
		if from, until := list[i].Span(zone); !at.Before(from) && at.Before(until) {
			return &list[i], until
		}
	}
	return nil, time.Time{}
}

// nextHours gives the first moment, not before at, in any of the hours; at itself where there are no hours to keep to.
func nextHours(list []config.OpenHours, zone *time.Location, at time.Time) (next time.Time) {
	if len(list) == 0 {
		return at
	}
	local := at.In(zone)
	// Hours of yesterday may reach into today; every weekday comes again within eight days.
	for day := -1; day <= 8; day++ {
		date := time.Date(local.Year(), local.Month(), local.Day()+day, 12, 0, 0, 0, zone)
		for _, hours := range list {
			if !onDay(hours.Days, date.Weekday()) {
				continue
			}
			from, until := span(hours.Hours, date, zone)
			switch {
			case !at.Before(until):
			case !at.Before(from):
				return at
			case next.IsZero() || from.Before(next):
				next = from
			}
		}
	}
	return next
}

func onDay(days []config.Weekday, day time.Weekday) bool {
	return len(days) == 0 || slices.Contains(days, config.Weekday(strings.ToLower(day.String()[:3])))
}

// span gives the hours of one day. Hours that end before they begin end on the next day.
func span(hours config.HourRange, date time.Time, zone *time.Location) (from, until time.Time) {
	if hours == (config.HourRange{}) {
		hours.Until = 24 * 60
	}
	at := func(day int, clock config.ClockTime) time.Time {
		return time.Date(date.Year(), date.Month(), day, 0, int(clock), 0, 0, zone)
	}
	from, until = at(date.Day(), hours.From), at(date.Day(), hours.Until)
	if hours.Until <= hours.From {
		until = at(date.Day()+1, hours.Until)
	}
	return from, until
}
