package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/routes"
)

func TestBackendFindsTheEndOfRequests(t *testing.T) {
	const get = "GET /orders/small/1 HTTP/1.1\r\nHost: x\r\n\r\n"
	post := "POST /orders/large/search HTTP/1.1\r\nHost: x\r\ncontent-length: 40000\r\n\r\n" + strings.Repeat("\r\n\r\n", 10000)
	in := get + post + get + strings.Replace(get, "small", "large", 1)
	for name, from := range map[string]io.Reader{"at once": strings.NewReader(in), "byte by byte": iotest.OneByteReader(strings.NewReader(in))} {
		requests := incoming{from: from, buf: make([]byte, 1<<10)}
		for i, want := range []string{"small", "large", "small", "large"} {
			if got, err := requests.request(); got != want || err != nil {
				t.Fatalf("%s, request %d: %q, %v", name, i, got, err)
			}
		}
		if _, err := requests.request(); err != io.EOF {
			t.Errorf("%s: after the last request: %v", name, err)
		}
	}
	long := incoming{from: strings.NewReader("GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 2000)), buf: make([]byte, 1<<10)}
	if _, err := long.request(); err == nil {
		t.Error("a head that does not fit was taken")
	}
}

// TestSidesDifferInWhatTheRulesForgive: a comparison has work to do, and finds
// a match.
func TestSidesDifferInWhatTheRulesForgive(t *testing.T) {
	table, err := routes.Parse("routes.yaml", []byte(routesAt("shadow")(backends{"127.0.0.1:1", "127.0.0.1:2"})))
	if err != nil {
		t.Fatal(err)
	}
	route, _ := table.Match("GET", "/orders/small/17")
	now := time.Now()
	for name, length := range lengths {
		legacy, new := body(length, "legacy", now), body(length, "new", now.Add(1500*time.Millisecond))
		if len(legacy) != length || len(new) != length || !json.Valid(legacy) || bytes.Equal(legacy, new) {
			t.Fatalf("%s: %d and %d bytes: %s", name, len(legacy), len(new), legacy)
		}
		exchange := func(b []byte) *compare.Exchange {
			return &compare.Exchange{Status: 200, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: b, Size: int64(len(b))}
		}
		if r := compare.Exchanges(exchange(legacy), exchange(new), route.Compare); !r.Match() || len(r.Forgiven) != 2 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestManyRoutesAreATable(t *testing.T) {
	to := backends{live: "127.0.0.1:1"}
	table, err := routes.Parse("routes.yaml", []byte(manyRoutesTo(to, 30)))
	if err != nil {
		t.Fatal(err)
	}
	other, err := routes.Parse("routes.yaml", []byte(manyRoutesTo(to, 31)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(table.Routes()); n < manyRoutes || table.Hash() == other.Hash() {
		t.Errorf("%d routes, hashes %s and %s", n, table.Hash(), other.Hash())
	}
	for _, r := range requestsForMany() {
		path := strings.Fields(string(r))[1]
		if route, _ := table.Match("GET", path); route == table.Default() {
			t.Fatalf("%s meets no route", path)
		}
	}
}
