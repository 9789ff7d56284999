package admin_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/quackproxy/quack/admin"
)

func TestReadonlyPageSaysWhatWritesMeet(t *testing.T) {
	w := newWorld(t)
	w.use(strings.Replace(file, "routes:\n", `routes:
  - {name: mail.send, match: POST /mail, readonly: skip}
  - {name: carts.put, match: PUT /cart, readonly: allow}
  - {name: any.method, match: /any}
`, 1))
	b := w.logIn()
	_, page := b.get("/readonly")
	wantText(t, page, "Writes would be answered with 503", "any.method accounts.create",
		"passed on with Quack-Read-Only: 1, for the backend to leave its writes out mail.send", "let through carts.put")
	if strings.Contains(text(t, page), "accounts.show") {
		t.Error("a read is listed")
	}
	for _, on := range []bool{true, false} {
		if _, err := w.client.SetReadonly(t.Context(), admin.ReadonlyChange{On: on, Why: fmt.Sprint("on is ", on)}); err != nil {
			t.Fatal(err)
		}
	}
	_, page = b.get("/readonly")
	wantText(t, page, "readonly off epoch 2 on is false", "readonly on", "on is true")
	if strings.Contains(text(t, page), "reload") {
		t.Error("what is no change of the gate is among them")
	}
}

func TestAuditIsSearched(t *testing.T) {
	w := newWorld(t)
	w.control.Note(t.Context(), "bob", "login", "long ago", "")
	for i := range 1200 {
		w.control.Note(t.Context(), "ann", "login", fmt.Sprintf("entry %d.", i), "")
	}
	b := w.logIn()
	_, page := b.get("/audit?q=LONG+ago")
	wantText(t, page, "bob login long ago")
	if strings.Contains(text(t, page), "entry") {
		t.Error("others are found too")
	}
	_, page = b.get("/audit?q=entry")
	wantText(t, page, "entry 1199.", "entry 1100.", "entries were looked at; there are older ones", "Older")
	if strings.Contains(text(t, page), "entry 1099.") {
		t.Error("a page is longer than 100")
	}
	next := html.UnescapeString(regexp.MustCompile(`/audit\?after=\d+&amp;q=entry`).FindString(page))
	_, page = b.get(next)
	wantText(t, page, "entry 1099.", "Newest")
	_, page = b.get("/audit?q=nobody")
	wantText(t, page, "No entries with nobody")
}

func TestComparisonsAreListedByWhatIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.plant()
	w.record("other", "accounts.show", "GET", "/accounts/8", exchange(200, `{"id":8,"name":"a"}`), exchange(200, `{"id":8,"name":"b"}`))
	for i := range 60 {
		w.shopped(fmt.Sprintf("late-%02d", i), "accounts.create", "GET", "/x", exchange(200, fmt.Sprintf(`{"a%d":1}`, i)), exchange(200, fmt.Sprintf(`{"a%d":2}`, i)), 0)
	}
	b := w.logIn()
	_, page := b.get("/comparisons?route=accounts.show&path=$.price&kind=value")
	wantText(t, page, "with a difference at $.price of kind value", "planted")
	if got := text(t, page); strings.Contains(got, "match0") || strings.Contains(got, "other") {
		t.Errorf("others are listed too:\n%s", got)
	}
	_, page = b.get("/comparisons?route=accounts.show&verdict=match")
	wantText(t, page, "match0", "match2")
	if strings.Contains(page, "planted") {
		t.Error("a mismatch is among the matches")
	}
	_, page = b.get("/comparisons?verdict=noise")
	wantText(t, page, "Nothing is stored that is like this. Show all")
	_, page = b.get("/comparisons?verdict=mismatch")
	next := html.UnescapeString(regexp.MustCompile(`/comparisons\?after=\d+&amp;verdict=mismatch`).FindString(page))
	if next == "" {
		t.Fatal("there is no next page")
	}
	_, page = b.get(next)
	wantText(t, page, "planted", "Newest")
	for _, query := range []string{"after=x", "since=x", "nothing=1"} {
		if res, _ := b.get("/comparisons?" + query); res.StatusCode != 400 {
			t.Errorf("%s: %d", query, res.StatusCode)
		}
	}
}
