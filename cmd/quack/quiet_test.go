package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
)

// wrongOrder is what new says of one order, and what must be found of it.
type wrongOrder struct {
	number     int
	old, wrong string // in the body, or the name of a header field and ""
	path, kind string
}

// wrongOrders is one in every orders.
func wrongOrders(orders, every int) map[int]wrongOrder {
	kinds := []wrongOrder{
		{0, `"total":`, `"total":9`, "$.total", "value"},
		{0, `"state":"paid"`, `"state":null`, "$.state", "type"},
		{0, `,"note":""`, ``, "$.note", "missing"},
		{0, `"note":`, `"debug":1,"note":`, "$.debug", "added"},
		{0, `["a","b","c"]`, `["a","c"]`, "$.tags", "length"},
		{0, `["a","b","c"]`, `["c","b","a"]`, "$.tags", "order"},
		{0, "X-Request-Id", "", "header:X-Request-Id", "missing"},
	}
	all := map[int]wrongOrder{}
	for n := every / 2; n < orders; n += every {
		w := kinds[len(all)%len(kinds)]
		w.number = n
		all[n] = w
	}
	return all
}

func chance() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// serveOrders is a service that answers GET /orders/{n}: what it says of an
// order is always the same, but for timestamps and ids that it makes for each
// answer. Those of wrongs are wrong, each time.
func serveOrders(t testing.TB, wrongs map[int]wrongOrder) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
		if err != nil {
			http.NotFound(w, r)
			return
		}
		now := time.Now().UTC()
		id := chance()
		ids := fmt.Sprintf(`,"reference":"%s-%s-4%s-9%s-%s","request_id":"%s"`, id[:8], id[8:12], id[13:16], id[17:20], id[20:], chance())
		body := fmt.Sprintf(`{"id":%d,"state":"paid","total":%d.%02d,"note":"","tags":["a","b","c"],"created_at":"%s","updated":%d,"items":[{"sku":"A%d","added_at":"%s"},{"sku":"B"}]%s}`,
			n, n%1000, n%100, now.Format("2006-01-02T15:04:05.000000Z"), now.UnixMilli(), n, now.Format("2006-01-02 15:04:05.000000+00"), ids)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", chance())
		w.Header().Set("ETag", `"`+chance()+`"`)
		if wrong, ok := wrongs[n]; ok {
			body = strings.Replace(body, wrong.old, wrong.wrong, 1)
			if wrong.wrong == "" {
				w.Header().Del(wrong.old)
			}
		}
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// askOrders asks for the orders from..to, over a few connections.
func askOrders(t testing.TB, url string, from, to int) {
	t.Helper()
	var wg sync.WaitGroup
	const clients = 4
	for c := range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := from + c; n < to; n += clients {
				res, err := client.Get(fmt.Sprintf("%s/orders/%d", url, n))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
					t.Errorf("order %d: status %d, %v", n, res.StatusCode, err)
				}
				res.Body.Close()
			}
		})
	}
	wg.Wait()
}

// TestEqualServicesThroughTheProxy compares two real services that are equal
// but for what they make anew, with no rule written: nothing is found but the
// orders that new gets wrong, each at count 1. It takes 3,000 orders, one of
// them wrong in 1,000; with QUACK_ORDERS=100000 (make quiet) that many, one
// wrong in 10,000.
func TestEqualServicesThroughTheProxy(t *testing.T) {
	t.Parallel()
	orders, every := 3_000, 1_000
	if s := os.Getenv("QUACK_ORDERS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		orders, every = n, 10_000
	}
	wrongs := wrongOrders(orders, every)
	legacy, newer := serveOrders(t, nil), serveOrders(t, wrongs)
	q := start(t, table(legacy, newer, "", "  - {name: order, match: \"GET /orders/{id}\", stage: shadow}\n"))

	const batch = 500 // shadows that are late do not pile up
	for from := 0; from < orders; from += batch {
		to := min(orders, from+batch)
		askOrders(t, q.url, from, to)
		q.until("order", fmt.Sprintf("%d compared", to), func(r reports.RouteReport) bool { return r.Compared+r.Errors+r.Dropped >= int64(to) })
	}
	list, err := q.client.Report(context.Background(), reports.Filter{Route: "order"})
	if err != nil || len(list) != 1 {
		t.Fatalf("report: %+v, %v", list, err)
	}
	r := list[0]
	if r.Compared != int64(orders) || r.Mismatched != int64(len(wrongs)) || r.Matched != int64(orders-len(wrongs)) || r.Transient+r.Noise+r.Errors+r.Dropped != 0 || len(r.Skipped) > 0 {
		t.Errorf("of %d orders, %d of them wrong: %+v", orders, len(wrongs), r)
	}
	checkGroups(t, q.groups(len(wrongs)), wrongs)
}

// groups waits until the groups of mismatches number as many comparisons.
func (q *running) groups(comparisons int) []reports.Group {
	q.t.Helper()
	var last []reports.Group
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		last = nil
		sum := 0
		for _, g := range q.differences() {
			if g.Verdict != reports.VerdictForgiven {
				last = append(last, g)
				sum += int(g.Count)
			}
		}
		if sum >= comparisons {
			break
		}
	}
	return last
}

// checkGroups holds the groups to what is wrong.
func checkGroups(t *testing.T, groups []reports.Group, wrongs map[int]wrongOrder) {
	want, got := map[string]int64{}, map[string]int64{}
	for _, w := range wrongs {
		want[fmt.Sprintf("mismatch %s %s", w.kind, w.path)]++
	}
	for _, g := range groups {
		got[fmt.Sprintf("%s %s %s", g.Verdict, g.Kind, g.Path)] += g.Count
	}
	for what, n := range want {
		if got[what] != n {
			t.Errorf("%s was found %d times, want %d", what, got[what], n)
		}
	}
	for what, n := range got {
		if want[what] == 0 {
			t.Errorf("found %d times, and not planted: %s", n, what)
		}
	}
}
