package reports_test

import (
	"fmt"
	"math"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

// asked is a live request as the proxy tells of it.
func asked(method, target, contentType, body string) compare.Request {
	q := compare.Request{Method: method, Target: target, Header: http.Header{}}
	if contentType != "" {
		q.Header.Set("Content-Type", contentType)
	}
	if body != "" {
		q.Body = []byte(body)
	}
	return q
}

// ask counts a live request, and the comparison of it when compared is set.
func ask(r *reports.Reports, q compare.Request, status int, compared bool) {
	r.Asked("show", status, q, len(q.Body) > 0)
	if !compared {
		return
	}
	c := comparison(1)
	c.Request.Method, c.Request.Target, c.Request.Header, c.Request.Body = q.Method, q.Target, q.Header, q.Body
	c.Request.BodySize = int64(len(q.Body))
	c.Legacy.Answer.Status = status
	r.Record(c)
}

func coverageOf(t testing.TB, r *reports.Reports, route string) reports.RouteCoverage {
	t.Helper()
	list := r.Coverage(route)
	if len(list) != 1 {
		t.Fatalf("Coverage = %v; want one route", list)
	}
	return list[0]
}

// facets are "kind:value live/compared", in order.
func facets(c reports.RouteCoverage) string {
	var list []string
	for _, f := range c.Facets {
		list = append(list, fmt.Sprintf("%s %d/%d", f, f.Live, f.Compared))
	}
	return strings.Join(list, "; ")
}

func TestFacetsAreCounted(t *testing.T) {
	r := fresh(t, reports.Config{})
	const asJSON = "application/json"
	for range 3 {
		ask(r, asked("GET", "/ducks?sort=a&page=2", "", ""), 200, true)
	}
	ask(r, asked("GET", "/ducks?page=1&sort=b", "", ""), 304, false)
	ask(r, asked("GET", "/ducks", "", ""), 404, false)
	ask(r, asked("POST", "/ducks", asJSON, `{"name":"x","tags":[1]}`), 201, true)
	ask(r, asked("POST", "/ducks", asJSON, `{"name":"x"}`), 201, false)
	r.Asked("show", 201, asked("POST", "/ducks", asJSON, ""), true) // not copied
	got := coverageOf(t, r, "show")
	want := "status:200 4/3; status:201 3/1; status:404 1/0; method:GET 5/3; method:POST 3/1; query: 4/1; query:page,sort 4/3; " +
		"body: 5/3; body:application/json 1/1; body:application/json{name,tags[]} 1/1; body:application/json{name} 1/0"
	if facets(got) != want {
		t.Errorf("got  %s\nwant %s", facets(got), want)
	}
	// The 404 and the body without tags were never compared.
	if got.Live != 8 || got.Covered != 6.0/8 || got.NeverHit == false {
		t.Errorf("live %d, covered %g, never hit %v", got.Live, got.Covered, got.NeverHit)
	}
	for _, f := range got.Facets {
		if f.FirstSeen.IsZero() || f.LastSeen.Before(f.FirstSeen) {
			t.Errorf("%s: seen from %s to %s", f, f.FirstSeen, f.LastSeen)
		}
	}
}

// TestCoveredIsCounted: facets may each be compared and still not all requests
// have only such; the shares of the facets do not tell.
func TestCoveredIsCounted(t *testing.T) {
	r := fresh(t, reports.Config{})
	for range 10 {
		ask(r, asked("GET", "/ducks?a=1", "", ""), 200, true)
		ask(r, asked("GET", "/ducks?b=1", "", ""), 500, false)
	}
	if got := coverageOf(t, r, "show"); got.Covered != 0.5 {
		t.Errorf("covered %g, want 0.5: both of what is missing is in the same requests", got.Covered)
	}
	ask(r, asked("GET", "/ducks?a=1", "", ""), 500, true)
	if got := coverageOf(t, r, "show"); math.Abs(got.Covered-11.0/21) > 1e-9 {
		t.Errorf("covered %g, want 11/21: status 500 was compared, query b was not", got.Covered)
	}
	ask(r, asked("GET", "/ducks?b=1", "", ""), 200, true)
	if got := coverageOf(t, r, "show"); got.Covered != 1 {
		t.Errorf("covered %g, want all: each facet of what came before was compared now", got.Covered)
	}
}

func TestErrorsCoverNothing(t *testing.T) {
	r := fresh(t, reports.Config{})
	r.Asked("show", 200, asked("GET", "/ducks/1?x=1", "", ""), false)
	c := comparison(1)
	c.Verdict, c.Err = reports.Error, "broke off"
	r.Record(c)
	if got := coverageOf(t, r, "show"); got.Covered != 0 {
		t.Errorf("covered %g by a comparison that was none", got.Covered)
	}
}

// TestHostileNames: names made up by clients neither take memory nor the places
// of real facets, and what was counted stays counted.
func TestHostileNames(t *testing.T) {
	r := fresh(t, reports.Config{})
	real := func() {
		ask(r, asked("GET", "/ducks?page=1&sort=a", "", ""), 200, true)
		ask(r, asked("POST", "/ducks", "application/json", `{"name":"x"}`), 201, true)
	}
	for range 10 {
		real()
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	name := func(n int) string {
		return fmt.Sprintf("q%c%c%c%c", 'a'+n%26, 'a'+n/26%26, 'a'+n/676%26, 'a'+n/17576%26)
	}
	hostile := func(from, to int) {
		for n := from; n < to; n++ {
			x := name(n)
			ask(r, asked("GET", "/ducks?"+x+"=1", "", ""), 200, n%10 == 0)
			ask(r, asked("POST", "/ducks", "application/"+x, `{}`), 201, false)
			ask(r, asked("POST", "/ducks", "application/json", `{"`+x+`":1}`), 201, false)
			ask(r, asked(strings.ToUpper(x), "/ducks", "", ""), 405, false)
			if n%1000 == 0 {
				real()
				flush(t, r)
			}
		}
	}
	hostile(0, 5_000)
	before := heap()
	hostile(5_000, 100_000)
	if after := heap(); after > before+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	got := coverageOf(t, r, "show")
	if len(got.Facets) > 200 {
		t.Errorf("%d facets, want 200 at most", len(got.Facets))
	}
	sums := map[string]int64{}
	seen := map[string]int64{}
	for _, f := range got.Facets {
		sums[f.Kind] += f.Live
		seen[f.String()] = f.Live
	}
	for _, want := range []string{"query:page,sort", "body:application/json{name}", "status:201", "method:POST"} {
		if seen[want] < 110 {
			t.Errorf("%s: %d of 110 are told apart", want, seen[want])
		}
	}
	for kind, n := range sums {
		if n != got.Live || n != 4*100_000+2*110 {
			t.Errorf("%s: %d requests counted, want %d; %d in all", kind, n, 4*100_000+2*110, got.Live)
		}
	}
	// A facet that comes again and again is told apart once more.
	for range 60 {
		hostile(100_000, 100_010)
		ask(r, asked("GET", "/ducks?late=1", "", ""), 200, false)
	}
	if c := facets(coverageOf(t, r, "show")); !strings.Contains(c, "query:late ") {
		t.Errorf("a real facet found no place among made up ones: %s", c)
	}
}

// TestTooManyToTellApart: what is counted as other is covered as far as it was
// compared itself.
func TestTooManyToTellApart(t *testing.T) {
	r := fresh(t, reports.Config{})
	n := 0
	for a := range 26 {
		for b := range 26 {
			ask(r, asked("GET", fmt.Sprintf("/ducks?%c%c=1", 'a'+a, 'a'+b), "", ""), 200, n%4 != 0)
			n++
		}
	}
	got := coverageOf(t, r, "show")
	if told := strings.Count(facets(got), "query:"); told > 36 {
		t.Errorf("%d queries that came once are told apart: no place is left for what comes again", told)
	}
	// Of each four one was not compared, and none came twice: of those told apart
	// nobody has compared that facet, of the others there are as many as in all.
	if want := 0.75; math.Abs(got.Covered-want) > 0.01 || !strings.Contains(facets(got), "query:other ") {
		t.Errorf("covered %g, want about %g: %s", got.Covered, want, facets(got))
	}
}

// TestFacetGivesWay: when all places are taken, what comes again and again takes
// that of the rarest, which is counted as other from then on.
func TestFacetGivesWay(t *testing.T) {
	r := fresh(t, reports.Config{})
	total := int64(0)
	several := func(n int, query string) {
		for range n {
			ask(r, asked("GET", "/ducks?"+query+"=1", "", ""), 200, false)
		}
		total += int64(n)
	}
	for n := range 40 {
		several(5, fmt.Sprintf("a%c%c", 'a'+n/26, 'a'+n%26))
	}
	flush(t, r)
	for n := range 40 {
		several(9, fmt.Sprintf("b%c%c", 'a'+n/26, 'a'+n%26))
	}
	flush(t, r)
	several(20, "late")
	got := coverageOf(t, r, "show")
	var queries, sum, late int64
	for _, f := range got.Facets {
		if f.Kind == "query" {
			queries++
			sum += f.Live
		}
		if f.Value == "late" {
			late = f.Live
		}
	}
	if queries > 70 || sum != total || got.Live != total || late < 10 {
		t.Errorf("%d queries, %d requests by them, %d in all, %d of the late one; want at most 70, %d, %d, at least 10", queries, sum, got.Live, late, total, total)
	}
}

func TestCoverageSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	r := openReports(t, db, reports.Config{})
	r.Asked("other", 200, asked("GET", "/x", "", ""), false)
	for n := range 5 {
		ask(r, asked("GET", "/ducks?a=1", "", ""), 200, n == 0)
		ask(r, asked("GET", "/ducks", "", ""), 404, false)
	}
	flush(t, r)
	want := coverageOf(t, r, "show")
	again := openReports(t, db, reports.Config{})
	if got := coverageOf(t, again, "show"); facets(got) != facets(want) || got.Covered != want.Covered {
		t.Errorf("after a restart %s, %g; want %s, %g", facets(got), got.Covered, facets(want), want.Covered)
	}
	ask(again, asked("GET", "/ducks?a=1", "", ""), 200, false)
	flush(t, again)
	if got := coverageOf(t, openReports(t, db, reports.Config{}), "show"); got.Live != want.Live+1 {
		t.Errorf("%d live after another restart, want %d", got.Live, want.Live+1)
	}
	if got := coverageOf(t, again, "other"); got.Live != 1 {
		t.Errorf("another route has %d live, want 1", got.Live)
	}
}

// TestCoverageOutlastsAFault: what could not be written is written with the next batch.
func TestCoverageOutlastsAFault(t *testing.T) {
	db := openStore(t, t.TempDir())
	r := openReports(t, db, reports.Config{})
	free := full(t, db, "reports_coverage")
	ask(r, asked("GET", "/ducks?a=1", "", ""), 200, true)
	if err := r.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "write coverage") {
		t.Errorf("Flush = %v", err)
	}
	ask(r, asked("GET", "/ducks?a=1", "", ""), 200, false)
	free()
	flush(t, r)
	want := "status:200 2/1; method:GET 2/1; query:a 2/1; body: 2/1"
	for what, r := range map[string]*reports.Reports{"here": r, "after a restart": openReports(t, db, reports.Config{})} {
		if got := facets(coverageOf(t, r, "show")); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
}

func TestTwoProcessesCoverTogether(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	old := openReports(t, db, reports.Config{})
	second := heirOf(t, db, dir)
	heir := openReports(t, second, reports.Config{})
	for range 3 {
		ask(old, asked("GET", "/ducks?a=1", "", ""), 200, false)
		ask(heir, asked("GET", "/ducks?b=1", "", ""), 200, true)
		flush(t, old)
		flush(t, heir)
	}
	ask(old, asked("GET", "/ducks?a=1", "", ""), 200, true)
	flush(t, old)
	db.Close()
	if err := heir.Reread(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := "status:200 7/4; method:GET 7/4; query:a 4/1; query:b 3/3; body: 7/4"
	if got := facets(coverageOf(t, heir, "show")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestFacetsCountedAtOnce: no request is lost or counted twice, whoever reads
// and writes meanwhile.
func TestFacetsCountedAtOnce(t *testing.T) {
	r := fresh(t, reports.Config{})
	var all sync.WaitGroup
	const each, workers = 3000, 4
	for w := range workers {
		all.Go(func() {
			for n := range each {
				ask(r, asked("GET", fmt.Sprintf("/ducks?%c%c=1", 'a'+n%26, 'a'+n/26%26), "", ""), 200+n%3, n%50 == w)
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
			flush(t, r)
			r.Coverage("")
		}
	}
	sums := map[string]int64{}
	got := coverageOf(t, r, "show")
	for _, f := range got.Facets {
		sums[f.Kind] += f.Live
	}
	for _, kind := range []string{"status", "method", "query", "body"} {
		if sums[kind] != each*workers || got.Live != each*workers {
			t.Errorf("%s: %d counted, want %d; %d in all", kind, sums[kind], each*workers, got.Live)
		}
	}
}

// TestSecretsInNames: what redaction would change is not kept as a facet.
func TestSecretsInNames(t *testing.T) {
	r := fresh(t, reports.Config{})
	for range 5 {
		ask(r, asked("GET", "/ducks?4111111111111111=1&a=1", "", ""), 200, true)
		ask(r, asked("GET", "/ducks?eyJhbGciOiJub.eyJzdWIiOiJkYWlz.c2lnbmFdXJlcabcdefgh=1", "", ""), 200, true) // a name by its form
		ask(r, asked("POST", "/ducks", "application/json", `{"4111 1111 1111 1111":1,"password":"x"}`), 200, true)
	}
	got := facets(coverageOf(t, r, "show"))
	for _, secret := range []string{"4111", "eyJ"} {
		if strings.Contains(got, secret) {
			t.Errorf("%s is kept: %s", secret, got)
		}
	}
	if !strings.Contains(got, "body:application/json{*,password} 5/5") || !strings.Contains(got, "query:*,a 5/5") {
		t.Errorf("names that are no secrets are not kept: %s", got)
	}
}

func TestAskedTakesNoAllocation(t *testing.T) {
	r := fresh(t, reports.Config{})
	for what, q := range map[string]compare.Request{
		"no query":   asked("GET", "/ducks/1", "", ""),
		"parameters": asked("GET", "/ducks?sort=price&page=2&filter%5Bcolour%5D=white&page=3", "", ""),
		"a form":     asked("POST", "/ducks", "application/x-www-form-urlencoded", "b=1&a=2"),
		"JSON":       asked("POST", "/ducks", "application/json", `{"name":"Daisy","tags":["a"],"address":{"city":"x","zip":"y"}}`),
		"no copy":    asked("POST", "/ducks", "application/json", ""),
	} {
		bodied := q.Method == "POST"
		r.Asked("show", 200, q, bodied)
		if n := testing.AllocsPerRun(100, func() { r.Asked("show", 200, q, bodied) }); n != 0 {
			t.Errorf("%s: %g allocations", what, n)
		}
	}
}

// cpuTime is what this process has used, in user and system time; on a machine
// that has other work it tells more than the clock.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkAsked(b *testing.B) {
	long := `{"name":"Daisy","address":{"city":"Duckburg","zip":"1313"},"lines":[{"id":1,"price":"9.90"}` + strings.Repeat(`,{"id":2,"price":"10.00"}`, 40) + `]}`
	for _, c := range []struct {
		name string
		q    compare.Request
	}{
		{"none", asked("GET", "/ducks/1", "", "")},
		{"query", asked("GET", "/ducks?sort=price&page=2&filter=white", "", "")},
		{"uncopied", asked("POST", "/ducks", "application/json; charset=utf-8", "")},
		{"json60", asked("POST", "/ducks", "application/json", `{"name":"Daisy","tags":["a"],"address":{"city":"x"}}`)},
		{"json1k", asked("POST", "/ducks", "application/json", long)},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := fresh(b, reports.Config{})
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				r.Asked("show", 200, c.q, c.q.Method == "POST")
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
	b.Run("hostile", func(b *testing.B) {
		r := fresh(b, reports.Config{})
		list := make([]compare.Request, 1<<16)
		for n := range list {
			list[n] = asked("GET", fmt.Sprintf("/ducks?q%c%c%c%c=1", 'a'+n%26, 'a'+n/26%26, 'a'+n/676%26, 'a'+n/17576), "", "")
		}
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			r.Asked("show", 200, list[n%len(list)], false)
			n++
		}
	})
}
