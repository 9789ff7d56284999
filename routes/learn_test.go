package routes

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/internal/golden"
)

func copyOf(t *testing.T) *Table {
	t.Helper()
	src, err := os.ReadFile("testdata/copy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(src))
}

// TestLearnAndClone are shown by check and explain.
func TestLearnAndClone(t *testing.T) {
	table := copyOf(t)
	var b bytes.Buffer
	if err := table.WriteTree(&b); err != nil {
		t.Fatal(err)
	}
	for _, asked := range []string{"POST /api/login", "GET /api/orders/7", "POST /other"} {
		method, target, _ := strings.Cut(asked, " ")
		b.WriteString("\n--- " + asked + "\n\n")
		if _, err := table.Explain(method, target).WriteTo(&b); err != nil {
			t.Fatal(err)
		}
	}
	b.WriteString("\n--- warnings\n\n" + Errors(table.warnings(time.Now())).Error() + "\n")
	golden.Check(t, "copy.txt", b.Bytes())
}

func TestWhatARouteLearns(t *testing.T) {
	table := copyOf(t)
	for route, want := range map[string]string{
		"login":         "cookie:session, $.token → header:Authorization query:token for 24h",
		"orders.create": "$.id → path:order $.order_id",
		"orders.show":   "nothing",
		"ping":          "cookie:session",
		"rolled.back":   "nothing",
		"token":         "$.token → header:Authorization",
		"(default)":     "nothing",
	} {
		r := table.Route(route)
		if r == nil {
			r = table.Default()
		}
		if got := showLearn(r); got != want {
			t.Errorf("%s learns %s, want %s", route, got, want)
		}
		if rules := r.Compare.List(); len(rules) != len(r.Learn) {
			t.Errorf("%s: rules %v", route, rules)
		}
	}
	var terms []string
	for _, p := range table.Route("ping").Terms() {
		terms = append(terms, p.String())
	}
	if got := strings.Join(terms, " "); got != "cookie:session header:Authorization query:token path:order $.order_id" {
		t.Errorf("terms %s", got)
	}
	if p := table.Route("login").Learn[1].Into[0]; !p.Bearer() || table.Route("login").Learn[1].Into[1].Bearer() {
		t.Errorf("a field says who the client is, a parameter does not")
	}
	if table.Route("rolled.back").KeepsWrites(New) || !table.Route("ping").KeepsWrites(New) || !table.Route("login").KeepsWrites(Legacy) ||
		table.Default().KeepsWrites(Legacy) {
		t.Error("other sides keep what they write")
	}
	if r := table.Route("login"); r.ShadowFirst("POST") || !table.Route("rolled.back").ShadowFirst("POST") {
		t.Error("a write that is kept goes after the live one, one that is rolled back before it")
	}
}

// TestCloneSetLive: a stage that is set live is under the checks of the file.
func TestCloneSetLive(t *testing.T) {
	table := copyOf(t)
	for _, stage := range []StageSetting{{Stage: StageVerify}, {Stage: StageRamp, Percent: 5}} {
		_, _, err := table.WithStages(map[string]StageSetting{"login": stage})
		if err == nil || !strings.Contains(err.Error(), "monolith rolls back: its adapter lets no write of a shadow stay") {
			t.Errorf("%v: %v", stage, err)
		}
		with, _, err := table.WithStages(map[string]StageSetting{"ping": stage})
		if err != nil {
			t.Errorf("%v: a safe route: %v", stage, err)
		} else if len(with.Route("ping").Terms()) != 5 || len(with.Route("ping").Learn) != 1 {
			t.Errorf("%v: it has lost its terms", stage)
		}
	}
}

// TestPathWith: the path of a pattern with another parameter.
func TestPathWith(t *testing.T) {
	table := parse(t, head+"  - match: GET /a/{id}/b{n:[0-9]+}/*\n")
	const path = "/a/x%2Fy/b7/c//d"
	r, p := table.Match("GET", path)
	other, ok := p.With("id", func(value string) (string, bool) { return value + "z", value == "x%2Fy" })
	if got, is := r.PathWith(path, p, other); !ok || !is || got != "/a/x%2Fyz/b7/c//d" || p.Get("id") != "x%2Fy" {
		t.Errorf("%s, %v, %v", got, ok, is)
	}
	if _, ok := p.With("id", func(string) (string, bool) { return "", false }); ok {
		t.Error("changed to nothing")
	}
	if _, ok := p.With("none", func(string) (string, bool) { return "x", true }); ok {
		t.Error("a parameter that is not there was changed")
	}
	if got, ok := r.PathWith("/a/x", p, other); ok || got != "/a/x" {
		t.Errorf("a path of another pattern became %s", got)
	}
}
