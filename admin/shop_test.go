package admin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

// plantShop records what a shop's day looks like: matches, prices that differ,
// a field that is missing, a page of HTML, a write whose rows differ, an answer
// that broke off, and texts that are long.
func (w *world) plantShop() {
	w.t.Helper()
	for i := range 60 {
		body := account(i, "9.90", true)
		w.shopped(fmt.Sprintf("match-%02d", i), "accounts.show", "GET", fmt.Sprintf("/accounts/%d?full=1", i), exchange(200, body), exchange(200, body), i)
		w.reports.Served("accounts.show", "shadow", "legacy", 200, 12*time.Millisecond)
	}
	for i := range 7 {
		w.shopped(fmt.Sprintf("price-%02d", i), "accounts.show", "GET", fmt.Sprintf("/accounts/%d?full=1", 700+i), exchange(200, account(i, "9.90", true)), exchange(200, account(i, "9.09", true)), i)
	}
	w.shopped("phone-00", "accounts.show", "GET", "/accounts/812?full=1", exchange(200, account(12, "9.90", true)), exchange(200, account(12, "9.09", false)), 3)
	w.shopped("three-00", "accounts.show", "GET", "/accounts/813?full=1", exchange(200, account(13, "9.90", true)), exchange(200, strings.NewReplacer("size 0", "size O", "size 6", "size VI").Replace(account(13, "9.09", true))), 3)
	w.shopped("gone-00", "GET /orders/{id}", "GET", "/orders/12", exchange(200, `{"id":12}`), exchange(404, `{"error":"no such order"}`), 2)
	w.shopped("page-00", "GET /orders/{id}", "GET", "/orders/13", page("5 items, delivered on Monday"), page("5 items, delivered on Tuesday"), 2)
	broken := exchange(200, `{"id":14`)
	broken.Incomplete = "connection reset by peer"
	w.shopped("broken-00", "GET /orders/{id}", "GET", "/orders/14", exchange(200, `{"id":14}`), broken, 1)
	w.shopWrite("write-00")
	for _, name := range []string{"v1.3", "v1.4"} { // what is above was before both
		if _, err := w.client.Mark(w.t.Context(), name, "deploy of "+name); err != nil {
			w.t.Fatal(err)
		}
		if name == "v1.3" { // and this lies between them
			w.shopped("gone-01", "GET /orders/{id}", "GET", "/orders/15", exchange(200, `{"id":15}`), exchange(404, `{"error":"no such order"}`), 0)
			w.shopped("price-10", "accounts.show", "GET", "/accounts/710", exchange(200, account(10, "9.90", true)), exchange(200, account(10, "9.09", true)), 0)
		}
	}
	for i := range 300 {
		body := account(i, "9.90", true)
		w.shopped(fmt.Sprintf("since-%03d", i), "accounts.show", "GET", fmt.Sprintf("/accounts/%d", i), exchange(200, body), exchange(200, body), 0)
	}
	w.shopped("name-00", "accounts.show", "GET", "/accounts/900", exchange(200, `{"id":900,"name":"Ann Duck"}`), exchange(200, `{"id":900,"name":"Ann  Duck"}`), 0)
	w.reports.Skip("accounts.create", reports.SkipNoProof)
}

func account(id int, price string, phone bool) string {
	number := `"phone":"+49 30 901820",`
	if !phone {
		number = ""
	}
	var items []string
	for i := range 12 {
		items = append(items, fmt.Sprintf(`{"sku":"DUCK-%03d","quantity":%d,"title":"Rubber duck, size %d"}`, i, i%3+1, i))
	}
	return fmt.Sprintf(`{"id":%d,"name":"Ann Duck",%s"price":"%s","debug":%d,"created_at":"2026-11-23T06:30:00.00%dZ","items":[%s]}`, id, number, price, id, len(price), strings.Join(items, ","))
}

func page(text string) compare.Exchange {
	body := "<!doctype html>\n<title>Order</title>\n<main>\n  <h1>Order 13</h1>\n  <p>Thank you! Your order: " + text + ", at your door.</p>\n</main>\n"
	e := exchange(200, body)
	e.Header = http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Date": {"Mon, 23 Nov 2026 06:30:00 GMT"}}
	return e
}

// shopped compares two answers of some minutes ago and records what came of it.
func (w *world) shopped(id, route, method, target string, legacy, new compare.Exchange, minutesAgo int) {
	w.t.Helper()
	c := w.compared(id, route, method, target, legacy, new)
	c.At = c.At.Add(-time.Duration(minutesAgo) * time.Minute)
	c.New.Latency += time.Duration(minutesAgo) * time.Millisecond
	w.reports.Record(c)
}

// shopWrite is a write of which both sides' rows are known.
func (w *world) shopWrite(id string) {
	w.t.Helper()
	legacy, new := exchange(201, `{"id":1}`), exchange(201, `{"id":1}`)
	row := func(email string) compare.WriteSet {
		return compare.WriteSet{{Table: "accounts", Op: compare.OpInsert, New: []compare.Column{
			{Name: "id", Type: "integer", Value: "1", Key: true, Generated: true}, {Name: "name", Type: "text", Value: "Ann Duck"}, {Name: "city", Type: "text", Value: email},
		}}}
	}
	legacy.Writes, new.Writes = row("Berlin"), row("berlin")
	legacy.Footprint = compare.Footprint{{Table: "accounts", Inserted: 1}, {Table: "audit", Inserted: 2, Deleted: 1}}
	new.Footprint = compare.Footprint{{Table: "accounts", Inserted: 1}}
	legacy.Effects = compare.Effects{{Name: "job:ChargeJob", Count: 2}, {Name: "mail:order.placed", Count: 1}}
	new.Effects = compare.Effects{{Name: "job:ChargeJob", Count: 2}}
	c := w.compared(id, "accounts.create", "POST", "/accounts", legacy, new)
	c.Request.Header.Set("Content-Type", "application/json")
	c.Request.Body = []byte(`{"name":"Ann Duck","city":"Berlin","password":"quack quack"}`)
	c.Request.BodySize = int64(len(c.Request.Body))
	c.Writes, c.Live = reports.WritesDecoded, ""
	w.reports.Record(c)
}

// shopPage is a page to look at: its name in files, its path, and a text by which
// it is known to be there.
type shopPage struct{ name, path, has string }

// shopPages are all pages of the shop, the forms of each that look different among
// them.
func shopPages(t *testing.T, w *world) []shopPage {
	t.Helper()
	groups, err := w.reports.Differences(t.Context(), reports.Filter{Route: "accounts.show", Path: "$.price"})
	if err != nil || len(groups) == 0 {
		t.Fatalf("groups: %v, %v", groups, err)
	}
	newest, err := w.reports.Differences(t.Context(), reports.Filter{Route: "accounts.show", Path: "$.name"})
	if err != nil || len(newest) == 0 {
		t.Fatalf("groups: %v, %v", newest, err)
	}
	price := "/differences/" + groups[0].ID
	return []shopPage{
		{"overview", "/", "accounts.show"},
		{"route", "/routes/accounts.show", "Differences"},
		{"route-write", "/routes/accounts.create", "no-proof"},
		{"coverage", "/coverage", "accounts.show"},
		{"coverage-route", "/coverage?route=accounts.show", "accounts.show"},
		{"difference", price, "A rule for it"},
		{"difference-try", price + "?try=" + url.QueryEscape("{path: $.price, ignore: true, owner: shop, until: 2027-01-31}"), "it would"},
		{"comparisons", "/comparisons?verdict=mismatch", "phone-00"},
		{"comparisons-none", "/comparisons?route=invoices.list", "Nothing is stored"},
		{"comparison", "/comparisons/phone-00", "curl"},
		{"comparison-har", "/comparisons/price-00?as=har", `"startedDateTime"`},
		{"comparison-text", "/comparisons/page-00", "Monday"},
		{"comparison-write", "/comparisons/write-00", "job:ChargeJob"},
		{"comparison-error", "/comparisons/broken-00", "connection reset"},
		{"readonly", "/readonly", "Writes are let through"},
		{"audit", "/audit", "reload"},
		{"marks", "/marks", "Regressions"},
		{"difference-new", "/differences/" + newest[0].ID, "new since v1.4"},
		{"nothing", "/nothing", "Not found"},
	}
}
