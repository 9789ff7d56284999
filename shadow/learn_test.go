package shadow

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// learning are routes that learn a session and an id.
const learning = `  - {name: login, match: "POST /login", safe: true, learn: [{from: "cookie:s"}, {from: $.id, into: ["path:id"]}]}
  - {name: logout, match: "POST /logout", safe: true}
  - {name: verify, match: "POST /verify", safe: true, stage: verify, learn: [{from: "cookie:s"}]}
  - {name: back, match: "GET /back", stage: verify}
  - {name: first, match: "GET /first", shadow: {order: before, budget: 10s}, learn: [{from: "cookie:s"}]}
`

// setting answers with a cookie, and a body.
func setting(status int, cookie, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if cookie != "" {
			w.Header().Set("Set-Cookie", cookie)
		}
		answer(status, body)(w, r)
	}
}

// set is a live answer that sets a cookie.
func (r *rig) set(side routes.Side, status int, cookie, body string) Answer {
	a := r.live(side, status, body)
	if cookie != "" {
		a.Exchange.Header.Set("Set-Cookie", cookie)
	}
	return a
}

// with is a request with a session.
func with(req Request, session string) Request {
	req.Header.Set("Cookie", "s="+session)
	return req
}

// last is the last request that a server got.
func (s *server) last(t *testing.T) request {
	t.Helper()
	all := s.requests()
	if len(all) == 0 {
		t.Fatal("there was no request")
	}
	return all[len(all)-1]
}

// TestWhatIsLearnt: which pairs of answers teach a session.
func TestWhatIsLearnt(t *testing.T) {
	long := strings.Repeat("x", maxTerm+1)
	for _, c := range []struct {
		reason                   string
		status                   int
		live, shadow             string
		shadowStatus             int
		want                     string // what the shadow side is sent for the session "old"
		forgiven                 bool   // a match
		liveIncomplete, fromLive bool
	}{
		{reason: "both have one", live: "s=old; Path=/; HttpOnly", shadow: "s=new; Path=/; HttpOnly", want: "s=new", forgiven: true},
		{reason: "a redirect", status: 303, shadowStatus: 303, live: "s=old", shadow: "s=new", want: "s=new", forgiven: true},
		{reason: "the same one", live: "s=old", shadow: "s=old", want: "s=old", forgiven: true},
		{reason: "with blanks", live: " s = old ; Path=/", shadow: "s=new; Path=/", want: "s=new", forgiven: true},
		{reason: "with an age", live: "s=old; Max-Age=60", shadow: "s=new; Max-Age=60", want: "s=new", forgiven: true},
		{reason: "the shadow failed", shadowStatus: 500, live: "s=old", shadow: "s=new", want: "s=old"},
		{reason: "both failed", status: 401, shadowStatus: 401, live: "s=old", shadow: "s=new", want: "s=old", forgiven: true},
		{reason: "the shadow has none", live: "s=old", want: "s=old"},
		{reason: "another cookie", live: "s=old", shadow: "ss=new", want: "s=old"},
		{reason: "an attribute differs, which is reported", live: "s=old; HttpOnly", shadow: "s=new", want: "s=new"},
		{reason: "the shadow takes it away", live: "s=old; Max-Age=60", shadow: "s=new; Max-Age=0", want: "s=old"},
		{reason: "the shadow's is over", live: "s=old; Expires=Sun, 22 Nov 2099 10:00:00 GMT", shadow: "s=new; Expires=Sun, 22 Nov 2009 10:00:00 GMT", want: "s=old"},
		{reason: "too long", live: "s=old", shadow: "s=" + long, want: "s=old", forgiven: true},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{more: learning}).run(t)
			if c.status == 0 {
				c.status = 200
			}
			if c.shadowStatus == 0 {
				c.shadowStatus = 200
			}
			r.new.change(func(s *server) { s.app = setting(c.shadowStatus, c.shadow, `{}`) })
			r.legacy.change(func(s *server) { s.app = setting(c.status, c.live, `{}`) }) // of the re-check
			r.Offer(r.ask("login", "POST", "/login", `{}`), routes.Legacy, r.set(routes.Legacy, c.status, c.live, `{}`))
			if got := r.ledger.compared(t); (got.Verdict == reports.Match) != c.forgiven {
				t.Errorf("recorded %s %+v", got.Verdict, got.Differences)
			}
			r.Offer(with(r.ask("show", "GET", "/accounts/1", ""), "old"), routes.Legacy, r.live(routes.Legacy, 200, `{}`))
			r.ledger.next(t)
			for _, got := range r.new.requests() {
				if strings.HasPrefix(got.Target, "/accounts") && got.Header.Get("Cookie") != c.want {
					t.Errorf("sent %.50q, want %q", got.Header.Get("Cookie"), c.want)
				}
			}
		})
	}
}

// TestTermsOfAClient: ids that look alike are told apart by the client; a
// session is its own client.
func TestTermsOfAClient(t *testing.T) {
	r := newRig(t, options{more: learning}).run(t)
	login := func(req Request, session, id, shadowID string) {
		t.Helper()
		r.new.change(func(s *server) { s.app = setting(200, "s=new-"+session, `{"id":`+shadowID+`}`) })
		r.Offer(req, routes.Legacy, r.set(routes.Legacy, 200, "s="+session, `{"id":`+id+`}`))
		if c := r.ledger.compared(t); c.Verdict != reports.Match {
			t.Fatalf("recorded %+v", c.Differences)
		}
	}
	marked, plain := r.ask("login", "POST", "/login", `{}`), r.ask("login", "POST", "/login", `{}`)
	login(by(marked, "ada"), "a", "7", "70")
	login(plain, "b", "7", "71")
	r.new.change(func(s *server) { s.app = answer(200, `{}`) })
	for _, c := range []struct{ reason, mark, session, target, want, cookie string }{
		{"by its mark", "ada", "", "/accounts/7", "/accounts/70", ""},
		{"by the session that the same answer gave", "", "a", "/accounts/7", "/accounts/70", "s=new-a"},
		{"by its mark and a session that nobody knows", "ada", "x", "/accounts/7", "/accounts/70", "s=x"},
		{"another session", "", "b", "/accounts/7", "/accounts/71", "s=new-b"},
		{"another mark", "bob", "", "/accounts/7", "/accounts/7", ""},
		{"another id", "ada", "", "/accounts/8", "/accounts/8", ""},
		{"a session that nobody knows", "", "c", "/accounts/7", "/accounts/7", "s=c"},
	} {
		req := by(r.ask("show", "GET", c.target, ""), c.mark)
		if c.session != "" {
			req = with(req, c.session)
		}
		r.Offer(req, routes.Legacy, r.live(routes.Legacy, 200, `{}`))
		r.ledger.compared(t)
		if got := r.new.last(t); got.Target != c.want || got.Header.Get("Cookie") != c.cookie {
			t.Errorf("%s: sent %s with %q, want %s with %q", c.reason, got.Target, got.Header.Get("Cookie"), c.want, c.cookie)
		}
	}
}

// TestTermsHaveADirection: what legacy gave is worded for new, and what new gave
// for legacy. A re-check asks each side in its own terms.
func TestTermsHaveADirection(t *testing.T) {
	r := newRig(t, options{more: learning}).run(t)
	r.new.change(func(s *server) { s.app = setting(200, "s=N1", `{}`) })
	r.legacy.change(func(s *server) { s.app = setting(200, "s=L2", `{}`) })
	r.Offer(r.ask("login", "POST", "/login", `{}`), routes.Legacy, r.set(routes.Legacy, 200, "s=L1", `{}`))
	r.Offer(r.ask("verify", "POST", "/verify", `{}`), routes.New, r.set(routes.New, 200, "s=N2", `{}`))
	for range 2 {
		r.ledger.compared(t)
	}
	r.new.change(func(s *server) { s.app = answer(200, `{"n":1}`) })
	r.legacy.change(func(s *server) { s.app = answer(200, `{"n":2}`) })
	for _, c := range []struct{ session, toLegacy, toNew, reason string }{
		{"L1", "s=L1", "s=N1", "legacy's"},
		{"N2", "s=L2", "s=N2", "new's"},
		{"N1", "s=N1", "s=N1", "a shadow's, that no client has"},
	} {
		for _, live := range []routes.Side{routes.Legacy, routes.New} {
			route, target := "show", "/accounts/1"
			if live == routes.New {
				route, target = "back", "/back"
			}
			// The answers differ, so that both sides are asked again.
			r.Offer(with(r.ask(route, "GET", target, ""), c.session), live, r.live(live, 200, `{"n":3}`))
			r.ledger.compared(t)
			if l, n := r.legacy.last(t).Header.Get("Cookie"), r.new.last(t).Header.Get("Cookie"); l != c.toLegacy || n != c.toNew {
				t.Errorf("%s, live %s: legacy got %q and new %q", c.reason, live, l, n)
			}
		}
	}
}

// TestARequestWaitsForItsTerms: the queue serves its newest job first, and the
// answer to a login may take its time.
func TestARequestWaitsForItsTerms(t *testing.T) {
	r := newRig(t, options{more: learning}).run(t)
	release := make(chan struct{})
	r.new.change(func(s *server) {
		slow := held(release, setting(200, "s=new", `{}`))
		s.app = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				slow(w, r)
				return
			}
			answer(200, `{}`)(w, r)
		}
	})
	r.Offer(r.ask("login", "POST", "/login", `{}`), routes.Legacy, r.set(routes.Legacy, 200, "s=old", `{}`))
	const asked = 20
	for range asked {
		r.Offer(with(r.ask("show", "GET", "/accounts/1", ""), "old"), routes.Legacy, r.live(routes.Legacy, 200, `{}`))
	}
	r.Offer(with(r.ask("show", "GET", "/accounts/2", ""), "other"), routes.Legacy, r.live(routes.Legacy, 200, `{}`))
	r.ledger.compared(t) // the other client's does not wait
	// The login may have come to the server later, or not yet.
	if got := slices.DeleteFunc(r.new.requests(), func(q request) bool { return q.Target == "/login" }); len(got) != 1 || got[0].Target != "/accounts/2" {
		t.Errorf("beside the login %+v was served", got)
	}
	r.ledger.quiet(t)
	close(release)
	for range 1 + asked {
		if c := r.ledger.compared(t); c.Verdict != reports.Match {
			t.Errorf("recorded %+v", c)
		}
	}
	for _, got := range r.new.requests() {
		if got.Target == "/accounts/1" && got.Header.Get("Cookie") != "s=new" {
			t.Errorf("sent %q", got.Header.Get("Cookie"))
		}
	}
	r.leavesNothing(t)
}

// TestAStrangerIsNotCompared: a session that was never learnt can not be known
// to the shadow side, so that turning it away is no difference; anything else is.
func TestAStrangerIsNotCompared(t *testing.T) {
	for _, c := range []struct {
		reason, route, session string
		live, shadow           int
		skipped                bool
	}{
		{"turned away", "show", "x", 200, 401, true},
		{"turned away before the live call", "first", "x", 200, 403, true},
		{"sent to the login", "show", "x", 200, 302, true},
		{"a session that is known", "show", "old", 200, 401, false},
		{"no session", "show", "", 200, 401, false},
		{"another fault", "show", "x", 200, 500, false},
		{"both turn it away, in other ways", "show", "x", 403, 401, false},
		{"a login, with a session of before", "login", "x", 200, 302, false},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{more: learning}).run(t)
			r.new.change(func(s *server) { s.app = setting(200, "s=new", `{}`) })
			r.Offer(r.ask("login", "POST", "/login", `{}`), routes.Legacy, r.set(routes.Legacy, 200, "s=old", `{}`))
			r.ledger.compared(t)
			r.new.change(func(s *server) { s.app = answer(c.shadow, `{}`) })
			r.legacy.change(func(s *server) { s.app = answer(c.live, `{}`) }) // of the re-check
			method, target, cookie := "GET", "/accounts/1", ""
			switch c.route {
			case "first":
				target = "/first"
			case "login":
				method, target, cookie = "POST", "/login", "s=again"
			}
			req := r.ask(c.route, method, target, "")
			if c.session != "" {
				req = with(req, c.session)
			}
			live := r.set(routes.Legacy, c.live, cookie, `{}`)
			if c.route == "first" {
				r.Before(t.Context(), req, routes.Legacy).Live(live)
			} else {
				r.Offer(req, routes.Legacy, live)
			}
			if e := r.ledger.next(t); (e.skip == reports.SkipNotLearnt) != c.skipped || e.comparison != nil && e.comparison.Verdict == reports.Match {
				t.Errorf("it became %v", e)
			}
		})
	}
}

// TestASafeShadowBeforeLiveTeachesToo.
func TestASafeShadowBeforeLiveTeachesToo(t *testing.T) {
	r := newRig(t, options{more: learning}).run(t)
	r.new.change(func(s *server) { s.app = setting(200, "s=new", `{}`) })
	p := r.Before(t.Context(), r.ask("first", "GET", "/first", ""), routes.Legacy)
	p.Live(r.set(routes.Legacy, 200, "s=old", `{}`))
	r.ledger.compared(t)
	r.Before(t.Context(), with(r.ask("first", "GET", "/first", ""), "old"), routes.Legacy).Live(r.live(routes.Legacy, 200, `{}`))
	r.ledger.next(t)
	if got := r.new.last(t).Header.Get("Cookie"); got != "s=new" {
		t.Errorf("sent %q", got)
	}
}

// TestForgottenWithItsCookie: whatever route takes the cookie away.
func TestForgottenWithItsCookie(t *testing.T) {
	for cookie, kept := range map[string]bool{
		"s=; Max-Age=0": false, "s=x; Max-Age=-1": false, "s=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT": false, "s=": false,
		"s=x; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT": true, "t=; Max-Age=0": true, "": true,
	} {
		r := newRig(t, options{more: learning}).run(t)
		r.new.change(func(s *server) { s.app = setting(200, "s=new", `{}`) })
		r.Offer(r.ask("login", "POST", "/login", `{}`), routes.Legacy, r.set(routes.Legacy, 200, "s=old", `{}`))
		r.ledger.compared(t)
		r.new.change(func(s *server) { s.app = setting(200, cookie, `{}`) })
		r.Offer(with(r.ask("logout", "POST", "/logout", `{}`), "old"), routes.Legacy, r.set(routes.Legacy, 200, cookie, `{}`))
		r.ledger.compared(t)
		if got := r.new.last(t).Header.Get("Cookie"); got != "s=new" {
			t.Errorf("%q: the logout itself was sent with %q", cookie, got)
		}
		if n := r.Stats().Terms; (n == 1) != kept {
			t.Errorf("%q: %d are kept, want kept %v", cookie, n, kept)
		}
	}
}

// TestLearntOfACompressedAnswer: the client's Accept-Encoding goes on to both.
func TestLearntOfACompressedAnswer(t *testing.T) {
	r := newRig(t, options{more: learning}).run(t)
	zip := func(text string) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, text)
		w.Close()
		return b.Bytes()
	}
	r.new.change(func(s *server) {
		s.app = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", "application/json")
			w.Write(zip(`{"id":"b"}`))
		}
	})
	a := r.live(routes.Legacy, 200, string(zip(`{"id":"a"}`)))
	a.Exchange.Header.Set("Content-Encoding", "gzip")
	r.Offer(by(r.ask("login", "POST", "/login", `{}`), "ada"), routes.Legacy, a)
	if c := r.ledger.compared(t); c.Verdict != reports.Match {
		t.Errorf("recorded %+v", c)
	}
	r.new.change(func(s *server) { s.app = answer(200, `{}`) })
	r.Offer(by(r.ask("show", "GET", "/accounts/a", ""), "ada"), routes.Legacy, r.live(routes.Legacy, 200, `{}`))
	r.ledger.compared(t)
	if got := r.new.last(t).Target; got != "/accounts/b" {
		t.Errorf("sent to %s", got)
	}
}

// TestATableWithoutTermsLearnsNothing, and waits for nothing.
func TestATableWithoutTermsLearnsNothing(t *testing.T) {
	r := newRig(t, options{}).run(t)
	r.new.change(func(s *server) { s.app = setting(200, "s=new", `{"id":1}`) })
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.set(routes.Legacy, 200, "s=old", `{"id":1}`))
	if c := r.ledger.compared(t); c.Verdict == reports.Match || c.Secrets != nil {
		t.Errorf("recorded %+v", c)
	}
	r.Offer(with(r.ask("show", "GET", "/accounts/1", ""), "old"), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	r.ledger.next(t)
	if got, n := r.new.last(t).Header.Get("Cookie"), r.Stats().TermsLearnt; got != "s=old" || n != 0 {
		t.Errorf("sent %q, %d learnt", got, n)
	}
}

// FuzzGiven: no answer is too bad to be looked into.
func FuzzGiven(f *testing.F) {
	tab, err := routes.Parse("routes.yaml", []byte(`version: 1
backends: {a: {urls: ["http://127.0.0.1:1"]}, b: {urls: ["http://127.0.0.1:2"]}}
defaults: {legacy: a, new: b}
routes:
  - {name: login, match: "GET /{id}", learn: [{from: "cookie:s"}, {from: "header:Authorization"}, {from: "$.a[0].id", into: ["path:id", "query:q", $.a.b]}]}
`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("s=1; Max-Age=0", "Bearer x", `{"a":[{"id":1}]}`, "s=1; t=2", "q=1&q=%zz", "/%20", `{"a":{"b":7}}`)
	f.Fuzz(func(t *testing.T, cookie, field, body, sent, query, path, asked string) {
		r, params := tab.Match("GET", path)
		if r.Name != "login" {
			return
		}
		ex := compare.Exchange{Status: 200, Header: http.Header{"Set-Cookie": {cookie}, "Authorization": {field}}, Body: []byte(body), Size: int64(len(body))}
		req := &Request{Route: r, Params: params, Path: path, RawQuery: query, Body: []byte(asked),
			Header: http.Header{"Cookie": {sent}, "Authorization": {field}, "Content-Type": {"application/json"}}}
		d := New(Config{Workers: 1})
		before := fmt.Sprint(req)
		d.learn(req, routes.Legacy, &ex, &compare.Exchange{Status: 200, Header: http.Header{"Set-Cookie": {"s=new"}, "Authorization": {"Bearer new"}},
			Body: []byte(`{"a":[{"id":"new"}]}`), Size: 20})
		w := words(req, req.Header.Clone())
		d.reword(w, routes.New)
		if fmt.Sprint(req) != before {
			t.Errorf("the request was changed to %v, from %s", req, before)
		}
		if strings.Count(w.path, "/") != strings.Count(req.Path, "/") || strings.Count(w.rawQuery, "&") != strings.Count(req.RawQuery, "&") {
			t.Errorf("%q?%q became %q?%q", req.Path, req.RawQuery, w.path, w.rawQuery)
		}
	})
}
