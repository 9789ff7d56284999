package admin_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/admin"
)

// protected are one path of each kind that needs the token or a session.
var protected = []string{
	"/api/v1/status", "/api/v1/routes", "/api/v1/report", "/api/v1/differences", "/api/v1/comparisons", "/api/v1/comparisons/x",
	"/api/v1/readonly", "/api/v1/audit", "/api/v1/events", "/api/v1/nothing", "/metrics",
	"/", "/routes/accounts.show", "/differences", "/comparisons", "/comparisons/x", "/readonly", "/audit",
}

func TestNothingWithoutToken(t *testing.T) {
	w := newWorld(t)
	w.plant()
	for _, path := range protected {
		res, body := w.askPlain("GET", path, "")
		if res.StatusCode != 401 || !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
		if strings.Contains(body, "accounts") || strings.Contains(body, "quack test") {
			t.Errorf("%s tells a stranger something:\n%s", path, body)
		}
	}
	for _, path := range []string{"/api/v1/routes/accounts.show/stage", "/api/v1/readonly", "/api/v1/login-links", "/readonly", "/routes/accounts.show/stage", "/logout"} {
		if res, _ := w.askPlain("POST", path, "{}", "Content-Type", "application/json"); res.StatusCode != 401 {
			t.Errorf("POST %s: %d", path, res.StatusCode)
		}
	}
}

func TestWrongTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, authorization := range []string{
		"Bearer " + token + "x", "Bearer " + token[1:], "Bearer", "Bearer ", "Basic " + token, token,
	} {
		began := time.Now()
		res, body := w.askPlain("GET", "/api/v1/status", "", "Authorization", authorization)
		if title, _ := problemOf(t, res, body); res.StatusCode != 401 || title != "Wrong token" {
			t.Errorf("%q: %d %s", authorization, res.StatusCode, body)
		}
		if d := time.Since(began); d < 250*time.Millisecond {
			t.Errorf("%q was answered after %s: guessing is cheap", authorization, d)
		}
	}
	if res, _ := w.askPlain("GET", "/api/v1/status", "", "Authorization", "bearer "+token); res.StatusCode != 200 {
		t.Errorf("the scheme has no case (RFC 9110 11.1): %d", res.StatusCode)
	}
}

func TestManyWrongTokensAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	statuses := make(chan int)
	for range 40 {
		go func() {
			res, _ := w.askPlain("GET", "/api/v1/status", "", "Authorization", "Bearer wrong")
			statuses <- res.StatusCode
		}()
	}
	counts := map[int]int{}
	for range 40 {
		counts[<-statuses]++
		// However many guess, who has the token is let in.
		if res, _ := w.ask("GET", "/api/v1/status", ""); res.StatusCode != 200 {
			t.Errorf("the right token: %d", res.StatusCode)
		}
	}
	if counts[429] == 0 || counts[401] == 0 || counts[401]+counts[429] != 40 {
		t.Errorf("answers %v, want some 401 and some 429", counts)
	}
}

func TestMetricsOpen(t *testing.T) {
	w := newWorld(t, func(c *admin.Config) { c.MetricsOpen = true })
	if res, body := w.askPlain("GET", "/metrics", "", "Host", "quack.internal:7070"); res.StatusCode != 200 || !strings.Contains(body, "quack_readonly 0") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, _ := w.askPlain("GET", "/api/v1/status", ""); res.StatusCode != 401 {
		t.Errorf("the rest is open too: %d", res.StatusCode)
	}
}

func TestSecurityHeaders(t *testing.T) {
	w := newWorld(t)
	b := w.logIn()
	for _, path := range []string{"/", "/login", "/static/quack.css", "/healthz", "/nothing"} {
		res, _ := b.get(path)
		h := res.Header
		policy := h.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Frame-Options") != "DENY" || h.Get("Cache-Control") == "" {
			t.Errorf("%s: header %v", path, h)
		}
	}
	for _, path := range []string{"/static/../admin.go", "/static/..%2Fadmin.go", "/static/none.css", "/static/"} {
		if res, _ := b.get(path); res.StatusCode != 404 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestLoginLinkWorksOnce(t *testing.T) {
	w := newWorld(t)
	link, err := w.client.LoginLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil || u.Host != strings.TrimPrefix(w.server.URL, "http://") || u.Path != "/login" {
		t.Fatalf("link %s, %v", link, err)
	}
	// What looks at links on its own must not use it up.
	for range 3 {
		if res, _ := w.askPlain("GET", u.RequestURI(), ""); res.StatusCode != 200 || len(res.Cookies()) != 0 {
			t.Errorf("looked at: %d, cookies %v", res.StatusCode, res.Cookies())
		}
	}
	form := url.Values{"code": {u.Query().Get("code")}}.Encode()
	if res, _ := w.askPlain("POST", "/login", form, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"); res.StatusCode != 403 {
		t.Errorf("from a page of someone else: %d", res.StatusCode)
	}
	res, _ := w.askPlain("POST", "/login", form, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
	if res.StatusCode != 303 || res.Header.Get("Location") != "/" {
		t.Fatalf("login: %s", res.Status)
	}
	c := res.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 40 {
		t.Errorf("cookie %+v", c)
	}
	if until := time.Until(c.Expires); until < 11*time.Hour || until > 12*time.Hour {
		t.Errorf("the session lasts %s", until)
	}
	if res, page := w.askPlain("POST", "/login", form, "Content-Type", "application/x-www-form-urlencoded"); res.StatusCode != 401 || !strings.Contains(page, "has been used") {
		t.Errorf("a second time: %d", res.StatusCode)
	}
	if e := w.audited(); e.Action != "login" || e.By != "ann@desk" {
		t.Errorf("audit %+v", e)
	}
	for _, code := range []string{"", "x", c.Value} {
		if res, _ := w.askPlain("POST", "/login", url.Values{"code": {code}}.Encode(), "Content-Type", "application/x-www-form-urlencoded"); res.StatusCode != 401 {
			t.Errorf("code %q: %d", code, res.StatusCode)
		}
	}
}

func TestSession(t *testing.T) {
	w := newWorld(t)
	b := w.logIn()
	for _, path := range protected {
		if path == "/api/v1/events" {
			continue
		}
		if res, _ := b.get(path); res.StatusCode == 401 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	if res, _ := b.post("/readonly", url.Values{"on": {"true"}, "why": {"moving"}}); res.StatusCode != 303 {
		t.Fatalf("a form of ours: %d", res.StatusCode)
	}
	if s := w.gate.State(); !s.ReadOnly || s.By != "ann@desk (browser)" {
		t.Errorf("gate %+v", s)
	}
	res, _ := b.post("/logout", url.Values{})
	if res.StatusCode != 303 || len(res.Cookies()) != 1 || res.Cookies()[0].MaxAge >= 0 {
		t.Errorf("logout: %d, cookies %v", res.StatusCode, res.Cookies())
	}
	if res, page := b.get("/"); res.StatusCode != 401 || !strings.Contains(page, "quack login") {
		t.Errorf("after it: %d", res.StatusCode)
	}
}

func TestChangesOfOtherPagesAreRefused(t *testing.T) {
	w := newWorld(t)
	b := w.logIn()
	fields := func(csrf string) url.Values {
		return url.Values{"on": {"true"}, "why": {"x"}, "csrf": {csrf}}
	}
	other := w.logIn()
	for _, c := range []struct {
		reason string
		fields url.Values
		header []string
	}{
		{"a page of another site", fields(b.csrf), []string{"Sec-Fetch-Site", "cross-site"}},
		{"a page of another port of this host", fields(b.csrf), []string{"Sec-Fetch-Site", "same-site"}},
		{"an old browser, another origin", fields(b.csrf), []string{"Sec-Fetch-Site", "", "Origin", "http://evil.example"}},
		{"an old browser, an opaque origin", fields(b.csrf), []string{"Sec-Fetch-Site", "", "Origin", "null"}},
		{"no word", fields(" "), nil},
		{"a wrong word", fields("x"), nil},
		{"the word of another session", fields(other.csrf), nil},
	} {
		if res, _ := b.post("/readonly", c.fields, c.header...); res.StatusCode != 403 {
			t.Errorf("%s: %d", c.reason, res.StatusCode)
		}
	}
	// The API with a cookie: JSON of another origin needs a preflight, which is
	// never granted; without the word it is refused all the same.
	if res, _ := w.askPlain("POST", "/api/v1/readonly", `{"on":true,"why":"x"}`, "Cookie", b.cookie, "Content-Type", "application/json"); res.StatusCode != 403 {
		t.Errorf("the API without the word: %d", res.StatusCode)
	}
	if w.gate.State().ReadOnly {
		t.Fatal("one of them closed the gate")
	}
	if res, _ := w.askPlain("POST", "/api/v1/readonly", `{"on":true,"why":"x"}`, "Cookie", b.cookie, "Content-Type", "application/json", "Quack-CSRF", b.csrf); res.StatusCode != 200 {
		t.Errorf("the API with the word: %d", res.StatusCode)
	}
	if res, _ := w.askPlain("OPTIONS", "/api/v1/readonly", "", "Origin", "http://evil.example", "Access-Control-Request-Method", "POST"); res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a preflight is granted")
	}
}

// A stranger's page can point its own name at this address: then the browser
// takes us for the stranger. It has no cookie for that name, and is told
// nothing.
func TestUnknownHostNames(t *testing.T) {
	w := newWorld(t, func(c *admin.Config) { c.Hosts = []string{"Quack.Internal"} })
	b := w.logIn()
	name := strings.SplitN(b.cookie, "=", 2)
	for host, ok := range map[string]bool{
		"127.0.0.1:7070": true, "localhost:7070": true, "localhost": true, "LOCALHOST.:1": true, "[::1]:7070": true, "10.1.2.3": true, "quack.internal:7070": true, "app.localhost": true,
		"evil.example": false, "evil.example:7070": false, "127.0.0.1.evil.example": false, "localhost.evil.example": false,
	} {
		cookie := "quack_session=" + name[1]
		if i := strings.LastIndex(host, ":"); i >= 0 {
			cookie = "quack_session_" + host[i+1:] + "=" + name[1]
		}
		res, _ := w.askPlain("GET", "/readonly", "", "Host", host, "Cookie", cookie)
		if want := map[bool]int{true: 200, false: 421}[ok]; res.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, res.StatusCode, want)
		}
		if res, _ := w.askPlain("GET", "/login", "", "Host", host); (res.StatusCode == 200) != ok {
			t.Errorf("%s: login %d", host, res.StatusCode)
		}
		res, body := w.ask("POST", "/api/v1/login-links", "{}", "Host", host)
		if ok != (res.StatusCode == 200) || ok && !strings.Contains(body, `"url":"http://`+host+`/login?code=`) {
			t.Errorf("%s: login link %d %s", host, res.StatusCode, body)
		}
		if res, _ := w.ask("GET", "/api/v1/status", "", "Host", host); res.StatusCode != 200 {
			t.Errorf("%s: a program with the token: %d", host, res.StatusCode)
		}
	}
}

// Secrets stand nowhere but where they have to.
func TestTokenIsNowhere(t *testing.T) {
	w := newWorld(t)
	b := w.logIn()
	w.askPlain("GET", "/api/v1/status", "", "Authorization", "Bearer wrong-"+token)
	texts := []string{w.log.String()}
	for _, path := range []string{"/", "/audit", "/metrics", "/api/v1/status", "/api/v1/audit"} {
		_, body := b.get(path)
		texts = append(texts, body)
	}
	_, cookie, _ := strings.Cut(b.cookie, "=")
	for _, secret := range []string{token, cookie} {
		if i := slices.IndexFunc(texts, func(s string) bool { return strings.Contains(s, secret) }); i >= 0 {
			t.Errorf("a secret stands in text %d", i)
		}
	}
}
