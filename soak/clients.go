package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// nature says what may become of a request.
type nature int

const (
	repeatable nature = iota // idempotent, and small enough to be sent again: never fails
	once                     // unsafe: never executed twice; fails at most when a backend is killed
	stream                   // can not be sent again from its middle: fails at most when a backend is killed
	aborted                  // the client gives up: nothing is asserted of it
)

// kind is one sort of traffic.
type kind struct {
	name   string
	nature nature
	act    func(context.Context, *actor) error
}

// actor is one client.
type actor struct {
	w    *world
	wire *wire
	h2   *http.Client
	n    int    // of the request
	id   string // of an unsafe request
}

var lastID atomic.Int64

// client sends requests of a kind, one after the other.
func (w *world) client(ctx context.Context, k kind, number int) {
	a := &actor{w: w, wire: &wire{addr: w.quack.live}, h2: newHTTP2(), n: number * 1_000_000}
	defer a.h2.CloseIdleConnections()
	defer a.wire.close()
	for sleep(ctx, time.Duration(50+rand.IntN(100))*time.Millisecond) == nil {
		a.n++
		a.id = ""
		if k.nature == once {
			a.id = fmt.Sprintf("%s-%d", k.name, lastID.Add(1))
		}
		begun := time.Now()
		err := k.act(ctx, a)
		w.journal.done(outcome{kind: k, id: a.id, begun: begun, ended: time.Now(), err: err})
	}
}

func (w *world) kinds() []kind {
	list := []kind{
		{"GET kept alive, shadowed", repeatable, plain(call{method: "GET", path: "/shadowed/"})},
		{"GET kept alive, ramped", repeatable, plain(call{method: "GET", path: "/ramped/"})},
		{"GET fresh, moving", repeatable, plain(call{method: "GET", path: "/moving/", last: true})},
		{"PUT kept alive", repeatable, plain(call{method: "PUT", path: "/item/", body: 2048})},
		{"DELETE fresh", repeatable, plain(call{method: "DELETE", path: "/item/", last: true})},
		{"PUT chunked", stream, plain(call{method: "PUT", path: "/item/", body: 64 << 10, chunked: true})},
		{"POST kept alive", once, plain(call{method: "POST", path: "/item/", body: 2048})},
		{"POST fresh", once, plain(call{method: "POST", path: "/item/", body: 512, last: true})},
		{"POST chunked", once, plain(call{method: "POST", path: "/item/", body: 16 << 10, chunked: true})},
		{"events", stream, readEvents},
		{"websocket", stream, useEcho},
		{"given up", aborted, giveUp},
	}
	if w.http2 {
		list = append(list,
			kind{"GET over HTTP/2", repeatable, overHTTP2(call{method: "GET", path: "/shadowed/"})},
			kind{"POST over HTTP/2", once, overHTTP2(call{method: "POST", path: "/item/", body: 2048})},
		)
	}
	return list
}

func plain(c call) func(context.Context, *actor) error {
	return func(_ context.Context, a *actor) error {
		c := c
		c.path, c.id = fmt.Sprint(c.path, a.n), a.id
		body, err := a.wire.do(c)
		if err != nil {
			return err
		}
		return fits(body, c)
	}
}

func overHTTP2(c call) func(context.Context, *actor) error {
	return func(ctx context.Context, a *actor) error {
		c := c
		c.path = fmt.Sprint(c.path, a.n)
		// A request that has begun is waited for.
		req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), c.method, "http://"+a.w.quack.live+c.path, strings.NewReader(strings.Repeat("b", c.body)))
		if err != nil {
			return err
		}
		if a.id != "" {
			req.Header.Set(idField, a.id)
		}
		res, err := a.h2.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d: %.300s", res.StatusCode, body)
		}
		return fits(string(body), c)
	}
}

// readEvents reads a stream of events to its end.
func readEvents(_ context.Context, a *actor) error {
	body, err := a.wire.do(call{method: "GET", path: fmt.Sprint("/events/", a.n)})
	if err != nil {
		return err
	}
	if n := strings.Count(body, "data: "); n != eventCount {
		return fmt.Errorf("%d events of %d came", n, eventCount)
	}
	return nil
}

// useEcho switches protocols, and sends lines for as long as a stream of events
// takes.
func useEcho(_ context.Context, a *actor) error {
	defer a.wire.close()
	if err := a.wire.ready(); err != nil {
		return err
	}
	conn := a.wire.conn
	conn.SetDeadline(time.Now().Add(requestTimeout))
	fmt.Fprintf(conn, "GET /echo/%d HTTP/1.1\r\nHost: soak.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", a.n)
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	for n := range eventCount {
		line := fmt.Sprintf("%d-%d\n", a.n, n)
		if _, err := io.WriteString(conn, line); err != nil {
			return err
		}
		if got, err := in.ReadString('\n'); err != nil || got != line {
			return fmt.Errorf("sent line %d, got %q: %w", n, got, err)
		}
		time.Sleep(eventEvery)
	}
	return nil
}

// giveUp leaves in the middle of an answer, or of an upload.
func giveUp(_ context.Context, a *actor) error {
	defer a.wire.close()
	if err := a.wire.ready(); err != nil {
		return err
	}
	if a.n%2 == 0 {
		fmt.Fprintf(a.wire.conn, "GET /slow/%d HTTP/1.1\r\nHost: soak.example\r\n\r\n", a.n)
	} else {
		fmt.Fprintf(a.wire.conn, "PUT /item/%d HTTP/1.1\r\nHost: soak.example\r\nContent-Length: 100000\r\n\r\nhalf", a.n)
	}
	time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
	return nil
}
