package admin_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/quackproxy/quack/reports"
)

func TestKnownOnTheDifferencePage(t *testing.T) {
	w := newWorld(t)
	w.plant()
	b := w.logIn()
	_, page := b.get(groupPath)
	wantText(t, page, "I know this", "Why it is all right")
	if res, page := b.post(groupPath+"/known", url.Values{"known": {"true"}, "why": {" "}}); res.StatusCode != 422 || !strings.Contains(text(t, page), "A reason is missing") || !strings.Contains(page, "Side by side") || strings.Contains(page, `/known?`) {
		t.Errorf("without a reason: %d\n%s", res.StatusCode, text(t, page))
	}
	if res, _ := b.post(groupPath+"/known", url.Values{"known": {"true"}, "why": {"as <agreed>"}}); res.StatusCode != 303 || res.Header.Get("Location") != groupPath {
		t.Fatalf("known: %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	if e := w.audited(); e.Action != "know" || e.Why != "as <agreed>" {
		t.Errorf("audited %+v", e)
	}
	_, page = b.get(groupPath)
	wantText(t, page, "$.price mismatch known", "knows of it since", "as <agreed>", "Take that back")
	if res, _ := b.post(groupPath+"/known", url.Values{"known": {"false"}}); res.StatusCode != 303 {
		t.Fatalf("forget: %d", res.StatusCode)
	}
	if res, page := b.post(groupPath+"/known", url.Values{"known": {"false"}}); res.StatusCode != 404 || !strings.Contains(page, "Side by side") {
		t.Errorf("forgotten twice: %d", res.StatusCode)
	}
	if res, _ := b.post("/differences/aaaaaaaaaaaaaaaa/known", url.Values{"known": {"true"}, "why": {"x"}}); res.StatusCode != 404 {
		t.Errorf("of none: %d", res.StatusCode)
	}
	// What was forgiven keeps no route from being ready, and nobody needs to know it.
	for _, g := range w.forgivenGroups() {
		if _, page := b.get("/differences/" + g); strings.Contains(page, "I know this") {
			t.Error("what was forgiven asks to be known")
		}
	}
}

func (w *world) forgivenGroups() (ids []string) {
	w.t.Helper()
	groups, err := w.client.Differences(w.t.Context(), reports.Filter{Route: "accounts.show"})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, g := range groups {
		if g.Verdict == "forgiven" {
			ids = append(ids, g.ID)
		}
	}
	if len(ids) == 0 {
		w.t.Fatal("nothing was forgiven")
	}
	return ids
}
