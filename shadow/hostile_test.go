package shadow

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// TestOneRequestIsFewClients: a cookie that is sent a thousand times does not
// have the terms of others forgotten, nor lanes made for each.
func TestOneRequestIsFewClients(t *testing.T) {
	r := newRig(t, options{more: learning}).run(t)
	r.new.change(func(s *server) { s.app = setting(200, "s=new", `{"id":99}`) })
	req := r.ask("login", "POST", "/login", `{}`)
	req.Header["Cookie"] = []string{manyCookies(4000)}
	if n := len(owners(&req)); n > mostOwners {
		t.Errorf("it is %d clients", n)
	}
	if n := len(heldTerms(&req, routes.New)); n > mostMentions*mostOwners {
		t.Errorf("it waits for %d terms", n)
	}
	r.Offer(req, routes.Legacy, r.set(routes.Legacy, 200, "s=old", `{"id":7}`))
	r.ledger.compared(t)
	if n := r.Stats().Terms; n > 2*mostOwners {
		t.Errorf("%d terms were learnt", n)
	}
}

func manyCookies(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "s=%d; ", i)
	}
	return b.String()
}

// TestWhatTheShadowSideEchoes: what only the shadow side calls a session is a
// secret in the comparisons of other routes too.
func TestWhatTheShadowSideEchoes(t *testing.T) {
	const more = learning + `  - {name: token, match: "POST /token", safe: true, learn: [{from: $.t, into: ["query:t", $.t]}]}
  - {name: asks, match: "POST /asks", safe: true}
`
	for _, c := range []struct {
		reason string
		teach  string
		live   func(*rig) Answer
		shadow http.HandlerFunc
		ask    func(*rig) Request
		want   []string
	}{
		{"a cookie", "login", func(r *rig) Answer { return r.set(routes.Legacy, 200, "s=the-old-one", `{}`) }, setting(200, "s=the-new-one", `{}`),
			func(r *rig) Request { return with(r.ask("show", "GET", "/accounts/1", ""), "the-old-one") }, []string{"the-old-one", "the-new-one"}},
		{"in the query", "token", func(r *rig) Answer { return r.live(routes.Legacy, 200, `{"t":"the-old-one"}`) }, answer(200, `{"t":"the-new-one"}`),
			func(r *rig) Request { return r.ask("show", "GET", "/accounts/1?t=the-old-one", "") }, []string{"the-old-one", "the-new-one"}},
		{"a token in a body", "token", func(r *rig) Answer { return r.live(routes.Legacy, 200, `{"t":"the-old-one-0123456789"}`) },
			answer(200, `{"t":"the-new-one-0123456789"}`),
			func(r *rig) Request { return r.ask("asks", "POST", "/asks", `{"t":"the-old-one-0123456789"}`) },
			[]string{"the-old-one-0123456789", "the-new-one-0123456789"}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{more: more}).run(t)
			r.new.change(func(s *server) { s.app = c.shadow })
			r.Offer(r.ask(c.teach, "POST", "/"+c.teach, `{}`), routes.Legacy, c.live(r))
			r.ledger.compared(t)
			r.new.change(func(s *server) { s.app = answer(200, `{"you":"`+c.want[1]+`"}`) })
			r.Offer(c.ask(r), routes.Legacy, r.live(routes.Legacy, 200, `{"you":"`+c.want[0]+`"}`))
			got := r.ledger.compared(t)
			for _, w := range c.want {
				if !slices.Contains(got.Secrets, w) {
					t.Errorf("%q is no secret among %q", w, got.Secrets)
				}
			}
		})
	}
}

// TestWhatACalibrationLearns: two tokens that legacy gave for one request are
// both secrets in what is kept of a calibration.
func TestWhatACalibrationLearns(t *testing.T) {
	const more = `  - {name: token, match: "POST /token", safe: true, learn: [{from: $.t, into: ["header:X-Tok"]}]}` + "\n"
	r := newRig(t, options{more: more})
	req := r.ask("token", "POST", "/token", `{}`)
	said := func(body string) answered {
		return answered{exchange: compare.Exchange{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body), Size: int64(len(body))}}
	}
	got := calibrated(&req, said(`{"t":"the-first"}`), said(`{"t":"the-second"}`)).Secrets
	if !slices.Equal(got, []string{"the-first", "the-second"}) {
		t.Errorf("secrets %q", got)
	}
}

// TestDotsAreNoTerm: a path with them in it would be another one.
func TestDotsAreNoTerm(t *testing.T) {
	for _, c := range []struct{ id, want string }{
		{`".."`, "/accounts/7"}, {`"."`, "/accounts/7"}, {`"..."`, "/accounts/..."}, {`"../x?y#z"`, "/accounts/..%2Fx%3Fy%23z"}, {`"a;b=c"`, "/accounts/a%3Bb=c"},
	} {
		r := newRig(t, options{more: learning}).run(t)
		r.new.change(func(s *server) { s.app = answer(200, `{"id":`+c.id+`}`) })
		r.Offer(by(r.ask("login", "POST", "/login", `{}`), "ada"), routes.Legacy, r.live(routes.Legacy, 200, `{"id":"7"}`))
		r.ledger.compared(t)
		r.Offer(by(r.ask("show", "GET", "/accounts/7", ""), "ada"), routes.Legacy, r.live(routes.Legacy, 200, `{}`))
		r.ledger.compared(t)
		if got := slices.DeleteFunc(r.new.requests(), func(q request) bool { return q.Method == "POST" })[0].Target; got != c.want {
			t.Errorf("%s: asked %s, want %s", c.id, got, c.want)
		}
	}
}

// TestKeptWriteAfterAReload: a write that has waited goes to the copy that it was
// meant for, and nowhere when its backend's name stands for something else by now.
func TestKeptWriteAfterAReload(t *testing.T) {
	for _, c := range []struct {
		reason   string
		from, to string // in the file
		sent     bool
	}{
		{"nothing of it changed", "sample: 100%", "sample: 99%", true},
		{"the name stands for the live side", "NEW", "LEGACY", false},
		{"it works on the live database by now", "database: copy", "database: shop", false},
		{"it rolls back by now", "database: copy", "database: copy, rollback: header", false},
		{"it is gone", "  accounts: {", "  others: {", false},
	} {
		t.Run(c.reason, func(t *testing.T) {
			file := `version: 1
backends:
  monolith: {urls: ["LEGACY"], database: shop}
  accounts: {urls: ["NEW"], database: copy}
databases: {shop: {}, copy: {}}
defaults: {legacy: monolith, new: accounts, stage: shadow, shadow: {order: clone, sample: 100%}}
routes:
  - {name: create, match: "POST /accounts"}
`
			r := newRig(t, options{})
			read := func(s string) *routes.Table {
				s = strings.NewReplacer("LEGACY", r.legacy.URL, "NEW", r.new.URL).Replace(s)
				tab, err := routes.Parse("routes.yaml", []byte(s))
				if err != nil {
					t.Fatal(err)
				}
				return tab
			}
			r.table = read(file)
			// Connections are found by name, as in the process.
			set := upstream.NewSet()
			use := func(tab *routes.Table) {
				var specs []upstream.Spec
				for _, b := range tab.Backends() {
					specs = append(specs, upstream.Spec{Name: b.Name, URLs: b.URLs})
				}
				set.Use(specs)
			}
			use(r.table)
			r.cfg.Backend = func(b *routes.Backend) *upstream.Backend { return set.Backend(b.Name) }

			req := r.ask("create", "POST", "/accounts", `{"name":"Ada"}`)
			r.Offer(req, routes.Legacy, r.live(routes.Legacy, 201, `{"id":1}`)) // and waits: nothing runs yet
			after := strings.Replace(file, c.from, c.to, 1)
			if c.reason != "nothing of it changed" {
				after = strings.Replace(after, "order: clone, ", "", 1)
				after = strings.Replace(after, "stage: shadow", "stage: legacy", 1)
				if c.to == "  others: {" {
					after = strings.Replace(after, "new: accounts", "new: others", 1)
				}
			}
			r.table = read(after)
			use(r.table)
			r.run(t)
			e := r.ledger.next(t)
			if sent := e.comparison != nil; sent != c.sent || !sent && e.skip != reports.SkipNoProof {
				t.Errorf("recorded %v", e)
			}
			if n := len(r.legacy.requests()); n != 0 {
				t.Errorf("the live side got it %d times more", n)
			}
			if n := len(r.new.requests()); n > 1 || (n == 1) != c.sent {
				t.Errorf("the copy got it %d times", n)
			}
			if !c.sent && !strings.Contains(r.log.String(), "a write may be missing") {
				t.Error("the log does not say so")
			}
		})
	}
}
