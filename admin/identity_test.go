package admin_test

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quackproxy/quack/admin"
)

const identityHeader = "Quack-Admin"

func TestEveryAnswerSaysWhoAnswers(t *testing.T) {
	w := newWorld(t)
	for _, path := range append([]string{"/healthz", "/readyz", "/login", "/nothing", "/static/quack.css"}, protected...) {
		if res, _ := w.askPlain("GET", path, ""); res.Header.Get(identityHeader) != "v1" {
			t.Errorf("%s: %s without %s", path, res.Status, identityHeader)
		}
	}
}

// clientOf is a client of another server than ours.
func clientOf(t *testing.T, h http.HandlerFunc) *admin.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &admin.Client{Base: s.URL, Token: token, HTTP: s.Client()}
}

// calls are one of each kind of call.
var calls = map[string]func(context.Context, *admin.Client) error{
	"status":   func(ctx context.Context, c *admin.Client) error { _, err := c.Status(ctx); return err },
	"routes":   func(ctx context.Context, c *admin.Client) error { _, err := c.Routes(ctx); return err },
	"readonly": func(ctx context.Context, c *admin.Client) error { _, err := c.Readonly(ctx); return err },
	"wait": func(ctx context.Context, c *admin.Client) error {
		_, err := c.AwaitDrained(ctx, time.Second)
		return err
	},
	"close": func(ctx context.Context, c *admin.Client) error {
		_, err := c.SetReadonly(ctx, admin.ReadonlyChange{On: true, Why: "x", Wait: time.Second})
		return err
	},
	"stage": func(ctx context.Context, c *admin.Client) error { return c.SetStage(ctx, "show", "ramp", 5, "x") },
	"reset": func(ctx context.Context, c *admin.Client) error { return c.ResetLatch(ctx, "show", "x") },
}

// Another server gets no token and is believed nothing, whatever it answers.
func TestStrangersGetNoToken(t *testing.T) {
	for name, call := range calls {
		for _, status := range []int{200, 204, 404} {
			var seen atomic.Int32
			c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" || r.URL.Path != "/healthz" {
					seen.Add(1)
				}
				w.WriteHeader(status)
				if status != 204 {
					io.WriteString(w, `{"read_only":true}`)
				}
			})
			err := call(t.Context(), c)
			if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(c.Base, "http://")+" does not answer as the admin listener of quack serve") || !strings.Contains(err.Error(), "check --admin") {
				t.Errorf("%s, %d: %v", name, status, err)
			}
			if seen.Load() > 0 {
				t.Errorf("%s, %d: the token went to a stranger", name, status)
			}
		}
	}
}

// A redirect to another port of the host would take the token along.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var reached atomic.Bool
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Store(true)
		w.Header().Set(identityHeader, "v1")
	}))
	defer stranger.Close()
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			w.Header().Set(identityHeader, "v1")
			return
		}
		http.Redirect(w, r, stranger.URL, http.StatusTemporaryRedirect)
	})
	if _, err := c.Status(t.Context()); err == nil || reached.Load() {
		t.Errorf("%v, reached the other server: %v", err, reached.Load())
	}
}

// What comes back has to tell of what was asked for.
func TestAnswersAreChecked(t *testing.T) {
	for _, answer := range []string{"", "null", "{}", "[]", "ok", `{"read_only":false}`, `{"route":"other","stage":"ramp","percent":5}`, `{"route":"show","stage":"ramp"}`} {
		c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(identityHeader, "v1")
			io.WriteString(w, answer)
		})
		for _, name := range []string{"wait", "close", "stage", "reset"} {
			if name == "reset" && strings.Contains(answer, `"show"`) {
				continue
			}
			if err := calls[name](t.Context(), c); err == nil || !strings.Contains(err.Error(), "of this version") {
				t.Errorf("%s answered %q: %v", name, answer, err)
			}
		}
		if _, err := c.Readonly(t.Context()); (err == nil) != (strings.HasPrefix(answer, "{") || answer == "null") {
			t.Errorf("readonly answered %q: %v", answer, err)
		}
	}
}

func TestStageOfNoNumber(t *testing.T) {
	w := newWorld(t)
	for _, percent := range []float64{math.NaN(), math.Inf(1)} {
		if err := w.client.SetStage(t.Context(), "accounts.show", "ramp", percent, "x"); err == nil || strings.Contains(err.Error(), "json") || !strings.Contains(err.Error(), "0 to 100") {
			t.Errorf("%v: %v", percent, err)
		}
	}
	if err := w.client.SetStage(t.Context(), "accounts.show", "ramp", 0, "nobody yet"); err != nil {
		t.Errorf("0 that is said: %v", err)
	}
}
