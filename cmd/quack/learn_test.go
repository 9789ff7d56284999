package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/quackproxy/quack/reports"
)

// shop is a backend with sessions, tokens and orders of its own.
type shop struct {
	*httptest.Server
	name string

	mu       sync.Mutex
	sessions map[string]string // who, by session
	tokens   map[string]string // who, by token
	orders   map[string]string // whose, by number
	next     int
	refused  int
}

// newShop makes a shop whose orders begin at a number.
func newShop(t *testing.T, name string, first int) *shop {
	s := &shop{name: name, sessions: map[string]string{}, tokens: map[string]string{}, orders: map[string]string{}, next: first}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
	mux.HandleFunc("GET /me", s.me)
	mux.HandleFunc("POST /orders", s.order)
	mux.HandleFunc("GET /orders/{order}", s.show)
	mux.HandleFunc("POST /pay", s.pay)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *shop) login(w http.ResponseWriter, r *http.Request) {
	who := r.URL.Query().Get("who")
	session, token := s.name+"-session-"+rand.Text(), "ey."+s.name+"-token-"+rand.Text()
	s.mu.Lock()
	s.sessions[session], s.tokens[token] = who, who
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "session", Value: session, Path: "/", HttpOnly: true})
	s.json(w, 201, map[string]any{"who": who, "ticket": token})
}

func (s *shop) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "session", Path: "/", MaxAge: -1})
	w.WriteHeader(204)
}

// who is whom a request is from, by its session or its token.
func (s *shop) who(w http.ResponseWriter, r *http.Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := ""
	if c, err := r.Cookie("session"); err == nil {
		who = s.sessions[c.Value]
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		who = s.tokens[token]
	}
	if who == "" {
		s.refused++
		w.WriteHeader(401)
	}
	return who
}

func (s *shop) me(w http.ResponseWriter, r *http.Request) {
	if who := s.who(w, r); who != "" {
		s.json(w, 200, map[string]any{"who": who})
	}
}

func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	who := s.who(w, r)
	if who == "" {
		return
	}
	s.mu.Lock()
	s.next++
	id := s.next
	s.orders[fmt.Sprint(id)] = who
	s.mu.Unlock()
	s.json(w, 201, map[string]any{"id": id})
}

func (s *shop) show(w http.ResponseWriter, r *http.Request) {
	who := s.who(w, r)
	if who == "" {
		return
	}
	s.mu.Lock()
	owner := s.orders[r.PathValue("order")]
	s.mu.Unlock()
	if owner != who {
		w.WriteHeader(404)
		return
	}
	s.json(w, 200, map[string]any{"of": owner})
}

func (s *shop) pay(w http.ResponseWriter, r *http.Request) {
	who := s.who(w, r)
	if who == "" {
		return
	}
	var asked struct {
		Order json.Number `json:"order"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		w.WriteHeader(400)
		return
	}
	s.mu.Lock()
	owner := s.orders[asked.Order.String()]
	s.mu.Unlock()
	s.json(w, 200, map[string]any{"paid": owner == who})
}

func (s *shop) json(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// secrets are all sessions and tokens that were given out.
func (s *shop) secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for v := range s.sessions {
		all = append(all, v)
	}
	for v := range s.tokens {
		all = append(all, v)
	}
	return all
}

// customer is a client with a cookie jar, and the token of its last login.
type customer struct {
	t     *testing.T
	url   string
	http  http.Client
	token string
}

func newCustomer(t *testing.T, q *running) *customer {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &customer{t: t, url: q.url, http: http.Client{Jar: jar}}
}

// ask sends a request, and decodes its answer.
func (c *customer) ask(method, target, body string, change ...func(*http.Request)) (int, map[string]any) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.url+target, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(req)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var answer map[string]any
	_ = json.Unmarshal(text, &answer)
	return res.StatusCode, answer
}

func (c *customer) login(who string) {
	c.t.Helper()
	status, answer := c.ask("POST", "/login?who="+who, "")
	if status != 201 {
		c.t.Fatalf("login: %d", status)
	}
	c.token, _ = answer["ticket"].(string)
}

// bearer sends the token in place of the session.
func (c *customer) bearer(r *http.Request) {
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Del("Cookie")
}

const learnt = `learn: [{from: "cookie:session"}, {from: $.ticket, into: ["header:Authorization"]}]`

// shops is a routes.yaml for two shops.
func shops(legacy, newer *shop, stage, login string) string {
	return fmt.Sprintf(`version: 1
backends:
  monolith: {urls: [%s], database: shop}
  accounts: {urls: [%s], database: copy}
databases: {shop: {}, copy: {}}
defaults: {legacy: monolith, new: accounts, stage: %s, shadow: {order: clone}}
routes:
  - {name: login, match: POST /login%s}
  - {name: logout, match: POST /logout}
  - {name: me, match: GET /me}
  - name: order
    match: POST /orders
    learn: [{from: $.id, into: ["path:order", $.order]}]
  - {name: show, match: "GET /orders/{order}"}
  - {name: pay, match: POST /pay}
`, legacy.URL, newer.URL, stage, login)
}

// matched waits until n requests of a route were compared, and wants them all
// to match.
func (q *running) matched(route string, n int64) {
	q.t.Helper()
	r := q.until(route, fmt.Sprint(n, " compared"), func(r reports.RouteReport) bool { return r.Compared == n })
	if r.Matched != n {
		q.t.Errorf("%s: matched %d of %d; differences %+v", route, r.Matched, n, q.differences())
	}
}

// TestSessionsOfTwoSides: each side has sessions and tokens of its own. After a
// login the shadow side knows the client by what it has given itself, at each
// stage, and nobody by what it has given another.
func TestSessionsOfTwoSides(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"shadow", "verify"} {
		t.Run(stage, func(t *testing.T) {
			legacy, newer := newShop(t, "legacy", 100), newShop(t, "new", 5000)
			q := start(t, shops(legacy, newer, stage, ", "+learnt))
			ada, bob := newCustomer(t, q), newCustomer(t, q)
			ada.login("ada")
			bob.login("bob")
			for range 25 {
				for _, c := range []*customer{ada, bob} {
					c.ask("GET", "/me", "")
					c.ask("GET", "/me", "", c.bearer)
				}
			}
			q.matched("login", 2)
			q.matched("me", 100)
			if legacy.refused+newer.refused != 0 {
				t.Errorf("refused: %d by legacy, %d by new", legacy.refused, newer.refused)
			}
			// What one may not see the other side does not show either.
			_, mine := ada.ask("POST", "/orders", "")
			ada.ask("GET", fmt.Sprintf("/orders/%v", mine["id"]), "")
			ada.ask("POST", "/pay", fmt.Sprintf(`{ "order" : %v , "note": "a\u002fb"}`, mine["id"]))
			bob.ask("GET", fmt.Sprintf("/orders/%v", mine["id"]), "")
			q.matched("order", 1)
			q.matched("show", 2)
			q.matched("pay", 1)
			if n := q.forgiven("cookie:session"); n != 2 {
				t.Errorf("cookie:session forgiven %d times, want 2", n)
			}
			for _, g := range q.differences() {
				if g.Verdict != reports.VerdictForgiven {
					t.Errorf("found %+v", g)
				}
			}
			wantMetric(t, q, "quack_shadow_terms_evicted_total 0")
			q.withoutSecrets(slices.Concat(legacy.secrets(), newer.secrets()))
		})
	}
}

func wantMetric(t *testing.T, q *running, line string) {
	t.Helper()
	if text := q.adminGet("/metrics"); !strings.Contains(text, line+"\n") {
		t.Errorf("the metrics lack %q:\n%s", line, text)
	}
}

// withoutSecrets stops the process, and looks for secrets in its log and in all
// that it has stored and shows.
func (q *running) withoutSecrets(secrets []string) {
	q.t.Helper()
	shown := map[string]string{}
	for _, path := range []string{"/api/v1/comparisons", "/api/v1/differences", "/api/v1/report", "/api/v1/status", "/metrics"} {
		shown[path] = q.adminGet(path)
	}
	q.stop()
	shown["log"] = q.logged()
	err := filepath.WalkDir(q.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		shown[path] = string(text)
		return err
	})
	if err != nil {
		q.t.Fatal(err)
	}
	if len(secrets) < 4 || len(shown) < 7 {
		q.t.Fatalf("looked for %d secrets in %d places", len(secrets), len(shown))
	}
	for place, text := range shown {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				q.t.Errorf("%s has the secret %s", place, s)
			}
		}
	}
}

// TestWithoutLearningTheShadowIsAStranger: what learn is for.
func TestWithoutLearningTheShadowIsAStranger(t *testing.T) {
	t.Parallel()
	legacy, newer := newShop(t, "legacy", 100), newShop(t, "new", 5000)
	q := start(t, shops(legacy, newer, "shadow", ""))
	ada := newCustomer(t, q)
	ada.login("ada")
	ada.ask("GET", "/me", "")
	r := q.until("me", "one compared", func(r reports.RouteReport) bool { return r.Compared == 1 })
	if r.Mismatched != 1 || newer.refused == 0 {
		t.Errorf("mismatched %d, new refused %d; want both", r.Mismatched, newer.refused)
	}
	r = q.until("login", "one compared", func(r reports.RouteReport) bool { return r.Compared == 1 })
	if r.Mismatched != 1 {
		t.Errorf("the two sessions matched")
	}
}

// TestASessionIsForgotten when the live side takes its cookie away.
func TestASessionIsForgotten(t *testing.T) {
	t.Parallel()
	legacy, newer := newShop(t, "legacy", 100), newShop(t, "new", 5000)
	q := start(t, shops(legacy, newer, "shadow", ", "+learnt))
	ada := newCustomer(t, q)
	ada.login("ada")
	q.matched("login", 1)
	wantMetric(t, q, "quack_shadow_terms 2")
	ada.ask("POST", "/logout", "")
	q.matched("logout", 1)
	wantMetric(t, q, "quack_shadow_terms 1")
	wantMetric(t, q, "quack_shadow_terms_learnt_total 2")
	wantMetric(t, q, "quack_shadow_terms_substituted_total 1")
}

// TestAfterARestartClientsAreStrangers until they log in again: what was learnt
// is nowhere but in memory.
func TestAfterARestartClientsAreStrangers(t *testing.T) {
	t.Parallel()
	legacy, newer := newShop(t, "legacy", 100), newShop(t, "new", 5000)
	q := start(t, shops(legacy, newer, "shadow", ", "+learnt))
	ada := newCustomer(t, q)
	ada.login("ada")
	q.matched("login", 1)
	q.stop()
	q.launch()
	ada.url = q.url
	ada.ask("GET", "/me", "")
	q.until("me", "one skipped", func(r reports.RouteReport) bool { return r.Skipped[reports.SkipNotLearnt] == 1 && r.Compared == 0 })
	ada.login("ada")
	q.matched("login", 2)
	ada.ask("GET", "/me", "")
	q.matched("me", 1)
}
