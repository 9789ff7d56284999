package stamp

import (
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestTimestampStyles(t *testing.T) {
	// All of one line are one style; all lines are different styles.
	styles := [][]string{
		{"2026-03-04T05:06:07Z", "0000-01-01T00:00:00Z", "2016-12-31T23:59:60Z"},
		{"2026-03-04T05:06:07.1Z", "2026-03-04T05:06:07.123456789123Z"},
		{"2026-03-04t05:06:07Z"}, {"2026-03-04T05:06:07z"},
		{"2026-03-04T05:06:07"}, {"2026-03-04T05:06:07.5"},
		{"2026-03-04T05:06:07+00:00", "2026-03-04T05:06:07-00:00"},
		{"2026-03-04T05:06:07+01:00"}, {"2026-03-04T05:06:07-01:00"},
		{"2026-03-04T05:06:07+0000"}, {"2026-03-04T05:06:07+00"},
		{"2026-03-04 05:06:07"}, {"2026-03-04 05:06:07.25"}, {"2026-03-04 05:06:07+00"},
		{"2026-03-04 05:06:07 +0000"}, {"2026-03-04 05:06:07 UTC"}, {"2026-03-04 05:06:07Z"},
		{"Wed, 04 Mar 2026 05:06:07 GMT"}, {"Wed, 04-Mar-2026 05:06:07 GMT"}, {"Wednesday, 04-Mar-26 05:06:07 GMT"}, {"Wed Mar  4 05:06:07 2026"},
	}
	seen := map[Style]string{}
	for _, line := range styles {
		var first Stamp
		for i, s := range line {
			st, ok := Parse([]byte(s))
			if !ok {
				t.Errorf("%q is no timestamp", s)
			}
			if i == 0 {
				first = st
				if other, taken := seen[st.Style]; taken {
					t.Errorf("%q and %q have one style", s, other)
				}
				seen[st.Style] = s
			}
			if st.Style != first.Style {
				t.Errorf("%q and %q have two styles", line[0], s)
			}
		}
	}
	for _, s := range []string{
		"", "2026-03-04", "2026-13-04T05:06:07Z", "2026-02-29T05:06:07Z", "2026-03-04T24:00:00Z", "2026-03-04T05:60:07Z", "2026-03-04T05:06:61Z",
		"2026-03-04T05:06:07.Z", "2026-03-04T05:06:07X", "2026-03-04T05:06:07+1", "2026-03-04T05:06:07+24:00", "2026-03-04T05:06:07+00:60",
		"2026-03-04_05:06:07", "20260304T050607Z", "2026-03-04T05:06", "+026-03-04T05:06:07Z", "2026-03-04T05:06:07 ", "2026-03-04T05:06:07Zulu",
		"Wed, 32 Mar 2026 05:06:07 GMT", "yesterday at 12:00:00", "2026-03-04T5:06:07.1Z",
	} {
		if st, ok := Parse([]byte(s)); ok {
			t.Errorf("%q was taken for a timestamp: %+v", s, st)
		}
	}
}

func TestInstants(t *testing.T) {
	same := []string{"2026-03-04T05:06:07Z", "2026-03-04T06:06:07+01:00", "2026-03-03T23:36:07-0530", "2026-03-04 05:06:07 UTC", "Wed, 04 Mar 2026 05:06:07 GMT"}
	for _, s := range same {
		if st, _ := Parse([]byte(s)); st.Instant != (Instant{1772600767, 0}) {
			t.Errorf("%q is %+v", s, st.Instant)
		}
	}
	for s, want := range map[string]Instant{
		"1772600767": {1772600767, 0}, "946684800": {946684800, 0}, "1772600767.25": {1772600767, 250e6}, "1772600767123": {1772600767, 123e6},
		"1772600767123.5": {1772600767, 123500e3}, "1772600767123456": {1772600767, 123456e3}, "1772600767123456789": {1772600767, 123456789}, "4102444799": {4102444799, 0},
	} {
		if st, ok := ParseEpoch([]byte(s)); !ok || st.Instant != want {
			t.Errorf("%s is %+v, want %+v", s, st.Instant, want)
		}
	}
	for _, s := range []string{"0", "946684799", "4102444800", "99999999999", "17726007671234", "9999999999999999999", "1.7726e9", "-1772600767", "1772600767e0"} {
		if st, ok := ParseEpoch([]byte(s)); ok {
			t.Errorf("%s was taken for %+v", s, st)
		}
	}
	if d := (Instant{-62167219200, 0}).Apart(Instant{253402300799, 0}); d < 250*365*24*time.Hour {
		t.Errorf("ten thousand years are %v", d)
	}
}

func TestTimeNames(t *testing.T) {
	for _, n := range []string{"created_at", "createdAt", "CreatedAt", "updated_on", "time", "Time", "startTime", "start-time", "date", "expires", "expires_in_date", "last_modified", "timestamp", "ts", "exp", "due_at"} {
		if !IsName([]byte(n)) {
			t.Errorf("%q is not taken for a name of a time", n)
		}
	}
	for _, n := range []string{"", "at", "on", "candidate", "update_count", "timeout", "runtime", "views", "station", "id", "datum", "times"} {
		if IsName([]byte(n)) {
			t.Errorf("%q is taken for a name of a time", n)
		}
	}
}

// FuzzEpoch holds epochs against the whole number that they are.
func FuzzEpoch(f *testing.F) {
	for _, seed := range []string{"1772600767", "1772600767123", "1772600767123456", "1772600767123456789", "946684800", "4102444800", "1772600767.5", "9999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		st, ok := ParseEpoch([]byte(s))
		if !ok {
			return
		}
		whole, _, point := strings.Cut(s, ".")
		v, good := new(big.Int).SetString(whole, 10)
		if !good || point != st.Style.fraction || !isEpochOf(v, st) {
			t.Fatalf("%q is %+v", s, st)
		}
		if st.Sec < 946684800 || st.Sec >= 4102444800 || st.Nsec < 0 || st.Nsec >= 1e9 {
			t.Fatalf("%q is %+v", s, st)
		}
	})
}

// isEpochOf counts the units of v back to seconds.
func isEpochOf(v *big.Int, st Stamp) bool {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(3*int64(st.Style.variant)), nil)
	return new(big.Int).Div(v, unit).Cmp(big.NewInt(st.Sec)) == 0
}

// FuzzTimestamp holds the parser against time.Parse where both know the format.
func FuzzTimestamp(f *testing.F) {
	for _, seed := range []string{"2026-03-04T05:06:07.123Z", "2026-03-04 05:06:07+00", "2026-03-04T05:06:07+01:30", "Wed, 04 Mar 2026 05:06:07 GMT", "2024-02-29T23:59:60Z", "1772600767.5", "2026-03-04"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ParseEpoch([]byte(s))
		ParseDate([]byte(s))
		st, ok := Parse([]byte(s))
		want, err := time.Parse(time.RFC3339Nano, s)
		strict := err == nil && want.Format("2006-01-02T15:04:05") == s[:19] && !strings.Contains(s, ",")
		if strict && !ok {
			t.Fatalf("%q is a timestamp", s)
		}
		known := ok && st.Style.family == rfc3339 && s[10] == 'T' && (st.Style.zone == zoneZ || st.Style.zone == zoneColon) && s[17] != '6'
		if known && (err != nil || want.Unix() != st.Sec || int64(want.Nanosecond()) != st.Nsec) {
			t.Fatalf("%q is %+v, time.Parse says %v, %v", s, st, want, err)
		}
	})
}
