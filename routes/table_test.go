package routes

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/cache"
	"github.com/quackproxy/quack/internal/golden"
)

func TestDefaultsOfAnEmptyRoute(t *testing.T) {
	r := route(t, "match: GET /a")
	want := Route{
		Name: "GET /a", Method: "GET", Pattern: "/a", Position: Position{"routes.yaml", 7, 12},
		Stage: StageLegacy, Sticky: Sticky{Kind: "ip"}, Safe: true, Idempotent: true, Timeout: 30 * time.Second,
		Shadow:   Shadow{Sample: 1, Order: OrderAuto, Run: RunNew, Timeout: 10 * time.Second, MaxBody: 1 << 20, Budget: 250 * time.Millisecond, Recheck: Recheck{Delay: 200 * time.Millisecond, Tries: 1, Share: 1}},
		ReadOnly: ReadOnlyAllow, Limits: Limits{RequestHeader: 64 << 10}, Fallback: FallbackAuto, Ready: defaultReady,
	}
	if r.Legacy.Name != "monolith" || r.New.Name != "accounts" || r.Legacy.URLs[0].String() != "http://127.0.0.1:3000" {
		t.Errorf("backends %+v and %+v", r.Legacy, r.New)
	}
	if got := exported(r); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// exported is the route's own fields without the backends and what is derived.
func exported(r *Route) Route {
	c := *r
	c.Legacy, c.New, c.Compare = nil, nil, nil
	c.node, c.from, c.rules, c.params, c.regexps, c.templates, c.rampSeed, c.sampleSeed = nil, nil, nil, nil, nil, nil, 0, 0
	return c
}

func TestInheritance(t *testing.T) {
	table := parse(t, `version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000, "https://[::1]:3001"], rollback: header, database: shop, health: {path: /up}}
  accounts: {urls: ["http://127.0.0.1:4000"], rollback: header}
databases: {shop: }
defaults:
  legacy: monolith
  new: accounts
  timeout: 5s
  shadow: {sample: 50%, max_body: 64KiB, run: both}
  cache: {ttl: 1m30s}
  compare: {rules: [{path: $.a, ignore: true}]}
  rewrite: {legacy: {path: /l}}
  expose: true
  limits: {request_body: 10MiB, idle: 60s}
  compress: true
routes:
  - match: /api
    stage: ramp
    fallback: off
    percent: 10
    sticky: cookie:s
    shadow: {budget: 1s}
    compare: {rules: [{path: $.b, ignore: true}]}
    routes:
      - match: /v1
        shadow: {max_body: 512kB}
        routes:
          - match: GET /x
            name: x
            shadow: {sample: 0.5%, timeout: 1m}
            compare: {rules: [{path: $.c, tolerance: 0.1}]}
            rewrite: {new: {path: /n}}
            expose: false
            limits: {request_body: none, request_header: 8KiB, idle: 1s}
            compress: false
            fallback: auto
          - {name: "y", match: POST /y, stage: shadow}
          - {name: z, match: POST /z, cache: {ttl: 0s}}
  - {name: w, match: GET /w, legacy: accounts}
`)
	x, y, z, w := table.Route("x"), table.Route("y"), table.Route("z"), table.Route("w")
	both := map[Side]Rewrite{Legacy: {"/l"}}
	limits := Limits{RequestBody: 10 << 20, RequestHeader: 64 << 10, Idle: time.Minute}
	common := Route{
		Limits: limits, Compress: true, Fallback: FallbackOff, Ready: defaultReady,
		Stage: StageRamp, Percent: 10, Sticky: Sticky{"cookie", "s"}, Timeout: 5 * time.Second, Expose: true, Rewrite: both,
		Shadow: Shadow{Sample: 0.5, Order: OrderAuto, Run: RunBoth, Timeout: 10 * time.Second, MaxBody: 512000, Budget: time.Second, Recheck: Recheck{Delay: 200 * time.Millisecond, Tries: 1, Share: 1}},
	}
	wantX := common
	wantX.Name, wantX.Method, wantX.Pattern, wantX.Safe, wantX.Idempotent, wantX.ReadOnly = "x", "GET", "/api/v1/x", true, true, ReadOnlyAllow
	wantX.Shadow.Sample, wantX.Shadow.Timeout, wantX.Expose = 0.005, time.Minute, false
	wantX.Limits, wantX.Compress, wantX.Fallback = Limits{RequestHeader: 8 << 10, Idle: time.Second}, false, FallbackAuto
	wantX.Shadow.Run = RunNew // both has no meaning for a safe route
	wantX.Cache = cache.Settings{TTL: 90 * time.Second}
	wantX.Rewrite = map[Side]Rewrite{Legacy: {"/l"}, New: {"/n"}}
	wantY := common
	wantY.Name, wantY.Method, wantY.Pattern, wantY.ReadOnly = "y", "POST", "/api/v1/y", ReadOnlyBlock
	wantY.Stage, wantY.Percent = StageShadow, 0 // the percent is that of a ramp
	wantZ := common
	wantZ.Name, wantZ.Method, wantZ.Pattern, wantZ.ReadOnly = "z", "POST", "/api/v1/z", ReadOnlyBlock
	wantW := Route{
		Limits: limits, Compress: true, Fallback: FallbackAuto, Ready: defaultReady,
		Name: "w", Method: "GET", Pattern: "/w", Safe: true, Idempotent: true, ReadOnly: ReadOnlyAllow,
		Stage: StageLegacy, Sticky: Sticky{Kind: "ip"}, Timeout: 5 * time.Second, Expose: true, Rewrite: both,
		Shadow: Shadow{Sample: 0.5, Order: OrderAuto, Run: RunNew, Timeout: 10 * time.Second, MaxBody: 65536, Budget: 250 * time.Millisecond, Recheck: Recheck{Delay: 200 * time.Millisecond, Tries: 1, Share: 1}},
		Cache:  cache.Settings{TTL: 90 * time.Second},
	}
	for i, want := range []Route{wantX, wantY, wantZ, wantW} {
		r := []*Route{x, y, z, w}[i]
		got := exported(r)
		got.Position = Position{}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", r.Name, got, want)
		}
	}
	for r, want := range map[*Route]string{x: "$.a $.b $.c", y: "$.a $.b", w: "$.a"} {
		var paths []string
		for _, rule := range r.Compare.List() {
			paths = append(paths, rule.Path)
		}
		if got := strings.Join(paths, " "); got != want {
			t.Errorf("%s has the rules %q, want %q", r.Name, got, want)
		}
	}
	if y.Compare != z.Compare {
		t.Errorf("routes with the same rules do not share them")
	}
	if w.Legacy.Name != "accounts" || w.New.Name != "accounts" || x.Legacy.Name != "monolith" {
		t.Errorf("backends are not inherited one by one")
	}
	b := table.Backends()[1]
	if b.Name != "monolith" || len(b.URLs) != 2 || b.URLs[1].Host != "[::1]:3001" || b.Database != "shop" ||
		b.Rollback != RollbackHeader || b.Health != (Health{Path: "/up", Every: 5 * time.Second}) {
		t.Errorf("backend %+v", b)
	}
	d := table.Default()
	if d.Name != "(default)" || d.Legacy.Name != "monolith" || d.New != nil || d.Stage != StageLegacy || d.Timeout != 5*time.Second ||
		d.Cache.TTL != 0 || d.Compare != nil || d.Shadowed("x") || d.TargetFor(Legacy, "/a", Params{}) != "/a" {
		t.Errorf("the default route is %+v", d)
	}
}

func TestTableAccessors(t *testing.T) {
	src := head + "  - match: GET /b\n  - match: GET /a\n    name: a\n"
	table := parse(t, src)
	if names := []string{table.Routes()[0].Name, table.Routes()[1].Name}; names[0] != "GET /b" || names[1] != "a" {
		t.Errorf("routes are not in the file's order: %v", names)
	}
	if table.Route("a") != table.Routes()[1] || table.Route("(default)") != nil || table.Route("none") != nil {
		t.Errorf("routes by name")
	}
	table.Routes()[0] = nil
	table.Backends()[0] = nil
	if table.Routes()[0] == nil || table.Backends()[0] == nil {
		t.Errorf("a caller can change the table")
	}
	if other := parse(t, src+"\n"); len(table.Hash()) != 16 || table.Hash() != parse(t, src).Hash() || table.Hash() == other.Hash() {
		t.Errorf("hashes %q and %q", table.Hash(), other.Hash())
	}
}

// TestFormsOfText: what editors and other systems make of the same file.
func TestFormsOfText(t *testing.T) {
	src := head + "  - match: GET /a # a comment\n    stage: shadow\n"
	for name, changed := range map[string]string{
		"CRLF":               strings.ReplaceAll(src, "\n", "\r\n"),
		"byte order mark":    "\ufeff" + src,
		"document markers":   "---\n" + src + "...\n",
		"no line at its end": strings.TrimSuffix(src, "\n"),
		"quoted":             strings.Replace(src, "GET /a", `"GET /a"`, 1),
	} {
		table, err := Parse("routes.yaml", []byte(changed))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r := table.Route("GET /a"); r == nil || r.Stage != StageShadow || r.Legacy.URLs[0].Host != "127.0.0.1:3000" {
			t.Errorf("%s: route %+v", name, r)
		}
	}
}

// TestColonsInLists: a colon with no space behind it is part of the text, also
// where brackets stand within braces.
func TestColonsInLists(t *testing.T) {
	table := parse(t, `version: 1
backends:
  a: {urls: [http://127.0.0.1:3000, "http://127.0.0.1:3001" ,https://a.example:443 ], health: {path: /up}}
  b:
    urls:
      - http://127.0.0.1:4000
      - http://b
  c: {urls: [
    http://127.0.0.1:5000,
    http://c,
  ]}
defaults: {legacy: a, new: b, sticky: header:X-User, compare: {rules: [{path: header:X-Node, ignore: true}]}}
routes: [{match: GET /c, legacy: c, sticky: cookie:s}]
`)
	var got []string
	for _, b := range table.Backends() {
		for _, u := range b.URLs {
			got = append(got, u.String())
		}
	}
	want := []string{"http://127.0.0.1:3000", "http://127.0.0.1:3001", "https://a.example:443", "http://127.0.0.1:4000", "http://b", "http://127.0.0.1:5000", "http://c"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if r := table.Routes()[0]; r.Sticky.String() != "cookie:s" || r.Compare.List()[0].Path != "header:X-Node" {
		t.Errorf("sticky %s, rules %v", r.Sticky, r.Compare.List())
	}
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.yaml")
	table, err := Load(file)
	var errs Errors
	if table != nil || !errors.As(err, &errs) || !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), file+": ") {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := os.WriteFile(file, []byte(head), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err != nil {
		t.Error(err)
	}
}

// TestWorkedExample loads the example at the top of the repository, which the
// README and the documents point at.
func TestWorkedExample(t *testing.T) {
	table, err := Load("../routes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if w := table.warnings(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)); len(w) > 0 {
		t.Errorf("warnings: %v", Errors(w))
	}
	stages := map[string]Stage{}
	for _, r := range table.Routes() {
		stages[r.Name] = r.Stage
	}
	want := map[string]Stage{"accounts.show": StageShadow, "accounts.search": StageRamp, "accounts.create": StageShadow}
	if !reflect.DeepEqual(stages, want) {
		t.Errorf("got %v, want %v", stages, want)
	}
	var tree bytes.Buffer
	if err := table.WriteTree(&tree); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "example-tree.txt", tree.Bytes())
}
