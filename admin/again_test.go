package admin_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// What a page gives to copy is there in each form, and as a file.
func TestCopiesOfARequest(t *testing.T) {
	w := newWorld(t)
	w.plant()
	b := w.logIn()
	for _, c := range []struct{ as, file, has string }{
		{"curl", "quack-planted-new.sh", "curl --include"},
		{"http", "quack-planted-new.http", "GET http://127.0.0.1:4000/accounts/7?full=1"},
		{"hurl", "quack-planted-new.hurl", "HTTP 200"},
		{"har", "quack-planted-new.har", `"version": "1.2"`},
		{"go", "quack-planted-new.go", "package main"},
	} {
		_, page := b.get("/comparisons/planted?as=" + c.as)
		if !strings.Contains(page, `aria-current="true">`) || !strings.Contains(strings.NewReplacer("&#34;", `"`, "&#39;", "'").Replace(page), c.has) {
			t.Errorf("%s: no %q in\n%s", c.as, c.has, page)
		}
		res, file := b.get("/comparisons/planted/export?as=" + c.as + "&side=new")
		if got := res.Header.Get("Content-Disposition"); got != `attachment; filename="`+c.file+`"` || !strings.Contains(file, c.has) {
			t.Errorf("%s: %s\n%s", c.as, got, file)
		}
		if c.as == "har" && !json.Valid([]byte(file)) {
			t.Error("the archive is no JSON")
		}
	}
	for path, want := range map[string]int{
		"/comparisons/planted/export?as=doc&side=new": 400, "/comparisons/planted/export?as=go&side=both": 400, "/comparisons/none/export?as=go&side=new": 404,
	} {
		if res, _ := b.get(path); res.StatusCode != want {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

// A side that was not asked has nothing to copy, and an id no place in a file's
// name.
func TestCopyOfASideThatWasNotAsked(t *testing.T) {
	w := newWorld(t)
	c := w.compared(`a"b/../c;`, "accounts.show", "GET", "/accounts/1", exchange(200, `{}`), exchange(200, `{"a":1}`))
	c.New.URL = ""
	w.reports.Record(c)
	b := w.logIn()
	_, page := b.get("/comparisons/" + `a%22b%2F..%2Fc%3B`)
	wantText(t, page, "This side was not asked.", "curl --include")
	res, _ := b.get("/comparisons/" + `a%22b%2F..%2Fc%3B` + "/export?as=curl&side=legacy")
	if got := res.Header.Get("Content-Disposition"); got != `attachment; filename="quack-abc-legacy.sh"` {
		t.Errorf("%d, %s", res.StatusCode, got)
	}
	if res, _ := b.get("/comparisons/" + `a%22b%2F..%2Fc%3B` + "/export?as=curl&side=new"); res.StatusCode != 400 {
		t.Errorf("%d", res.StatusCode)
	}
}
