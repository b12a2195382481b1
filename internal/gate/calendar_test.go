package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/config"
)

func TestCalendar(t *testing.T) {
	t.Parallel()
	const office = "zone: Europe/Berlin, open: [{days: [mon, tue, wed, thu], hours: \"09:00-16:00\"}, {days: [fri], hours: \"09:00-12:00\"}]"
	for _, test := range []struct{ name, windows, now, want string }{
		{"in the hours", office, "2026-11-23 08:00", "+"}, // 09:00 in Berlin
		{"a minute early", office, "2026-11-23 07:59", "2026-11-23 08:00"},
		{"at the end", office, "2026-11-23 15:00", "2026-11-24 08:00"},
		{"Friday afternoon", office, "2026-11-27 11:30", "2026-11-30 08:00"},
		{"in summer the clocks differ", office, "2026-06-15 06:30", "2026-06-15 07:00"},
		{"over the change of the clocks", office, "2026-03-27 12:00", "2026-03-30 07:00"},
		{"a freeze of days, the last one included", "zone: Europe/Berlin, frozen: [{from: 2026-12-20, until: 2027-01-03}]", "2026-12-24 12:00", "2027-01-03 23:00"},
		{"before a freeze", "frozen: [{from: 2026-12-20, until: 2027-01-03}]", "2026-12-19 23:59", "+"},
		{"freezes one after the other", "frozen: [{from: 2026-12-28, until: 2027-01-03}, {from: 2026-12-20, until: 2026-12-27}]", "2026-12-21 00:00", "2027-01-04 00:00"},
		{"out of a freeze into the night", office + ", frozen: [{from: 2026-12-20T10:00, until: 2027-01-04T18:00}]", "2026-12-21 00:00", "2027-01-05 08:00"},
		{"hours over midnight", "open: [{days: [sat], hours: \"22:00-04:00\"}]", "2026-11-29 03:59", "+"},
		{"and their end", "open: [{days: [sat], hours: \"22:00-04:00\"}]", "2026-11-29 04:00", "2026-12-05 22:00"},
		{"days without hours", "open: [{days: [wed]}]", "2026-11-23 08:00", "2026-11-25 00:00"},
		{"hours that the clocks leave out", "zone: Europe/Berlin, open: [{days: [sun], hours: \"02:15-02:45\"}]", "2026-03-29 00:00", "2026-03-29 01:15"},
		{"a freeze without end in sight", "frozen: [{from: 2026-01-01, until: 2999-12-31}]", "2026-11-23 08:00", "3000-01-01 00:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rule := rules(t, "windows: {"+test.windows+"}")[0]
			g := window(rule.Windows, at(test.now))
			got := "+"
			if !g.Open {
				got = g.Until.Format("2006-01-02 15:04")
			}
			if got != test.want {
				t.Errorf("got %s (%s), want %s", got, g.Reason, test.want)
			}
		})
	}
}

func TestCalendarSaysWhy(t *testing.T) {
	t.Parallel()
	rule := rules(t, "windows: {zone: Europe/Berlin, open: [{days: [mon]}], frozen: [{from: 2026-12-20, until: 2027-01-03, reason: the end of the year}]}")[0]
	for now, want := range map[string]string{
		"2026-12-24 12:00": "frozen (the end of the year): opens Mon 2027-01-04 00:00 CET",
		"2026-11-24 12:00": "outside the hours in which promotions may go on: opens Mon 2026-11-30 00:00 CET",
	} {
		if got := window(rule.Windows, at(now)).Reason; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// FuzzCalendar holds the calendar to what it means, minute by minute: it is closed until the time that it names, and open then.
// The other way to tell looks at the clock on the wall, in UTC, where every day has all its minutes.
func FuzzCalendar(f *testing.F) {
	f.Add(int64(1795000000), uint8(0b0011111), uint16(540), uint16(960), int64(86400), int64(3*86400))
	f.Add(int64(1795000000), uint8(0b1000000), uint16(1320), uint16(240), int64(0), int64(60))
	f.Add(int64(0), uint8(0), uint16(0), uint16(1440), int64(-100), int64(1<<40))
	f.Fuzz(func(t *testing.T, now int64, days uint8, from, until uint16, freeze, length int64) {
		if now < 0 || now > 32e9 || max(freeze, -freeze) > 1e9 || length <= 0 || length > 1e9 || from >= 1440 || until > 1440 || from == until {
			t.Skip()
		}
		start := time.Unix(now-now%60, 0).UTC()
		moment := func(at time.Time) config.Moment {
			return config.Moment{Year: at.Year(), Month: at.Month(), Day: at.Day(), Clock: config.ClockTime(at.Hour()*60 + at.Minute()), HasTime: true}
		}
		hours := config.OpenHours{Hours: config.HourRange{From: config.ClockTime(from), Until: config.ClockTime(until)}}
		for i := range 7 {
			if days&(1<<i) != 0 {
				hours.Days = append(hours.Days, config.Weekday(strings.ToLower(time.Weekday(i).String()[:3])))
			}
		}
		begins := start.Add(time.Duration(freeze) * time.Second)
		ends := begins.Add(time.Duration(length) * time.Second)
		w := config.Windows{Open: []config.OpenHours{hours}, Frozen: []config.Freeze{{From: moment(begins), Until: moment(ends)}}}
		begins, ends = begins.Truncate(time.Minute), ends.Truncate(time.Minute)
		onWall := func(at time.Time) bool {
			clock, day := at.Hour()*60+at.Minute(), at.Weekday()
			if from > until && clock < int(until) {
				day = (day + 6) % 7 // the hours began yesterday
			}
			inHours := clock >= int(from) && clock < int(until)
			if from > until {
				inHours = clock >= int(from) || clock < int(until)
			}
			return inHours && (days&127 == 0 || days&(1<<day) != 0) && (at.Before(begins) || !at.Before(ends))
		}
		g := window(w, start)
		if g.Open != onWall(start) {
			t.Fatalf("%v at %s: open is %v", w, start, g.Open)
		}
		if g.Open {
			return
		}
		if g.Until.IsZero() || !onWall(g.Until) {
			t.Fatalf("%v at %s: closed at %s, when it should open", w, start, g.Until)
		}
		for at := start; at.Before(g.Until) && at.Sub(start) < 3*7*24*time.Hour; at = at.Add(time.Minute) {
			if onWall(at) {
				t.Fatalf("%v at %s: open at %s, before %s", w, start, at, g.Until)
			}
		}
	})
}
