package admin_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/quackproxy/quack/reports"
)

func TestMarksPage(t *testing.T) {
	w := newWorld(t)
	b := w.logIn()
	_, page := b.get("/marks")
	wantText(t, page, "No mark is set yet", "quack mark v1.4")
	if strings.Contains(page, "Before and after") {
		t.Error("runs are compared without a mark")
	}
	w.plant() // a price, in 1 of 4
	res, _ := b.post("/marks", url.Values{"name": {"v1.4"}, "why": {"deploy of <Friday>"}})
	if res.StatusCode != 303 || res.Header.Get("Location") != "/marks" {
		t.Fatalf("mark: %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	if e := w.audited(); e.Action != "mark" || e.What != "v1.4" || e.By != "ann@desk (browser)" || e.Why != "deploy of <Friday>" {
		t.Errorf("audited %+v", e)
	}
	for i := range 40 {
		body := fmt.Sprintf(`{"id":%d}`, i)
		w.record(fmt.Sprintf("after%d", i), "accounts.show", "GET", "/accounts/1", exchange(200, body), exchange(200, body))
	}
	w.record("name", "accounts.show", "GET", "/accounts/1", exchange(200, `{"name":"a"}`), exchange(200, `{"name":"b"}`))
	_, page = b.get("/marks")
	wantText(t, page, "Regressions 1 Still open 0 Too little compared 0 Fixed 1 Forgiven now", "Compared before 4 1 differed Compared after 41 1 differed",
		"$.name accounts.show value mismatch 0 of 4 1 of 41 2.44 % not seen before", "$.price accounts.show value mismatch 1 of 4 25 % 0 of 41 fixed, with 95 % confidence",
		"v1.4", "ann@desk (browser) deploy of <Friday> Comparisons since v1.4")
	_, page = b.get("/comparisons?since=v1.4")
	wantText(t, page, "since v1.4", "name")
	if strings.Contains(page, "planted") {
		t.Error("what was before the mark is listed as since it")
	}
	groups, err := w.reports.Differences(t.Context(), reports.Filter{Route: "accounts.show", Path: "$.name"})
	if err != nil || len(groups) != 1 {
		t.Fatalf("%v, %v", groups, err)
	}
	_, page = b.get("/differences/" + groups[0].ID)
	wantText(t, page, "$.name mismatch new since v1.4")
	if _, page = b.get(groupPath); strings.Contains(text(t, page), "new since") {
		t.Error("what was seen before the mark is called new")
	}
}

func TestMarksPageRefuses(t *testing.T) {
	w := newWorld(t)
	b := w.logIn()
	for _, name := range []string{"v1.3", "v1.4"} {
		if _, err := w.client.Mark(t.Context(), name, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, says string
		status     int
	}{{"v1.4", "it is set already", 409}, {"24h", "means a time", 422}, {"", "not a name", 422}, {"a <b>", "not a name", 422}} {
		res, page := b.post("/marks", url.Values{"name": {c.name}, "why": {"kept <what>"}})
		if res.StatusCode != c.status || !strings.Contains(text(t, page), c.says) || !strings.Contains(page, `value="kept &lt;what&gt;"`) {
			t.Errorf("%q: %d\n%s", c.name, res.StatusCode, text(t, page))
		}
	}
	for query, want := range map[string]int{"mark=v1.3": 200, "mark=v1.4&from=": 200, "mark=nothing": 400, "mark=v1.3&from=v1.4": 400, "mark=v1.4&to=v1.3": 400} {
		res, page := b.get("/marks?" + query)
		if res.StatusCode != want || !strings.Contains(page, "All marks") {
			t.Errorf("%s: %d\n%s", query, res.StatusCode, text(t, page))
		}
	}
}
