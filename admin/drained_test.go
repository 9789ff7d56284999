package admin_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/admin"
)

// Waiting once more changes neither the message that clients see nor the
// announced end.
func TestAwaitDrained(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	var p *admin.Problem
	if _, err := w.client.AwaitDrained(ctx, time.Minute); !errors.As(err, &p) || p.Status != 409 || !strings.Contains(p.Detail, "quack readonly on") {
		t.Errorf("open: %v", err)
	}
	pass, _ := w.gate.Enter()
	_, err := w.client.SetReadonly(ctx, admin.ReadonlyChange{On: true, Why: "moving accounts", For: 15 * time.Minute, Wait: time.Millisecond})
	if !errors.As(err, &p) || !strings.Contains(p.Detail, "quack readonly status --wait 30s") {
		t.Errorf("the error does not say how to go on waiting: %v", err)
	}
	before := w.gate.State()
	if _, err := w.client.AwaitDrained(ctx, time.Millisecond); !errors.As(err, &p) || p.Status != 504 || !strings.Contains(p.Detail, "quack readonly status --wait 30s") {
		t.Errorf("a write is under way: %v", err)
	}
	pass.Leave()
	s, err := w.client.AwaitDrained(ctx, time.Minute)
	if err != nil || s.UnderWay != 0 || s.Why != "moving accounts" || s.Until.Sub(s.Since) != 15*time.Minute {
		t.Errorf("drained: %+v, %v", s, err)
	}
	if w.gate.State() != before {
		t.Errorf("waiting has changed the gate: %+v, was %+v", w.gate.State(), before)
	}
	for _, query := range []string{"wait=soon", "wait=-1s", "wait=1h", "wait=1s&wait=2s", "wat=1s"} {
		if res, body := w.ask("GET", "/api/v1/readonly?"+query, ""); res.StatusCode != 400 {
			t.Errorf("%s: %d %s", query, res.StatusCode, body)
		}
	}
}

// A gate is closed or opened by who says so, not by who forgot to.
func TestReadonlyWithoutOn(t *testing.T) {
	w := newWorld(t)
	b := w.logIn()
	if _, err := w.control.Freeze(t.Context(), "ann", "moving", 0); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"why":"x"}`, `{"on":null,"why":"x"}`} {
		res, answer := w.ask("POST", "/api/v1/readonly", body)
		if _, detail := problemOf(t, res, answer); res.StatusCode != 400 || !strings.Contains(detail, `"on" is missing`) {
			t.Errorf("%s: %d %s", body, res.StatusCode, detail)
		}
	}
	res, answer := w.ask("POST", "/api/v1/readonly", `{"on":"false","why":"x"}`)
	if _, detail := problemOf(t, res, answer); res.StatusCode != 400 || !strings.Contains(detail, `"on" is a string, and has to be true or false.`) {
		t.Errorf("a string: %d %s", res.StatusCode, detail)
	}
	if res, _ := b.post("/readonly", url.Values{"why": {"x"}}); res.StatusCode != 400 {
		t.Errorf("the form: %d", res.StatusCode)
	}
	if !w.gate.State().ReadOnly {
		t.Error("the gate was opened")
	}
}
