package shadow

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

func TestSafeRequestIsShadowedAndCompared(t *testing.T) {
	r := newRig(t, options{}).run(t)
	r.new.change(func(s *server) { s.app = answer(200, `{"id":1,"name":"Ada"}`) })
	req := r.ask("show", "GET", "/accounts/1?full=1;x=%zz", "")
	r.Offer(req, routes.Legacy, r.live(routes.Legacy, 200, `{"id":1,"name":"Ada"}`))
	c := r.ledger.compared(t)
	if c.Verdict != reports.Match || c.ID != req.ID || c.Route != "show" || c.Stage != "shadow" || c.Live != "legacy" || c.First != "legacy" {
		t.Errorf("recorded %+v", c)
	}
	if c.Request.Target != "/accounts/1?full=1;x=%zz" || c.New.URL != r.new.URL+"/accounts/1?full=1;x=%zz" || c.New.Backend != "accounts" {
		t.Errorf("recorded request %q, new side %q of %q", c.Request.Target, c.New.URL, c.New.Backend)
	}
	if c.Legacy.Latency != 3*time.Millisecond || c.New.Latency <= 0 || c.New.Latency > patience {
		t.Errorf("latencies %v and %v", c.Legacy.Latency, c.New.Latency)
	}
	if n := len(r.legacy.requests()); n != 0 {
		t.Errorf("legacy, which answered live, got %d shadow calls", n)
	}
}

func TestDifferenceIsEvidence(t *testing.T) {
	r := newRig(t, options{}).run(t)
	r.legacy.change(func(s *server) { s.app = answer(200, `{"id":1,"price":"10.00"}`) })
	r.new.change(func(s *server) { s.app = answer(200, `{"id":1,"price":"10.01"}`) })
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1,"price":"10.00"}`))
	c := r.ledger.compared(t)
	if c.Verdict != reports.Mismatch || c.Unsteady || len(c.Differences) != 1 {
		t.Fatalf("recorded %+v", c)
	}
	x := c.Differences[0]
	if x.Path != "$.price" || x.Kind != compare.KindValue || x.Legacy != `"10.00"` || x.New != `"10.01"` || x.Verdict != reports.Mismatch {
		t.Errorf("difference %+v", x)
	}
	if string(c.New.Answer.Body) != `{"id":1,"price":"10.01"}` {
		t.Errorf("new side's body %q", c.New.Answer.Body)
	}
}

// TestShadowRequestAsSent holds what a shadow request looks like on the wire.
func TestShadowRequestAsSent(t *testing.T) {
	r := newRig(t, options{more: `  - {name: moved, match: "GET /old/{id}", rewrite: {new: {path: "/v2/accounts/{id}"}}}` + "\n"}).run(t)
	req := r.ask("moved", "GET", "/old/7", "")
	req.RawQuery, req.ReadOnly = "a=1", true
	for name, value := range map[string]string{
		"If-None-Match": `"1"`, "If-Modified-Since": "Sun, 22 Nov 2026 10:00:00 GMT", "If-Range": `"1"`, "Expect": "100-continue",
		"Range": "bytes=0-3", "If-Match": `"2"`, "Cookie": "a=b", "Baggage": "tenant=7",
	} {
		req.Header.Set(name, value)
	}
	before := req.Header.Clone()
	r.Offer(req, routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	r.ledger.compared(t)
	got := r.new.requests()
	if len(got) != 1 {
		t.Fatalf("%d requests were sent", len(got))
	}
	sent := got[0]
	if sent.Method != "GET" || sent.Target != "/v2/accounts/7?a=1" || sent.Host != "shop.example" {
		t.Errorf("sent %s %s, Host %s", sent.Method, sent.Target, sent.Host)
	}
	for _, gone := range []string{"If-None-Match", "If-Modified-Since", "If-Range", "Expect", "User-Agent", "Accept-Encoding", "Quack-Shadow"} {
		if v, ok := sent.Header[gone]; ok {
			t.Errorf("%s was sent: %q", gone, v)
		}
	}
	for name, want := range map[string]string{
		"Range": "bytes=0-3", "If-Match": `"2"`, "Cookie": "a=b", "Accept": "application/json",
		"Quack-Request-Id": req.ID, "Quack-Role": "shadow", "Quack-Read-Only": "1",
	} {
		if v := sent.Header.Get(name); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
	if v := strings.Join(sent.Header["Baggage"], ","); !strings.Contains(v, "tenant=7") || !strings.Contains(v, "quack.shadow="+req.ID+".") {
		t.Errorf("Baggage: %q", v)
	}
	if v := sent.Header.Get("Traceparent"); !regexp.MustCompile(`^00-(ab){16}-[0-9a-f]{16}-01$`).MatchString(v) {
		t.Errorf("Traceparent: %q", v)
	}
	if len(req.Header) != len(before) || req.Header.Get("If-None-Match") != `"1"` {
		t.Errorf("the snapshot was changed: %v", req.Header)
	}
}

func TestSafeRequestBodyIsSent(t *testing.T) {
	r := newRig(t, options{more: `  - {name: search, match: "POST /search", safe: true}` + "\n"}).run(t)
	r.Offer(r.ask("search", "POST", "/search", `{"q":"ada"}`), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	if c := r.ledger.compared(t); c.Verdict != reports.Match || string(c.Request.Body) != `{"q":"ada"}` || c.Request.BodySize != 11 {
		t.Errorf("recorded %+v", c)
	}
	if got := r.new.requests(); len(got) != 1 || got[0].Body != `{"q":"ada"}` || got[0].Header.Get("Content-Length") != "11" {
		t.Errorf("sent %+v", got)
	}
}

func TestProvedBackendRunsSafeRequestsReadOnly(t *testing.T) {
	r := newRig(t, options{rollback: "header"}).proved(t)
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	c := r.ledger.compared(t)
	if c.Verdict != reports.Match {
		t.Errorf("the acknowledgement shows in the comparison: %+v", c)
	}
	if got := r.new.requests(); len(got) != 1 || got[0].Mode != ModeReadOnly {
		t.Errorf("sent %+v", got)
	}
	for name := range c.New.Answer.Header {
		if strings.HasPrefix(name, "Quack-") {
			t.Errorf("%s is in the evidence", name)
		}
	}

	r.new.acknowledge("write:25006:update:accounts")
	r.new.change(func(s *server) { s.app = answer(500, `{"error":"read-only transaction"}`) })
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	c = r.ledger.compared(t)
	last := c.Differences[len(c.Differences)-1]
	if c.Verdict != reports.Mismatch || last.Kind != compare.KindWrites || last.Path != "table:accounts" || last.Legacy != "" ||
		last.New != "update refused in a read-only transaction (SQLSTATE 25006)" {
		t.Errorf("a write in a safe request: %+v", c)
	}
	if n := len(r.new.requests()); n != 2 {
		t.Errorf("a write in a safe request was asked again: %d requests", n)
	}

	r.new.acknowledge("escape:commit")
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	r.ledger.skipped(t, reports.SkipLatched)
	if leaks := r.latches.all(); len(leaks) != 1 || leaks[0].Route != "show" || !strings.Contains(leaks[0].Why, "commit") {
		t.Errorf("latched %+v", leaks)
	}
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	r.ledger.skipped(t, reports.SkipLatched)
	if n := len(r.new.requests()); n != 3 {
		t.Errorf("a latched route was shadowed: %d requests", n)
	}
}

func TestSafeRequestToAnUnprovedBackendGoesPlain(t *testing.T) {
	r := newRig(t, options{rollback: "header", newcomer: stranger}).run(t)
	eventually(t, "the new side was asked for its proof", func() bool { return r.new.hellos() >= 1 })
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	if c := r.ledger.compared(t); c.Verdict != reports.Match {
		t.Errorf("recorded %+v", c)
	}
	if got := r.new.requests(); len(got) != 1 || got[0].Header.Get("Quack-Shadow") != "" || !strings.Contains(got[0].Header.Get("Baggage"), "quack.shadow=") {
		t.Errorf("sent %+v", got)
	}
}

// TestSafePostNeedsTheAdapter: only the route says that a POST is safe, so the
// adapter would refuse one without a Quack-Shadow as a write of a shadow's.
func TestSafePostNeedsTheAdapter(t *testing.T) {
	const search = `  - {name: search, match: "POST /search", safe: true}` + "\n"
	r := newRig(t, options{rollback: "header", newcomer: stranger, more: search}).run(t)
	eventually(t, "the new side was asked for its proof", func() bool { return r.new.hellos() >= 1 })
	r.Offer(r.ask("search", "POST", "/search", `{}`), routes.Legacy, r.live(routes.Legacy, 200, `{}`))
	r.ledger.skipped(t, reports.SkipNoProof)
	if n := len(r.new.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestWhatIsNotShadowed(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing}).proved(t)
	broken := r.live(routes.Legacy, 200, `{"id"`)
	broken.Exchange.Incomplete = "unexpected EOF"
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, broken)
	r.ledger.skipped(t, reports.SkipAborted)
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, Answer{})
	r.ledger.skipped(t, reports.SkipAborted)
	r.Offer(r.ask("create", "POST", "/accounts", `{}`), routes.Legacy, r.live(routes.Legacy, 201, `{"id":1}`))
	r.ledger.skipped(t, reports.SkipNoProof)
	if n := len(r.new.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestNotModifiedIsSampledAnew(t *testing.T) {
	r := newRig(t, options{}).run(t)
	for range askAnewEvery - 1 {
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 304, ""))
		r.ledger.skipped(t, reports.SkipNotModified)
	}
	req := r.ask("show", "GET", "/accounts/1", "")
	req.Header.Set("If-None-Match", `"1"`)
	r.Offer(req, routes.Legacy, r.live(routes.Legacy, 304, ""))
	if c := r.ledger.compared(t); c.Verdict != reports.Match || c.Live != "" || c.Legacy.Answer.Status != 200 || c.New.Answer.Status != 200 {
		t.Errorf("recorded %+v", c)
	}
	for _, s := range []*server{r.legacy, r.new} {
		if got := s.requests(); len(got) != 1 || got[0].Header.Get("If-None-Match") != "" {
			t.Errorf("sent %+v", got)
		}
	}
}

func TestLongAnswerIsComparedByDigest(t *testing.T) {
	r := newRig(t, options{shadow: "max_body: 1KiB"}).run(t)
	long := strings.Repeat("quack ", 1000)
	r.new.change(func(s *server) {
		s.app = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) }
	})
	live := r.live(routes.Legacy, 200, "")
	live.Exchange.Header.Set("Content-Type", "text/plain; charset=utf-8")
	live.Exchange.Size, live.Exchange.Body, live.Exchange.Digest = int64(len(long)), nil, sha256.Sum256([]byte(long))
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, live)
	c := r.ledger.compared(t)
	if got := c.New.Answer; c.Verdict != reports.Match || got.Body != nil || got.Size != live.Exchange.Size || got.Digest != live.Exchange.Digest {
		t.Errorf("recorded %s, body of %d bytes, size %d, %v", c.Verdict, len(got.Body), got.Size, c.Differences)
	}
}

func TestBodyAtTheLimitIsWhole(t *testing.T) {
	for _, n := range []int{0, 1, 1023, 1024, 1025, 5000} {
		var ex compare.Exchange
		body := strings.Repeat("x", n)
		if err := readBody(&ex, strings.NewReader(body), -1, 1024); err != nil || ex.Size != int64(n) {
			t.Errorf("%d bytes: size %d, %v", n, ex.Size, err)
		}
		if whole := n <= 1024; whole && string(ex.Body) != body || !whole && (ex.Body != nil || ex.Digest != sha256.Sum256([]byte(body))) {
			t.Errorf("%d bytes: kept %d, digest %x", n, len(ex.Body), ex.Digest)
		}
	}
}

// TestFaultsOfTheShadowSide holds which faults are skips and which are errors.
func TestFaultsOfTheShadowSide(t *testing.T) {
	// Half of the time may go in the queue before it counts as stale.
	r := newRig(t, options{more: `  - {name: hurried, match: "GET /hurried", shadow: {timeout: 2s}}` + "\n"}).run(t)
	offer := func() {
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	}
	r.new.change(func(s *server) { s.app = held(nil, nil) })
	r.Offer(r.ask("hurried", "GET", "/hurried", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	r.ledger.skipped(t, reports.SkipTimeout)

	hijack := func(write string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(conn, write)
			_ = conn.Close()
		}
	}
	r.new.change(func(s *server) { s.app = hijack("") })
	offer()
	r.ledger.skipped(t, reports.SkipUnreachable)

	r.new.change(func(s *server) {
		s.app = hijack("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"id\":1")
	})
	offer()
	if c := r.ledger.compared(t); c.Verdict != reports.Error || c.Err == "" || c.New.Answer.Incomplete == "" {
		t.Errorf("recorded %+v", c)
	}

	r.new.Listener.Close()
	r.new.CloseClientConnections()
	offer()
	r.ledger.skipped(t, reports.SkipUnreachable)
}

// TestLatencyBeginsWhenTheRequestIsSent: the time that a large request takes
// on its way is not the backend's.
func TestLatencyBeginsWhenTheRequestIsSent(t *testing.T) {
	r := newRig(t, options{shadow: "max_body: 64MiB", more: `  - {name: search, match: "POST /search", safe: true}` + "\n"}).run(t)
	const way = 300 * time.Millisecond
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		time.Sleep(way) // meanwhile the body fills all buffers on its way
		_, _ = io.Copy(io.Discard, q.Body)
		answer(200, `{"id":1}`)(w, q)
	}))
	defer slow.Close()
	u, err := url.Parse(slow.URL)
	if err != nil {
		t.Fatal(err)
	}
	b := upstream.New("accounts", []*url.URL{u}, upstream.Options{})
	r.cfg.Backend = func(*routes.Backend) *upstream.Backend { return b }
	began := time.Now()
	got, skip := r.Dispatcher.ask(t.Context(), ptr(r.ask("search", "POST", "/search", strings.Repeat("q", 16<<20))), routes.New)
	if skip != "" || time.Since(began) < way || got.latency > time.Since(began)-way {
		t.Errorf("skip %q, latency %v of %v", skip, got.latency, time.Since(began))
	}
}

func ptr[T any](v T) *T { return &v }

// TestUnreachableInstanceHasToProveItselfAgain: what answers next may be
// another process.
func TestUnreachableInstanceHasToProveItselfAgain(t *testing.T) {
	r := newRig(t, options{rollback: "header"}).proved(t)
	hellos := r.new.hellos()
	r.new.change(func(s *server) { s.app = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) } })
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	r.ledger.skipped(t, reports.SkipUnreachable)
	eventually(t, "the instance is asked again", func() bool { return r.new.hellos() > hellos })
}

func TestEndings(t *testing.T) {
	for _, c := range []struct {
		reason string
		err    error
		want   ending
	}{
		{"answered", nil, endedWell},
		{"too late", fmt.Errorf("call: %w", context.DeadlineExceeded), endedFaulty},
		{"unreachable", io.ErrUnexpectedEOF, endedFaulty},
		{"Quack is stopping", fmt.Errorf("call: %w", context.Canceled), endedUnknown},
		{"never sent", fmt.Errorf("make: %w", errNotSent), endedUnknown},
	} {
		if got := endingOf(c.err); got != c.want {
			t.Errorf("%s: %v", c.reason, got)
		}
	}
}

func TestPanicInComparingIsAVerdict(t *testing.T) {
	r := newRig(t, options{})
	r.compare = func(_, _ *compare.Exchange, _ *compare.Rules, _ compare.Known) compare.Result { panic("two ducks") }
	r.run(t)
	for range 20 { // more than there are workers
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
		if c := r.ledger.compared(t); c.Verdict != reports.Error || !strings.Contains(c.Err, "two ducks") {
			t.Fatalf("recorded %+v", c)
		}
	}
	if !strings.Contains(r.log.String(), "two ducks") {
		t.Error("the log does not say so")
	}
}

func TestPanicInAJobIsAVerdict(t *testing.T) {
	r := newRig(t, options{change: func(c *Config) { c.Protocol = panicky{newCodec(secret)} }}).run(t)
	for range 20 {
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
		if c := r.ledger.compared(t); c.Verdict != reports.Error || !strings.Contains(c.Err, "no ink") {
			t.Fatalf("recorded %+v", c)
		}
	}
}

// panicky is a protocol that panics where a shadow request is marked.
type panicky struct{ codec }

func (panicky) MarkContext(http.Header, string, string, time.Time, bool) { panic("no ink") }
