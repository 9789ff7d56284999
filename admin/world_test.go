package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "a-token-of-thirty-two-characters"

// world is an admin listener over a real store, gate, control and reports.
type world struct {
	t       testing.TB
	gate    *readonly.Gate
	control *control.Control
	reports *reports.Reports
	server  *httptest.Server
	client  *admin.Client
	log     *lockedBuffer

	mu     sync.Mutex
	proofs []admin.Proof
	ready  error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// file has a safe route, an unsafe one, one whose name is made of its match,
// and one that nothing is done with.
const file = `version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000], rollback: header}
  accounts: {urls: [http://127.0.0.1:4000], rollback: header}
defaults: {legacy: monolith, new: accounts}
routes:
  - name: accounts.show
    match: GET /accounts/{id}
    stage: shadow
    compare: {rules: [{path: $.debug, ignore: true, owner: payments, until: 2027-01-31, why: not in v2}]}
  - {name: accounts.create, match: POST /accounts, stage: shadow}
  - {match: "GET /orders/{id}", stage: ramp, percent: 25, sticky: "header:X-User-Id"}
  - {name: invoices.list, match: GET /invoices}
`

func newWorld(t testing.TB, change ...func(*admin.Config)) *world {
	t.Helper()
	return newWorldOver(t, storeOf(t), change...)
}

func newWorldOver(t testing.TB, db *store.DB, change ...func(*admin.Config)) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{t: t, log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	var err error
	if w.gate, err = readonly.Open(ctx, db); err != nil {
		t.Fatal(err)
	}
	if w.reports, err = reports.Open(ctx, db, reports.Config{Log: log}); err != nil {
		t.Fatal(err)
	}
	if w.control, err = control.Open(ctx, control.Config{Store: db, Gate: w.gate, Log: log}); err != nil {
		t.Fatal(err)
	}
	w.use(file)
	config := admin.Config{
		Control: w.control, Gate: w.gate, Reports: w.reports, Token: token, Version: "quack test", Log: log,
		Proofs: func() []admin.Proof { w.mu.Lock(); defer w.mu.Unlock(); return w.proofs },
		Stats:  func() admin.Stats { return admin.Stats{Queued: 3, QueuedBytes: 4096} },
		Ready:  func() error { w.mu.Lock(); defer w.mu.Unlock(); return w.ready },
	}
	for _, f := range change {
		f(&config)
	}
	handler, err := admin.New(config)
	if err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewServer(handler)
	t.Cleanup(w.server.Close)
	w.server.Client().Transport = holding{t, w.server.Client().Transport}
	w.client = &admin.Client{Base: w.server.URL, Token: token, By: "ann@desk", HTTP: w.server.Client()}
	return w
}

func storeOf(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), t.TempDir(), readonly.Schema, control.Schema, reports.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (w *world) use(file string) {
	w.t.Helper()
	parsed, err := routes.Parse("routes.yaml", []byte(file))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.control.Use(w.t.Context(), parsed); err != nil {
		w.t.Fatal(err)
	}
}

// exchange is an answer of JSON.
func exchange(status int, body string) compare.Exchange {
	return compare.Exchange{
		Status: status, Body: []byte(body), Size: int64(len(body)),
		Header: http.Header{"Content-Type": {"application/json"}, "Date": {"Mon, 23 Nov 2026 06:30:00 GMT"}},
	}
}

// record compares two answers and records what came of it.
func (w *world) record(id, route, method, target string, legacy, new compare.Exchange) reports.Comparison {
	w.t.Helper()
	c := w.compared(id, route, method, target, legacy, new)
	w.reports.Record(c)
	return c
}

// compared is the comparison of two answers.
func (w *world) compared(id, route, method, target string, legacy, new compare.Exchange) reports.Comparison {
	w.t.Helper()
	var rules *compare.Rules
	if r := w.control.Table().Route(route); r != nil {
		rules = r.Compare
	}
	result := compare.Exchanges(&legacy, &new, rules)
	c := reports.Comparison{
		ID: id, At: time.Now().UTC(), Route: route, Stage: "shadow", Live: "legacy", First: "legacy",
		Request: reports.Request{Method: method, Target: target, Host: "shop.example", Header: http.Header{"Accept": {"application/json"}, "X-User-Id": {"7"}}},
		Legacy:  reports.Side{Backend: "monolith", URL: "http://127.0.0.1:3000" + target, Answer: legacy, Latency: 12 * time.Millisecond},
		New:     reports.Side{Backend: "accounts", URL: "http://127.0.0.1:4000" + target, Answer: new, Latency: 31 * time.Millisecond},
		Verdict: reports.Match, Forgiven: result.Forgiven,
	}
	for _, d := range result.Differences {
		c.Verdict = reports.Mismatch
		c.Differences = append(c.Differences, reports.Found{Difference: d, Verdict: reports.Mismatch})
	}
	if result.Err != nil {
		c.Verdict, c.Err = reports.Error, result.Err.Error()
	}
	return c
}

// plant records three matches and one price that differs.
func (w *world) plant() {
	w.t.Helper()
	for i := range 3 {
		body := fmt.Sprintf(`{"id":%d,"price":"9.90"}`, i)
		w.record(fmt.Sprintf("match%d", i), "accounts.show", "GET", fmt.Sprintf("/accounts/%d", i), exchange(200, body), exchange(200, body))
		w.reports.Served("accounts.show", "shadow", "legacy", 200, 12*time.Millisecond)
	}
	w.record("planted", "accounts.show", "GET", "/accounts/7?full=1",
		exchange(200, `{"id":7,"price":"9.90","debug":1,"created_at":"2026-11-23T06:30:00.001Z"}`),
		exchange(200, `{"id":7,"price":"9.09","debug":2,"created_at":"2026-11-23T06:30:00.009Z"}`))
	w.reports.Skip("accounts.create", reports.SkipNoProof)
}

// ask sends a request with the token and returns the answer with its body.
func (w *world) ask(method, path string, body string, header ...string) (*http.Response, string) {
	w.t.Helper()
	header = append([]string{"Authorization", "Bearer " + token, "Content-Type", "application/json"}, header...)
	return w.askPlain(method, path, body, header...)
}

// askPlain sends a request as it is.
func (w *world) askPlain(method, path, body string, header ...string) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		switch {
		case header[i] == "Host":
			req.Host = header[i+1]
		case header[i+1] == "":
			req.Header.Del(header[i])
		default:
			req.Header.Set(header[i], header[i+1])
		}
	}
	client := *w.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, string(read)
}

// problem is the answer as problem details.
func problemOf(t *testing.T, res *http.Response, body string) (title, detail string) {
	t.Helper()
	var p struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != res.StatusCode || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no problem details: %s %s %s", res.Status, res.Header.Get("Content-Type"), body)
	}
	return p.Title, p.Detail
}

// audited is the newest entry of the audit.
func (w *world) audited() control.Entry {
	w.t.Helper()
	entries, err := w.control.Audit(context.Background(), 0, 1)
	if err != nil || len(entries) == 0 {
		w.t.Fatalf("audit: %v, %v", entries, err)
	}
	return entries[0]
}

// browser is a logged-in browser without the rendering.
type browser struct {
	w      *world
	cookie string
	csrf   string
}

// logIn goes the way of a person: the link, the page, its button.
func (w *world) logIn() *browser {
	w.t.Helper()
	link, err := w.client.LoginLink(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, page := w.askPlain("GET", u.RequestURI(), ""); !strings.Contains(page, u.Query().Get("code")) {
		w.t.Fatalf("the login page has no form for the code:\n%s", page)
	}
	res, _ := w.askPlain("POST", "/login", url.Values{"code": {u.Query().Get("code")}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
		w.t.Fatalf("login: %s, cookies %v", res.Status, res.Cookies())
	}
	b := &browser{w: w, cookie: res.Cookies()[0].Name + "=" + res.Cookies()[0].Value}
	_, page := b.get("/readonly")
	_, after, ok := strings.Cut(page, `name="csrf" value="`)
	if !ok {
		w.t.Fatalf("no csrf field in\n%s", page)
	}
	b.csrf, _, _ = strings.Cut(after, `"`)
	return b
}

func (b *browser) get(path string) (*http.Response, string) {
	b.w.t.Helper()
	return b.w.askPlain("GET", path, "", "Cookie", b.cookie)
}

// post sends a form of our own page.
func (b *browser) post(path string, fields url.Values, header ...string) (*http.Response, string) {
	b.w.t.Helper()
	if fields.Get("csrf") == "" {
		fields.Set("csrf", b.csrf)
	}
	return b.w.askPlain("POST", path, fields.Encode(), append([]string{"Cookie", b.cookie, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, header...)...)
}
