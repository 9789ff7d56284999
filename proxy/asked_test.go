package proxy

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/reports"
)

// What a request was like is counted once a backend has answered it, with the
// body where it was copied, and of routes alone.
func TestAskedIsCounted(t *testing.T) {
	backend := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
		}
	}
	w := newWorld(t, `
  - {name: plain, match: "/plain/*"}
  - {name: copied, match: "/copied/*", stage: shadow, safe: true, shadow: {max_body: 10B}}
  - {name: cached, match: "GET /cached", cache: {ttl: 1m}}`, backend, nil)
	for _, q := range [][]string{
		{"GET", "/plain/a?b=1&a=%zz", ""},
		{"GET", "/plain/b", "", "If-None-Match", `"x"`},
		{"POST", "/plain/c", "hello", "Content-Type", "text/plain"},
		{"POST", "/copied/d", "hello", "Content-Type", "text/plain"},
		{"POST", "/copied/e", "more than ten", "Content-Type", "text/plain"},
		{"TRACE", "/plain/f", ""},
		{"GET", "/elsewhere", ""},
		{"GET", "/cached", ""},
		{"GET", "/cached", ""},
	} {
		w.ask(q[0], q[1], q[2], q[3:]...)
	}
	w.counts.waitServed(t, 9)
	w.counts.mu.Lock()
	defer w.counts.mu.Unlock()
	want := []string{
		`cached 200: GET /cached  false ""`,
		`copied 200: POST /copied/d text/plain true "hello"`,
		`copied 200: POST /copied/e text/plain true ""`,
		`plain 200: GET /plain/a?b=1&a=%zz  false ""`,
		`plain 200: POST /plain/c text/plain true "hello"`, // small bodies are copied in any case
		`plain 304: GET /plain/b  false ""`,
	}
	slices.Sort(w.counts.asked)
	if d := cmp.Diff(want, w.counts.asked); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A request that nothing has answered is none that could be compared.
func TestAskedOfTheDead(t *testing.T) {
	w := newWorld(t, `
  - {name: dead, match: "/dead/*"}`, "http://127.0.0.1:1", nil)
	if res, _ := w.ask("GET", "/dead/a", ""); res.StatusCode != http.StatusBadGateway {
		t.Fatalf("status %d", res.StatusCode)
	}
	w.counts.waitServed(t, 1)
	if len(w.counts.asked) > 0 {
		t.Errorf("counted %q", w.counts.asked)
	}
}

// What the live path counts and what is compared of it are the same facets.
func TestFacetsOfLiveAndComparedAgree(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/none") {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprintf(w, `{"size":%d}`, len(b))
	}
	var kept *reports.Reports
	w := newWorld(t, strings.ReplaceAll(head, ", rollback: header", "")+`
  - {name: after, match: "/after/*", stage: shadow, safe: true}
  - {name: before, match: "/before/*", stage: shadow, safe: true, shadow: {order: before, budget: 5s}}`,
		answer, answer, withRealShadow(t, &kept))
	for _, order := range []string{"/after", "/before"} {
		w.ask("GET", order+"/a?sort=a&page=%zz", "")
		w.ask("GET", order+"/none", "")
		w.ask("POST", order+"/a", `{"name":"x","lines":[{"id":1}]}`, "Content-Type", "application/json; charset=utf-8")
		w.ask("POST", order+"/a?x[]=1", "b=1&a=2", "Content-Type", "application/x-www-form-urlencoded")
	}
	want := "status:200 3/3; status:404 1/1; method:GET 2/2; method:POST 2/2; query: 2/2; query:page,sort 1/1; query:x[] 1/1; body: 2/2; " +
		"body:application/json{lines[]{id},name} 1/1; body:application/x-www-form-urlencoded{a,b} 1/1; covered 1"
	for _, route := range []string{"after", "before"} {
		var got string
		until(t, "all compared", func() bool {
			list := kept.Coverage(route)
			if len(list) == 0 {
				return false
			}
			var facets []string
			compared := int64(0)
			for _, f := range list[0].Facets {
				facets = append(facets, fmt.Sprintf("%s %d/%d", f, f.Live, f.Compared))
				if f.Kind == "method" {
					compared += f.Compared
				}
			}
			got = strings.Join(facets, "; ") + fmt.Sprintf("; covered %g", list[0].Covered)
			return compared == 4 && list[0].Live == 4
		})
		if got != want {
			t.Errorf("%s: got  %s\nwant %s", route, got, want)
		}
	}
}
