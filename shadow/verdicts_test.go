package shadow

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// said is an answer as the tables of this file write it: a JSON body, "500 "
// and a body, or "cut off".
func said(s string) compare.Exchange {
	e := compare.Exchange{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}}
	if status, body, ok := strings.Cut(s, " {"); ok && len(status) == 3 {
		fmt.Sscan(status, &e.Status)
		s = "{" + body
	}
	if s == "cut off" {
		e.Incomplete = "unexpected EOF"
	}
	e.Body, e.Size = []byte(s), int64(len(s))
	return e
}

// judged are the verdicts of a pairing: answers are legacy's and new's, the
// first time and each time that they were asked again.
func judged(t *testing.T, d *Dispatcher, p pairing, answers ...string) reports.Comparison {
	t.Helper()
	p.legacy.exchange, p.new.exchange = said(answers[0]), said(answers[1])
	result := d.compared(&p.legacy.exchange, &p.new.exchange, nil)
	if result.Match() && len(result.Forgiven) == 0 || result.Err != nil {
		t.Fatalf("the first answers do not differ: %+v", result)
	}
	var tries []try
	for pair := range slices.Chunk(answers[2:], 2) {
		legacy, new := said(pair[0]), said(pair[1])
		if try, ok := d.tryOf(&p, &legacy, &new); ok {
			tries = append(tries, try)
		}
	}
	return d.classify(&recheck{pairing: p, first: result, tries: tries})
}

// asking is a pairing whose first answer was that of a side.
func asking(first routes.Side) pairing {
	return pairing{req: &Request{Route: &routes.Route{Name: "show"}}, first: first}
}

func judge() *Dispatcher {
	return &Dispatcher{compare: compare.ExchangesKnowing, log: slog.New(slog.DiscardHandler)}
}

// summary is "verdict", with its marks, and where places differ theirs.
func summary(c reports.Comparison) string {
	s := string(c.Verdict)
	if c.Unsteady {
		s += " unsteady"
	}
	if c.Suspect {
		s += " suspect"
	}
	var places []string
	for _, x := range c.Differences {
		places = append(places, x.At+" "+string(x.Verdict))
	}
	if len(places) > 1 {
		s += ": " + strings.Join(places, ", ")
	}
	return s
}

func TestVerdicts(t *testing.T) {
	list := func(values ...int) string {
		var elements []string
		for _, v := range values {
			elements = append(elements, fmt.Sprintf(`{"id":%d,"name":"customer %d","p":%d}`, v/10, v/10, v%10))
		}
		return "[" + strings.Join(elements, ",") + "]"
	}
	var all, none []string
	for i := range 600 {
		all = append(all, fmt.Sprintf(`"f%d":1`, i))
		none = append(none, fmt.Sprintf(`"f%d":2`, i))
	}
	many, others := "{"+strings.Join(all, ",")+"}", "{"+strings.Join(none, ",")+"}"
	for _, c := range []struct {
		reason  string
		first   routes.Side
		answers []string
		want    string
	}{
		// The three rows of the table.
		{"the same difference", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `{"n":1}`, `{"n":2}`}, "mismatch"},
		{"legacy differs from itself", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `{"n":2}`, `{"n":2}`}, "transient"},
		{"legacy agrees with itself, new does not", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `{"n":1}`, `{"n":1}`}, "mismatch unsteady"},

		// Several tries.
		{"legacy moves in the second try only", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `{"n":1}`, `{"n":2}`, `{"n":3}`, `{"n":3}`}, "transient"},
		{"legacy moves in the first try only", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `{"n":3}`, `{"n":3}`, `{"n":1}`, `{"n":2}`}, "transient"},
		{"new is wrong again in the third", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `{"n":1}`, `{"n":1}`, `{"n":1}`, `{"n":1}`, `{"n":1}`, `{"n":2}`}, "mismatch"},
		{"new is wrong once in four", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `{"n":1}`, `{"n":1}`, `{"n":1}`, `{"n":1}`, `{"n":1}`, `{"n":1}`}, "mismatch unsteady"},
		{"places are judged apart", routes.Legacy, []string{`{"m":1,"n":1}`, `{"m":2,"n":2}`, `{"m":1,"n":1}`, `{"m":2,"n":2}`, `{"m":3,"n":1}`, `{"m":3,"n":2}`},
			"mismatch: $.m transient, $.n mismatch"},

		// Kinds.
		{"a moving number does not excuse null", routes.Legacy, []string{`{"n":1}`, `{"n":null}`, `{"n":2}`, `{"n":null}`}, "mismatch"},
		{"a place that has left both sides", routes.Legacy, []string{`{"a":1,"n":1}`, `{"a":1,"n":2}`, `{"a":1}`, `{"a":1}`}, "transient"},
		{"what it stood in has left both sides", routes.Legacy, []string{`{"a":1,"o":{"n":1}}`, `{"a":1,"o":{"n":2}}`, `{"a":1}`, `{"a":1}`}, "transient"},
		{"a field that has come meanwhile", routes.Legacy, []string{`{"a":1}`, `{"a":1,"n":2}`, `{"a":1,"n":2}`, `{"a":1,"n":2}`}, "transient"},
		{"a field that new alone has at times", routes.Legacy, []string{`{"a":1}`, `{"a":1,"n":2}`, `{"a":1}`, `{"a":1}`}, "mismatch unsteady"},

		// Statuses.
		{"another status again", routes.Legacy, []string{`{"n":1}`, `500 {"n":1}`, `{"n":1}`, `500 {"n":1}`}, "mismatch"},
		{"it is gone on both sides", routes.Legacy, []string{`{"n":1}`, `404 {"n":1}`, `404 {"n":1}`, `404 {"n":1}`}, "transient"},
		{"new fails at times", routes.Legacy, []string{`{"n":1}`, `500 {"n":1}`, `{"n":1}`, `{"n":1}`}, "mismatch unsteady"},
		{"legacy fails at times", routes.Legacy, []string{`500 {"n":1}`, `{"n":1}`, `{"n":1}`, `{"n":1}`}, "transient"},
		{"another answer altogether", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `404 {"e":1}`, `404 {"e":1}`}, "transient"},

		// A try that says nothing.
		{"legacy fails when asked again", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `503 {"e":1}`, `{"n":2}`}, "mismatch"},
		{"legacy limits its rate", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `429 {"e":1}`, `429 {"e":1}`}, "mismatch"},
		{"legacy fails once, and has moved the next time", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `503 {"e":1}`, `{"n":2}`, `{"n":2}`, `{"n":2}`}, "transient"},
		{"new's second answer breaks off", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `{"n":1}`, "cut off"}, "mismatch unsteady"},
		{"legacy's second answer breaks off, the third has moved", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, "cut off", `{"n":2}`, `{"n":2}`, `{"n":2}`}, "transient"},

		// Lists.
		{"an element has come in before it, and it differs still", routes.Legacy, []string{list(11, 25), list(11, 26), list(9, 11, 25), list(9, 11, 26)}, "mismatch"},
		{"a page has moved on, and it differs still", routes.Legacy, []string{list(11, 25, 31), list(11, 26, 31), list(9, 11, 25), list(9, 11, 26)}, "mismatch"},
		{"an element has come in before it, and new got it wrong once", routes.Legacy, []string{list(11, 25), list(11, 26), list(9, 11, 25), list(9, 11, 25)}, "mismatch unsteady"},
		{"an element has left before it, and new got it wrong once", routes.Legacy, []string{list(9, 11, 25), list(9, 11, 26), list(11, 25), list(11, 25)}, "mismatch unsteady"},
		{"an element has left before it, and new is wrong another way", routes.Legacy, []string{list(9, 11, 25), list(9, 11, 26), list(11, 25), list(11, 27)}, "mismatch unsteady"},
		{"its element has left", routes.Legacy, []string{list(9, 11, 25), list(9, 11, 26), list(9, 11), list(9, 11)}, "transient"},
		{"its element has moved on in the world", routes.Legacy, []string{list(9, 25), list(9, 26), list(3, 9, 26), list(3, 9, 26)}, "transient"},
		{"a list that grows on both sides", routes.Legacy, []string{list(11), list(9, 11), list(9, 11), list(9, 11)}, "transient"},
		{"a list that grows, and new lacks one of it all the time", routes.Legacy, []string{list(11, 25), list(11), list(9, 11, 25), list(9, 11)}, "mismatch"},
		{"a list of which new lacks one at times", routes.Legacy, []string{list(11, 25), list(11), list(11, 25), list(11, 25)}, "mismatch unsteady"},
		{"another order at times", routes.Legacy, []string{list(11, 25), list(25, 11), list(11, 25), list(11, 25)}, "mismatch unsteady"},
		{"legacy's own order is another each time", routes.Legacy, []string{list(11, 25, 31), list(25, 11, 31), list(31, 11, 25), list(11, 25, 31)}, "transient"},

		// Who was asked first.
		{"the world moved before new's answer", routes.Legacy, []string{`{"n":1}`, `{"n":2}`, `{"n":2}`, `{"n":2}`}, "transient"},
		{"the world moved before legacy's answer, or new was wrong", routes.New, []string{`{"n":2}`, `{"n":1}`, `{"n":2}`, `{"n":2}`}, "transient suspect"},
		{"new is wrong again", routes.New, []string{`{"n":2}`, `{"n":1}`, `{"n":2}`, `{"n":1}`}, "mismatch"},
		{"new is wrong another way", routes.New, []string{`{"n":2}`, `{"n":1}`, `{"n":2}`, `{"n":3}`}, "mismatch unsteady"},
		{"new is wrong once more in a further try", routes.New, []string{`{"n":2}`, `{"n":1}`, `{"n":2}`, `{"n":2}`, `{"n":2}`, `{"n":3}`}, "mismatch unsteady"},
		{"new's second answer breaks off", routes.New, []string{`{"n":2}`, `{"n":1}`, `{"n":2}`, "cut off"}, "mismatch unsteady"},

		// More than is listed.
		{"legacy moves in all that is listed, and not elsewhere", routes.Legacy, []string{many, others, strings.Replace(many, `"f599":1`, `"f599":1,"g":1`, 1), others}, "mismatch"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			got := summary(judged(t, judge(), asking(c.first), c.answers...))
			if c.answers[0] == many {
				got, _, _ = strings.Cut(got, ":")
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestUnlistedDifferences: what a result leaves out is not excused by what it
// lists, unless legacy differs from itself about as much.
func TestUnlistedDifferences(t *testing.T) {
	var l1, n1, l2, l3 []string
	for i := range 600 {
		l1 = append(l1, fmt.Sprintf(`"f%d":1`, i))
		n1 = append(n1, fmt.Sprintf(`"f%d":2`, i))
		v := 3
		if i >= 250 {
			v = 1
		}
		l2 = append(l2, fmt.Sprintf(`"f%d":%d`, i, v))
		l3 = append(l3, fmt.Sprintf(`"f%d":3`, i))
	}
	object := func(members []string) string { return "{" + strings.Join(members, ",") + "}" }
	if c := judged(t, judge(), asking(routes.Legacy), object(l1), object(n1), object(l2), object(n1)); c.Verdict != reports.Mismatch {
		t.Errorf("legacy moved in those that are listed, and not in most others: %s", c.Verdict)
	} else if listed := len(c.Differences); listed == 600 || c.Unlisted != 600-listed {
		t.Errorf("%d of 600 are listed, %d said not to be", listed, c.Unlisted)
	}
	if c := judged(t, judge(), asking(routes.Legacy), object(l1), object(n1), object(l3), object(n1)); c.Verdict != reports.Transient {
		t.Errorf("legacy moved everywhere: %s", c.Verdict)
	}
}

// TestSuspectBecomesMismatch: what new got wrong while it was asked first is
// found when it happens there again, and at once when legacy was asked first.
func TestSuspectBecomesMismatch(t *testing.T) {
	d := judge()
	wrong := []string{`{"m":1,"n":2}`, `{"m":1,"n":1}`, `{"m":1,"n":2}`, `{"m":1,"n":2}`}
	other := []string{`{"m":1,"n":2}`, `{"m":5,"n":2}`, `{"m":1,"n":2}`, `{"m":1,"n":2}`}
	for i, step := range []struct {
		answers []string
		want    string
	}{
		{wrong, "transient suspect"}, {other, "transient suspect"}, {wrong, "mismatch unsteady"}, {other, "mismatch unsteady"},
	} {
		if got := summary(judged(t, d, asking(routes.New), step.answers...)); got != step.want {
			t.Errorf("time %d: %s, want %s", i+1, got, step.want)
		}
	}
}

// TestNoiseCountsRechecks: many elements of one list in one answer are one
// re-check of their place.
func TestNoiseCountsRechecks(t *testing.T) {
	d := judge()
	for i, want := range []string{"transient", "transient", "noise"} {
		l1, n1, l2 := `[1,2,3,4,5]`, `[6,7,8,9,0]`, `[11,12,13,14,15]`
		if c := judged(t, d, asking(routes.Legacy), l1, n1, l2, n1); string(c.Verdict) != want || len(c.Differences) != 5 {
			t.Errorf("time %d: %s, want %s", i+1, summary(c), want)
		}
	}
}

func TestOnlyHere(t *testing.T) {
	for _, c := range []struct {
		reason, shown, want string
		whole               bool
	}{
		{"none", "3 elements", "", true},
		{"one", `3 elements, only here: [1] {"a":1}`, `1={"a":1}`, true},
		{"several, with lists in them", `4 elements, only here: [0] [1, [2] ], [3] "x, [1] y"`, `0=[1, [2] ];3="x, [1] y"`, true},
		{"one of one", "1 element, only here: [0] 7", "0=7", true},
		{"cut off", `3 elements, only here: [1] {"a":1}, [2] {"b":…`, `1={"a":1}`, false},
		{"a list in full", `[1,2]`, "", false},
	} {
		list, whole := onlyHere(c.shown)
		var got []string
		for _, e := range list {
			got = append(got, fmt.Sprintf("%d=%s", e.index, e.value))
		}
		if strings.Join(got, ";") != c.want || whole != c.whole {
			t.Errorf("%s: %q, whole %v", c.reason, got, whole)
		}
	}
}
