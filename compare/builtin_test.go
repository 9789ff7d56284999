package compare_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// verdictText is all of a result: "path kind" of what counts, "(path kind:
// reason)" of what was forgiven.
func verdictText(r compare.Result) string {
	var parts []string
	for _, d := range r.Differences {
		parts = append(parts, fmt.Sprintf("%s %s", d.Path, d.Kind))
	}
	for _, f := range r.Forgiven {
		parts = append(parts, fmt.Sprintf("(%s %s: %s)", f.Path, f.Kind, f.Reason))
	}
	if r.Err != nil {
		parts = append(parts, "error: "+r.Err.Error())
	}
	return strings.Join(parts, ", ")
}

// textAnswer is an answer with a plain text body and these fields, "Name: value".
func textAnswer(body string, fields ...string) *compare.Exchange {
	e := &compare.Exchange{Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte(body), Size: int64(len(body))}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		e.Header.Add(name, value)
	}
	return e
}

func TestBuiltinsOff(t *testing.T) {
	for _, test := range []struct {
		reason      string
		off         compare.Builtin
		legacy, new *compare.Exchange
		on, without string
	}{
		{"a timestamp in JSON", compare.Timestamps,
			jsonAnswer(`{"at":"2026-03-04T05:06:07Z"}`), jsonAnswer(`{"at":"2026-03-04T05:06:08Z"}`),
			"($.at value: timestamp)", "$.at value"},
		{"another format is another value when timestamps are values", compare.Timestamps,
			jsonAnswer(`{"at":"2026-03-04T05:06:07Z"}`), jsonAnswer(`{"at":"2026-03-04 05:06:07"}`),
			"$.at format", "$.at value"},
		{"an epoch as digits in a string, by the name of the field", compare.Timestamps,
			jsonAnswer(`{"created_at":"1772600767"}`), jsonAnswer(`{"created_at":"1772600768"}`),
			"($.created_at value: timestamp)", "$.created_at value"},
		{"digits under another name are a value", compare.Timestamps,
			jsonAnswer(`{"account":"1772600767"}`), jsonAnswer(`{"account":"1772600768"}`),
			"$.account value", "$.account value"},
		{"an epoch as a string in milliseconds against one in seconds", compare.Timestamps,
			jsonAnswer(`{"created_at":"1772600767"}`), jsonAnswer(`{"created_at":"1772600767000"}`),
			"$.created_at format", "$.created_at value"},
		{"a timestamp in a field", compare.Timestamps,
			textAnswer("", "Expires: Wed, 04 Mar 2026 05:06:07 GMT"), textAnswer("", "Expires: Wed, 04 Mar 2026 05:06:08 GMT"),
			"(header:Expires header: timestamp)", "header:Expires header"},
		{"the end of a cookie", compare.Timestamps,
			textAnswer("", "Set-Cookie: a=1; Expires=Wed, 04 Mar 2026 05:06:07 GMT"), textAnswer("", "Set-Cookie: a=1; Expires=Wed, 04 Mar 2026 05:06:08 GMT"),
			"(cookie:a header: timestamp)", "cookie:a header"},
		{"a timestamp as a line", compare.Timestamps,
			textAnswer("2026-03-04T05:06:07Z\n"), textAnswer("2026-03-04T05:06:08Z\n"),
			"(body value: timestamp)", "body value"},
		{"a request id is free, and compared without volatile", compare.Volatile,
			textAnswer("", "X-Timer: S1772600767.1,VS0,VE1"), textAnswer("", "X-Timer: S1772600767.2,VS0,VE3"),
			"(header:X-Timer header: volatile header)", "header:X-Timer header"},
		{"a date without volatile is still a timestamp", compare.Volatile,
			textAnswer("", "Date: Wed, 04 Mar 2026 05:06:07 GMT"), textAnswer("", "Date: Wed, 04 Mar 2026 05:06:08 GMT"),
			"(header:Date header: volatile header)", "(header:Date header: timestamp)"},
		{"a tag of an equal body", compare.Derived,
			textAnswer("a", `ETag: "1"`), textAnswer("a", `ETag: "2"`),
			"(header:ETag header: validator of an equal body)", "header:ETag header"},
		{"a length beside a body that differs", compare.Derived,
			textAnswer("a", "Content-Length: 1"), textAnswer("bc", "Content-Length: 2"),
			"body value, (header:Content-Length header: follows from the body)", "header:Content-Length header, body value"},
		{"a day on which an equal body was changed", compare.Derived,
			textAnswer("a", "Last-Modified: Wed, 04 Mar 2026 05:06:07 GMT"), textAnswer("a", "Last-Modified: Wed, 04 Mar 2026 08:06:07 GMT"),
			"(header:Last-Modified header: validator of an equal body)", "header:Last-Modified header"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			if got := verdictText(compare.Exchanges(test.legacy, test.new, nil)); got != test.on {
				t.Errorf("by default\n got %s\nwant %s", got, test.on)
			}
			var none *compare.Rules
			if got := verdictText(compare.Exchanges(test.legacy, test.new, none.With(compare.Options{Off: test.off}))); got != test.without {
				t.Errorf("switched off\n got %s\nwant %s", got, test.without)
			}
		})
	}
}

func TestWithinHoldsWithoutTimestamps(t *testing.T) {
	rules := mustCompile(t, compare.Rule{Path: "$.at", Within: "2s"}).With(compare.Options{Off: compare.Timestamps})
	legacy, new := jsonAnswer(`{"at":"2026-03-04T05:06:07Z","on":"2026-03-04T05:06:07Z"}`), jsonAnswer(`{"at":"2026-03-04T05:06:08Z","on":"2026-03-04T05:06:08Z"}`)
	if got, want := verdictText(compare.Exchanges(legacy, new, rules)), "$.on value, ($.at value: rule $.at within 2s)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNumbersAsWritten(t *testing.T) {
	for _, test := range []struct{ reason, legacy, new, want string }{
		{"equal bytes", `{"n":1.0}`, `{"n":1.0}`, ""},
		{"one value, two spellings", `{"n":1.0}`, `{"n":1}`, "$.n format"},
		{"an exponent", `[1,2e3]`, `[1,2E3]`, "$[*] format"},
		{"another value is a value", `{"n":1.0}`, `{"n":1.5}`, "$.n value"},
		{"a tolerance takes what is no further apart", `{"score":1.0}`, `{"score":1}`, "($.score format: rule $.score tolerance 0.1)"},
		{"an ignored place", `{"free":1.0}`, `{"free":1}`, "($.free format: rule $.free ignore)"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			rules := mustCompile(t, compare.Rule{Path: "$.score", Tolerance: "0.1"}, compare.Rule{Path: "$.free", Ignore: true})
			got := verdictText(compare.Exchanges(jsonAnswer(test.legacy), jsonAnswer(test.new), rules.With(compare.Options{Numbers: compare.AsWritten})))
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := verdictText(compare.Exchanges(jsonAnswer(test.legacy), jsonAnswer(test.new), rules)); strings.Contains(got, "format") {
				t.Errorf("by value: %q", got)
			}
		})
	}
}

func TestVolatileNamesAreExact(t *testing.T) {
	for _, test := range []struct{ reason, name, want string }{
		{"Rails", "X-Runtime", "(header:X-Runtime header: volatile header)"},
		{"Kong", "X-Kong-Request-Id", "(header:X-Kong-Request-Id header: volatile header)"},
		{"API Gateway", "Apigw-Requestid", "(header:Apigw-Requestid header: volatile header)"},
		{"what only begins like one", "X-Request-Id-Of-Order", "header:X-Request-Id-Of-Order header"},
		{"what only has a date in it", "X-Candidate-Id", "header:X-Candidate-Id header"},
		{"a limit is no clock", "X-Ratelimit-Remaining", "header:X-Ratelimit-Remaining header"},
	} {
		got := verdictText(compare.Exchanges(textAnswer("", test.name+": aaaaaaaa"), textAnswer("", test.name+": bbbb"), nil))
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.reason, got, test.want)
		}
	}
	seen := map[string]bool{}
	for _, name := range compare.VolatileHeaders() {
		if seen[name] {
			t.Errorf("%s stands twice", name)
		}
		seen[name] = true
	}
}
