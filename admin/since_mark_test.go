package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
)

// Both pages count since a mark, exactly, and the way from one to the other
// keeps to it.
func TestPagesSinceAMark(t *testing.T) {
	w := newWorld(t)
	w.plant()
	if _, err := w.reports.Mark(t.Context(), reports.Mark{Name: "v1.4+more", By: "ann", Why: "deployed"}); err != nil {
		t.Fatal(err)
	}
	for i, price := range []string{"9.90", "9.90", "9.09"} {
		w.record("after"+string(rune('a'+i)), "accounts.show", "GET", "/accounts/1", exchange(200, `{"name":"9.90"}`), exchange(200, `{"name":"`+price+`"}`))
		w.reports.Served("accounts.show", "shadow", "legacy", 200, time.Millisecond)
	}
	b := w.logIn()
	_, page := b.get("/")
	wantText(t, page, "since mark v1.4+more", "2 of 7 differ")
	const since = "since=mark%3av1.4%2bmore"
	_, page = b.get("/?" + since)
	wantText(t, page, "1 of 3 differ")
	if link := "/routes/accounts.show?" + since; !strings.Contains(page, `href="`+link+`"`) {
		t.Errorf("no link to %s in\n%s", link, page)
	}
	_, page = b.get("/routes/accounts.show?" + since)
	wantText(t, page, "1 of 3 differ (33.3 %)", "$.name value mismatch new since v1.4+more 1 33.3 %")
	if strings.Contains(text(t, page), "$.price") {
		t.Error("a difference from before the mark is shown")
	}
	if !strings.Contains(page, "<title>v1.4+more, ") {
		t.Error("the mark is not on the charts")
	}
	if !strings.Contains(page, `hx-get="/routes/accounts.show?since=mark%3Av1.4%2Bmore"`) {
		t.Error("what follows what happens forgets the mark")
	}
	for _, path := range []string{"/", "/routes/accounts.show"} { // as quack report and the API write it
		_, page = b.get(path + "?since=v1.4%2bmore")
		wantText(t, page, "1 of 3 differ")
		if !strings.Contains(page, `<option value="mark:v1.4&#43;more" selected>`) {
			t.Errorf("%s does not say that it counts since the mark:\n%s", path, page)
		}
	}
	if res, page := b.get("/?since=mark:none"); res.StatusCode != 400 || !strings.Contains(text(t, page), `"none"`) {
		t.Errorf("no such mark: %d\n%s", res.StatusCode, text(t, page))
	}
}
