package routes

import (
	"net/http"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// TestBuiltinSwitches asks the comparison of each route, which is what its
// settings are for.
func TestBuiltinSwitches(t *testing.T) {
	table, err := Parse("routes.yaml", []byte(`version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000]}
  items: {urls: [http://127.0.0.1:4000]}
defaults: {legacy: monolith, new: items}
routes:
  - {name: plain, match: GET /plain}
  - match: /strict
    compare: {timestamps: off, derived: off, volatile: off, numbers: written}
    routes:
      - {name: inherited, match: GET /a}
      - {name: on again, match: GET /b, compare: {timestamps: on, numbers: value}}
      - name: with rules
        match: GET /c
        compare: {rules: [{path: $.at, within: 2s}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	answer := func(body, runtime, tag string) *compare.Exchange {
		return &compare.Exchange{
			Status: 200, Body: []byte(body), Size: int64(len(body)),
			Header: http.Header{"Content-Type": {"application/json"}, "X-Runtime": {runtime}, "Etag": {tag}},
		}
	}
	const at, number = `{"at":"2026-03-04T05:06:07Z"}`, `[1.0]`
	for _, c := range []struct{ route, reason, legacy, new, want string }{
		{"plain", "no options", at, `{"at":"2026-03-04T05:06:08Z"}`, ""},
		{"plain", "no options", number, `[1]`, ""},
		{"inherited", "off at the prefix", at, `{"at":"2026-03-04T05:06:08Z"}`, "header:ETag header:X-Runtime $.at"},
		{"inherited", "as written at the prefix", number, `[1]`, "header:ETag header:X-Runtime $[*]"},
		{"on again", "the route's own word counts", at, `{"at":"2026-03-04T05:06:08Z"}`, "header:ETag header:X-Runtime"},
		{"on again", "the route's own word counts", number, `[1]`, "header:ETag header:X-Runtime"},
		{"with rules", "a rule holds where timestamps are off", at, `{"at":"2026-03-04T05:06:08Z"}`, "header:ETag header:X-Runtime"},
	} {
		got := ""
		for _, d := range compare.Exchanges(answer(c.legacy, "0.1", `"1"`), answer(c.new, "0.2", `"2"`), table.Route(c.route).Compare).Differences {
			if got != "" {
				got += " "
			}
			got += d.Path
		}
		if got != c.want {
			t.Errorf("%s, %s: %s against %s differs at %q, want %q", c.route, c.reason, c.legacy, c.new, got, c.want)
		}
	}
	if got, want := table.Route("with rules").Compare.Options(), (compare.Options{
		Off: compare.Timestamps | compare.Derived | compare.Volatile, Numbers: compare.AsWritten,
	}); got != want {
		t.Errorf("options %+v, want %+v", got, want)
	}
	if table.Route("plain").Compare != nil {
		t.Error("a route without rules and options has some")
	}
}
