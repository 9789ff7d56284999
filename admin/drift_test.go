package admin_test

import (
	"strings"
	"testing"
)

// TestDriftIsShown holds that timestamps which always lag are seen as that
// wherever they are shown, although they are forgiven.
func TestDriftIsShown(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"d1", "d2"} {
		w.record(id, "accounts.show", "GET", "/accounts/7", exchange(200, `{"at":"2026-03-04T05:06:07Z"}`), exchange(200, `{"at":"2026-03-04T05:06:37Z"}`))
	}
	res, body := w.ask("GET", "/api/v1/differences?route=accounts.show", "")
	if res.StatusCode != 200 || !strings.Contains(body, `"drift":{"count":2,"p50_ms":30000,"p99_ms":30000,"least_ms":30000,"most_ms":30000,"classes":`) {
		t.Errorf("GET /api/v1/differences is %d %s", res.StatusCode, body)
	}
	b := w.logIn()
	const group = "/differences/e5cvliqlvjqzezh4"
	for _, path := range []string{"/routes/accounts.show", "/comparisons/d1", group} {
		if _, page := b.get(path); !strings.Contains(page, "new - legacy: always &#43;30 s") && !strings.Contains(page, "new - legacy: always +30 s") {
			t.Errorf("%s does not say that new lags:\n%s", path, page)
		}
	}
}
