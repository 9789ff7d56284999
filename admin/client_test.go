package admin_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/quackproxy/quack/admin"
)

func TestClientErrors(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	gone := *w.client
	gone.Base, gone.HTTP = "http://127.0.0.1:1", nil
	if _, err := gone.Status(ctx); err == nil || !strings.Contains(err.Error(), "is quack serve running at 127.0.0.1:1? set --admin or QUACK_ADMIN") {
		t.Errorf("nobody listens: %v", err)
	}
	none := *w.client
	none.Token = ""
	if _, err := none.Status(ctx); err == nil || !strings.Contains(err.Error(), "QUACK_ADMIN_TOKEN") {
		t.Errorf("no token: %v", err)
	}
	wrong := *w.client
	wrong.Token = "another-token-that-is-long-enough"
	var p *admin.Problem
	if _, err := wrong.Status(ctx); !errors.As(err, &p) || p.Status != 401 || !strings.Contains(err.Error(), "QUACK_ADMIN_TOKEN") || strings.Contains(err.Error(), wrong.Token) {
		t.Errorf("wrong token: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := w.client.Status(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

// What a client asks for without its own HTTP client leaves no connection.
func TestClientOfItsOwn(t *testing.T) {
	w := newWorld(t)
	c := &admin.Client{Base: w.server.URL + "/", Token: token}
	if s, err := c.Status(t.Context()); err != nil || s.Version != "quack test" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestByOfAnyLanguage(t *testing.T) {
	w := newWorld(t)
	w.client.By = "Zoë 🦆\r\nX: y"
	if err := w.client.SetStage(t.Context(), "accounts.show", "new", 0, "x"); err != nil {
		t.Fatal(err)
	}
	if e := w.audited(); e.By != "Zoë 🦆 \nX: y" {
		t.Errorf("by %q", e.By)
	}
	w.client.By = ""
	if err := w.client.SetStage(t.Context(), "accounts.show", "shadow", 0, "x"); err != nil {
		t.Fatal(err)
	}
	if e := w.audited(); e.By != "api" {
		t.Errorf("by %q", e.By)
	}
}
