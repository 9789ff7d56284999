package main

import (
	"net/http"
	"strings"
	"testing"
)

// What the verbs that change a running proxy say, and that they change no more
// than was asked.
func TestStageAndReadOnlyVerbs(t *testing.T) {
	legacy := closedAddr()
	q := start(t, table("http://"+legacy, "http://"+legacy, "", "  - {name: show, match: GET /a}\n"))
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{0, "show is at ramp 25%\n", []string{"stage", "show", "ramp", "--percent", "25", "--why", "first\nsecond"}},
		{0, "show is at ramp 0%\n", []string{"stage", "show", "ramp", "--percent", "0", "--why", "x"}},
		{0, "show is at new\n", []string{"stage", "show", "new", "--why", "x"}},
		{0, `first\nsecond` + "\n", []string{"audit"}},
		{1, "The gate is open", []string{"readonly", "status", "--wait", "1s"}},
		{0, "read-only since", []string{"readonly", "on", "--for", "15m", "--why", "moving\nit"}},
		{0, `moving\nit`, []string{"readonly", "status", "--wait", "10s"}},
		{0, "announced until", []string{"readonly", "status"}},
		{0, "read-write; 0 writes", []string{"readonly", "off", "--why", "x"}},
	} {
		if out, code := q.run(c.args...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("quack %q: code %d, want %d and %q\n%s", c.args, code, c.code, c.says, out)
		}
	}
}

// The port that clients connect to leads to a backend, which is told nothing.
func TestReadOnlyAtTheWrongPort(t *testing.T) {
	backend := serveJSON(t, func(r *http.Request) (int, string) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the admin token was sent to a backend")
		}
		return 200, `{"read_only":true}`
	})
	q := start(t, table(backend, backend, "", "  - {name: show, match: GET /a}\n"))
	q.client.Base = q.url
	if out, code := q.run("readonly", "on", "--wait", "10s", "--why", "x"); code != 1 || !strings.Contains(out, "does not answer as the admin listener of quack serve") || !strings.Contains(out, "--admin") {
		t.Errorf("code %d\n%s", code, out)
	}
}

func TestStageTableIsNotBrokenByAReason(t *testing.T) {
	for text, want := range map[string]string{
		"plain, Zoë 🦆 'quoted' \"too\"": "plain, Zoë 🦆 'quoted' \"too\"",
		"a\nb\tc\r":                     `a\nb\tc\r`,
		"\x1b[2J\u202e":                 `\x1b[2J\u202e`,
	} {
		if got := oneLine(text); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", text, got, want)
		}
	}
}
