package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/internal/telemetry/otlptest"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/txshadow"
)

// leaky is a proxy before two services on a database, full of secrets, and one that
// breaks the protocol.
type leaky struct{ *running }

// secretsSchema has columns that are secrets by their names, by those that the
// routes name, and by their looks.
const secretsSchema = `
CREATE TABLE people (id bigserial PRIMARY KEY, password_hash text, nick text, ref text, mail text, doc jsonb, note text);
`

// secretTable has an own name, an own pattern and e-mail addresses for all routes.
const secretTable = `version: 1
backends:
  monolith: {urls: [%[1]s], rollback: header, database: shop}
  accounts: {urls: [%[2]s], rollback: header, database: shop}
  broken: {urls: [%[3]s]}
databases: {shop: {}}
defaults:
  legacy: monolith
  new: accounts
  redact: {email: true, names: [nick, X-Tenant], patterns: ['ACME-\d{6}']}
routes:
  - {name: create, match: "POST /people", stage: shadow, shadow: {budget: 20s, run: both}}
  - {name: forged, match: "POST /forged", stage: shadow, shadow: {budget: 20s}}
  - {name: show, match: "GET /show/{kind}/{token}/{ref}", stage: shadow}
  - {name: form, match: "POST /search", stage: shadow, safe: true}
  - {name: lost, match: "GET /broken/{secret}", stage: shadow, new: broken}
  - {name: down, match: "GET /live/{secret}", stage: new, new: broken}
`

// secretWrite writes secrets into each kind of column, and what differs.
func secretWrite(ctx context.Context, tx pgx.Tx, _ string, faulty bool) error {
	side := "legacy"
	if faulty {
		side = "new"
		if _, err := tx.Exec(ctx, `INSERT INTO people (nick, note) VALUES ('hunter2-row-nick-alone', 'password=hunter2-row-alone')`); err != nil {
			return err
		}
	}
	txshadow.Record(ctx, "mail", "to hunter2-effect-"+side+"@example.org, token=hunter2-effect")
	_, err := tx.Exec(ctx, `INSERT INTO people (password_hash, nick, ref, mail, doc, note) VALUES ($1, $2, $3, $4, $5, $6)`,
		"hunter2-row-hash-"+side, "hunter2-row-nick-"+side, map[string]string{"legacy": "ACME-100001", "new": "ACME-100002"}[side], "hunter2-row-"+side+"@example.org",
		`{"api_key":"hunter2-row-doc-`+side+`","list":[{"name":"password","value":"hunter2-row-pair-`+side+`"}]}`, "it is "+side+": 4111 1111 1111 1111, hunter2-row-nick-"+side)
	return err
}

// secretAnswer answers in the form that the path asks for, with secrets of its
// own, and with those of the request as an echo.
func secretAnswer(side string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Set-Cookie", "sid=hunter2-setcookie-"+side+"; Path=/; Comment=token%3Dhunter2-attribute-"+side)
		w.Header().Set("Location", "/cb?next=%2Fx%3Faccess_token%3Dhunter2-location-"+side)
		w.Header().Set("X-Refresh-Token", "hunter2-header-"+side)
		w.Header().Set("X-Tenant", "hunter2-tenant-"+side)
		echo := r.Header.Get("Authorization") + " " + r.Header.Get("Cookie") + " " + r.URL.RawQuery
		if kind := r.Header.Get("Content-Type"); strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "form-urlencoded") {
			echo += " " + string(body)
		}
		answer := map[string]any{
			"once": rand.Text() + " token=hunter2-once-" + rand.Text(), "side": side, "echo": echo, "nick": "hunter2-nick-" + side, "note": "write to hunter2-mail-" + side + "@example.org about ACME-20000" + fmt.Sprint(len(side)),
			"user": map[string]any{"password": "hunter2-body-" + side, "tokens": []string{"hunter2-list-" + side}}, "card": "5555 5555 5555 4444",
			"fields":  []any{map[string]any{"name": "password", "value": "hunter2-pair-" + side}},
			"raw":     `{"inner":"{\"pin\":\"hunter2-nested-` + side + `\"}"}`,
			"by_user": map[string]any{"hunter2-member-" + side: 1}, "session_id": "hunter2-member-" + side,
		}
		switch strings.Split(r.URL.Path+"//", "/")[2] {
		case "html":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, "<html><title>password: hunter2-title-%[1]s</title><form><input name=csrf_token value=hunter2-input-%[1]s><password><b>hunter2-element-%[1]s</b></password></form></html>", side)
		case "csv":
			w.Header().Set("Content-Type", "text/csv")
			fmt.Fprintf(w, "id,password,nick\n1,hunter2-cell-%[1]s,hunter2-nickcell-%[1]s\n", side)
		case "error":
			w.WriteHeader(map[string]int{"legacy": 500, "new": 502}[side])
			fmt.Fprintf(w, "ERROR: duplicate key (password)=(x): connect postgres://app:hunter2-dsn-%s@db/shop: token=hunter2-error-%[1]s", side)
		case "text":
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprintf(w, "key:\n-----BEGIN PRIVATE KEY-----\nhunter2-key-%[1]s\n-----END PRIVATE KEY-----\nBearer hunter2-bearer-%[1]s-1\n", side)
		default:
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(answer)
		}
	}
}

// brokenBackend answers with what is no HTTP, so that errors quote it.
func brokenBackend(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				conn.Close() // opened and not used
				continue
			}
			io.WriteString(conn, "HTTP/1.1 2zz token=hunter2-protocol\r\npassword=hunter2-protocol nick: hunter2-protocol-nick ACME-300001\r\n\r\n")
			conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func secretBackend(t *testing.T, dsn, side string) string {
	t.Helper()
	adapter := newAdapter(t, dsn)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /people", func(w http.ResponseWriter, r *http.Request) {
		err := pgx.BeginFunc(r.Context(), adapter.Pool(), func(tx pgx.Tx) error { return secretWrite(r.Context(), tx, "", side == "new") })
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("/", secretAnswer(side))
	within := adapter.Middleware(mux)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/forged" { // an acknowledgement that is none
			w.Header().Set("Quack-Shadow-Result", "v2;token=hunter2-ack;outcome=password=hunter2-outcome;sig=hunter2-signature")
			return
		}
		within.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// send sends a request with secrets in its target, header, cookies and body.
func (l *leaky) send(method, target, contentType, body string) {
	l.t.Helper()
	req, err := http.NewRequest(method, l.url+target, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	req.Host = "shop.example"
	for name, value := range map[string]string{
		"Authorization": "Bearer hunter2-authorization", "Cookie": "sid=hunter2-cookie; theme=hunter2-theme",
		"X-Api-Key": "hunter2-apikey", "X-Tenant": "hunter2-tenant", "From": "hunter2-from@example.org", "X-Ref": "ACME-400001",
		"Referer": "https://shop.example/?next=%2Fcb%3Ftoken%3Dhunter2-referer", "User-Agent": "curl/8 (ACME-400002; token=hunter2-agent)", "Content-Type": contentType,
		"X-Said": "it was hunter2-authorization",
	} {
		req.Header.Set(name, value)
	}
	if method == "POST" {
		req.Header.Set("Authorization", "Basic ZGFpc3k6aHVudGVyMi1iYXNpYw==")
		req.Header.Set("X-Said", "it was hunter2-basic, or aHVudGVyMi1iYXNpYw")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
}

// everywhere sends secrets through every channel, and waits until all was compared.
func (l *leaky) everywhere() {
	l.t.Helper()
	const query = "?token=hunter2-query&nick=hunter2-querynick&to=hunter2-to%40example.org&next=%2Fcb%3Fpassword%3Dhunter2-within&ref=ACME%2D500001&q=%7B%22pin%22%3A%22hunter2-json%22%7D"
	kinds := []string{"json", "html", "csv", "error", "text"}
	for _, kind := range kinds {
		l.send("GET", "/show/"+kind+"/hunter2-path/ACME-500002"+query, "", "")
	}
	bodies := [][2]string{
		{"application/json", `{"password":"hunter2-sent","nick":"hunter2-sentnick","to":"hunter2-sentmail@example.org","fields":[{"key":"secret","value":"hunter2-sentpair"}]}`},
		{"application/x-www-form-urlencoded", "password=hunter2-form&nick=hunter2-formnick&ref=ACME-600001"},
		{"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data;\r\n name=\"password\"\r\n\r\nhunter2-part\r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"token=hunter2-file.txt\"\r\n\r\nhunter2-content\r\n--B--\r\n"},
		{"text/csv", "id,password\n1,hunter2-sentcell\n"},
		{"application/octet-stream", "\x00\x01hunter2-binary"},
	}
	for _, b := range bodies {
		l.send("POST", "/search", b[0], b[1])
	}
	l.send("POST", "/people", "application/json", `{"password":"hunter2-created"}`)
	l.send("POST", "/forged", "", "")
	l.send("GET", "/broken/hunter2-lost?token=hunter2-lostquery", "", "")
	l.send("GET", "/live/hunter2-live?token=hunter2-livequery", "", "")
	l.until("show", "all compared", func(r reports.RouteReport) bool { return r.Mismatched+r.Transient+r.Noise == int64(len(kinds)) })
	l.until("form", "all compared", func(r reports.RouteReport) bool { return r.Mismatched+r.Transient+r.Noise == int64(len(bodies)) })
	l.until("create", "its rows compared", func(r reports.RouteReport) bool { return r.Mismatched == 1 })
	l.until("forged", "a leak", func(r reports.RouteReport) bool { return r.Leak != "" })
	l.until("lost", "an answer that is none", func(r reports.RouteReport) bool {
		sum := r.Errors
		for _, n := range r.Skipped {
			sum += n
		}
		return sum == 1
	})
}

// calibrated sends secrets while legacy is asked twice.
func (l *leaky) calibrated() {
	l.t.Helper()
	said := make(chan string, 1)
	go func() {
		out, _ := l.run("calibrate", "--route", "show", "--n", "2", "--for", "20s")
		said <- out
	}()
	for pace := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case out := <-said:
			if !strings.Contains(out, "redacted:") {
				l.t.Errorf("nothing was calibrated: %s", out)
			}
			pace.Stop()
			return
		case <-pace.C:
			l.send("GET", "/show/random/hunter2-calibrated/ACME-700001?token=hunter2-calibrated", "", "")
		}
	}
}

func startLeaky(t *testing.T, collector *otlptest.Collector, accessLog string) *leaky {
	t.Helper()
	dsn := pgtest.NewDatabase(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), secretsSchema+txshadow.InstallSQL()); err != nil {
		t.Fatal(err)
	}
	table := fmt.Sprintf(secretTable, secretBackend(t, dsn, "legacy"), secretBackend(t, dsn, "new"), brokenBackend(t))
	q := startPrepared(t, table, func(c *exec.Cmd) {
		collectedBy(collector)(c)
		c.Env = append(c.Env, "QUACK_DB_SHOP="+dsn)
	}, "--access-log", accessLog, "--access-log-slow", "0s", "--log-level", "debug")
	q.proved(2)
	q.rowsReadable()
	return &leaky{q}
}

// TestNoSecretLeavesQuack sends secrets through every channel that there is, and
// looks for them, and for any escaped form of them, wherever Quack puts something:
// the folder, both logs, traces and metrics, pages, API, and each verb that reads.
func TestNoSecretLeavesQuack(t *testing.T) {
	t.Parallel()
	collector := collector(t)
	accessLog := filepath.Join(t.TempDir(), "access.log")
	l := startLeaky(t, collector, accessLog)
	l.everywhere()
	l.calibrated()
	eventually(t, l.running, "spans and metrics", func() bool {
		return len(collector.Spans()) >= 20 && collector.Metric("quack_served") != nil
	})
	shown := map[string]string{}
	l.verbs(shown)
	l.pages(shown)
	l.api(shown)
	l.folder("the folder of a running proxy: ", shown)
	l.stop()
	l.folder("the folder after the end: ", shown)
	shown["the log"] = l.logged()
	shown["what the collector got"] = collector.Raw()
	access, err := os.ReadFile(accessLog)
	if err != nil {
		t.Fatal(err)
	}
	shown["the access log"] = string(access)
	l.look(shown)
	var evidence strings.Builder
	for where, text := range shown {
		if strings.HasPrefix(where, "GET /api/v1/comparisons/") {
			evidence.WriteString(text)
		}
	}
	l.fingerprints(evidence.String())
	for where, marks := range map[string]int{"the access log": 10, "the log": 1, "GET /api/v1/calibrations/show": 1, "quack report --format json": 20, "GET /api/v1/differences?limit=1000": 20} {
		if n := strings.Count(shown[where], "redacted:"); n < marks {
			t.Errorf("%s has %d fingerprints, want %d or more: were the secrets there at all?\n%.2000s", where, n, marks, shown[where])
		}
	}
}

func TestFindPlanted(t *testing.T) {
	for _, c := range []struct {
		text string
		at   int
	}{
		{`{"a":"5555 5555 5555 4444"}`, 6},
		{"card=4111111111111111", 5},
		{"of 4.4111111111111111 and 4111-1111-1111-1111", 26},
		{"the end. 5555555555554444", 9},
		{"shop.5555555555554444", 5},
		{"it is 0.hunter2", 8},
		{`{"share":0.05555555555555555}`, -1}, // 1 of 18
		{`{"share":0.4111111111111111}`, -1},  // 37 of 90
	} {
		if at := findPlanted(c.text); at != c.at {
			t.Errorf("%s: found at %d, want %d", c.text, at, c.at)
		}
	}
}

// TestAPatternHoldsForWhatIsStored: evidence from before a reload is shown as the
// file in force has it, on pages, in the API and by verbs.
func TestAPatternHoldsForWhatIsStored(t *testing.T) {
	t.Parallel()
	side := func(n string) string {
		return serveJSON(t, func(*http.Request) (int, string) {
			return 200, `{"nick":"bob-of-` + n + `","ref":"is ACME-10000` + n + `"}`
		})
	}
	before := table(side("1"), side("2"), "", "  - {name: show, match: \"GET /show\", stage: shadow}\n")
	q := start(t, before)
	q.ask("GET", "/show?nick=bob-of-1", "")
	q.until("show", "one compared", func(r reports.RouteReport) bool { return r.Compared == 1 })
	list, _, err := q.client.Comparisons(context.Background(), reports.Filter{})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d comparisons, %v", len(list), err)
	}
	places := func() map[string]string {
		diff, _ := q.run("diff", list[0].ID)
		report, _ := q.run("report", "--format", "json")
		return map[string]string{
			"the page": q.page("/comparisons/" + list[0].ID), "the page of the route": q.page("/routes/show"), "quack diff": diff, "quack report": report,
			"the API": q.adminGet("/api/v1/comparisons/" + list[0].ID), "differences": q.adminGet("/api/v1/differences"),
		}
	}
	for where, text := range places() {
		if !strings.Contains(text, "bob-of-1") || !strings.Contains(text, "ACME-100001") {
			t.Errorf("%s does not have what was planted:\n%s", where, text)
		}
	}
	q.write(strings.Replace(before, "defaults: {", `defaults: {redact: {names: [nick], patterns: ['ACME-\d{6}']}, `, 1))
	eventually(t, q, "the new file is in force", func() bool { return strings.Contains(q.logged(), "routes in force") })
	for where, text := range places() {
		if strings.Contains(text, "bob-of") || strings.Contains(text, "ACME-1") || !strings.Contains(text, "redacted:") {
			t.Errorf("%s has what is a secret now:\n%s", where, text)
		}
	}
}
