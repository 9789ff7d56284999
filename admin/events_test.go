package admin_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi-validator/schema_validation"

	"github.com/quackproxy/quack/control"
)

// stream follows the events until its context ends.
func (w *world) stream(ctx context.Context) (<-chan string, *http.Response) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", w.server.URL+"/api/v1/events", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := w.server.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	events := make(chan string, 100)
	go func() {
		defer close(events)
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return
		}
		event := ""
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "", "event":
				event = value
			case "data":
				w.holdEvent(event, value)
				events <- value
			default:
				w.t.Errorf("a line %q in a stream of events", lines.Text())
			}
		}
	}()
	return events, res
}

// holdEvent holds the data of an event against the description.
func (w *world) holdEvent(event, data string) {
	names := map[string]string{"hello": "EventHello", "change": "EventChange"}
	d := describedAPI(w.t)
	d.mu.Lock()
	defer d.mu.Unlock()
	described := d.model.Components.Schemas.GetOrZero(names[event])
	if described == nil {
		w.t.Errorf("openapi.yaml: no event %q", event)
		return
	}
	if ok, errs := schema_validation.NewSchemaValidator().ValidateSchemaString(described.Schema(), data); !ok {
		w.t.Errorf("openapi.yaml: event %s with %s: %v", event, data, errs)
	}
}

func await(t *testing.T, events <-chan string, want string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case e, open := <-events:
			if strings.Contains(e, want) {
				return
			}
			if !open {
				t.Fatalf("the stream ended before %s", want)
			}
		case <-timeout:
			t.Fatalf("no event %s", want)
		}
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events, res := w.stream(ctx)
	if res.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("content type %s", res.Header.Get("Content-Type"))
	}
	await(t, events, `{}`)
	if _, err := w.control.Freeze(ctx, "ann", "x", 0); err != nil {
		t.Fatal(err)
	}
	await(t, events, `"gate"`)
	if err := w.client.SetStage(ctx, "accounts.show", "new", 0, "x"); err != nil {
		t.Fatal(err)
	}
	await(t, events, `"table"`)
	w.control.Latch(control.Latch{Route: "accounts.create", Why: "x"})
	w.plant()
	await(t, events, `"leaks"`)
	w.plant()
	await(t, events, `"differences","counts"`)
	w.control.LoadFailed(errors.New("x"))
	await(t, events, `"table"`)
	cancel()
	for range events {
	}
}

// A shutdown must not wait for someone who looks at a page.
func TestShutdownEndsStreamsAndWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	events, _ := w.stream(t.Context())
	await(t, events, `{}`)
	pass, _ := w.gate.Enter()
	defer pass.Leave()
	waited := make(chan int)
	go func() {
		res, _ := w.ask("POST", "/api/v1/readonly", `{"on":true,"why":"x","wait":"10m"}`)
		waited <- res.StatusCode
	}()
	for !w.gate.State().ReadOnly {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := w.server.Config.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if status := <-waited; status != 504 {
		t.Errorf("the call that waited was answered with %d", status)
	}
	for range events {
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	var all []<-chan string
	for range 64 {
		events, _ := w.stream(ctx)
		await(t, events, `{}`)
		all = append(all, events)
	}
	if res, _ := w.ask("GET", "/api/v1/events", ""); res.StatusCode != 503 {
		t.Errorf("one more: %d", res.StatusCode)
	}
	cancel()
	for _, events := range all {
		for range events {
		}
	}
	deadline := time.Now().Add(time.Minute)
	for {
		again, cancel := context.WithCancel(t.Context())
		events, res := w.stream(again)
		cancel()
		for range events {
		}
		if res.StatusCode == 200 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the places of those who left are not given to others")
		}
	}
}
