package problem

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAcceptChoosesTheForm(t *testing.T) {
	for _, c := range []struct {
		accept, want, reason string
	}{
		{"", "json", "a program that says nothing"},
		{"*/*", "json", "curl's default"},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "html", "a browser opening a page"},
		{"application/json", "json", "fetch with a JSON header"},
		{"application/json, text/plain, */*", "json", "axios"},
		{"application/json, text/html", "json", "no preference between the two"},
		{"text/html;q=0.5, application/json", "json", "JSON is liked better"},
		{"text/html, application/json;q=0.9", "html", "the page is liked better"},
		{"text/html;q=0, */*", "json", "the page is refused"},
		{"text/*", "html", "only text is wanted"},
		{"TEXT/HTML", "html", "media types have no case"},
		{"application/problem+json;q=0.1, text/html;q=0", "json", "a weight of 0 is a refusal"},
		{"text/html;q=nonsense", "json", "a weight that is not a number is no preference for pages"},
		{"text/html;q=NaN", "json", "neither is NaN, which ParseFloat takes"},
	} {
		got := "json"
		if wantsHTML([]string{c.accept}) {
			got = "html"
		}
		if got != c.want {
			t.Errorf("Accept %q: got %s, want %s (%s)", c.accept, got, c.want, c.reason)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	res, body := write(t, "GET", "", Details{
		Type:   TypeBase + "read-only",
		Title:  "Read-only mode",
		Status: 503,
		Detail: `moving "accounts"`,
		Extra:  map[string]any{"request_id": "01J", "status": 200, "type": "mine", "instance": "forged"},
	})
	if got, want := res.Header.Get("Content-Type"), "application/problem+json"; got != want {
		t.Errorf("Content-Type %q, want %q", got, want)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q, want no-store", got)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("decode %q: %v", body, err)
	}
	want := map[string]any{
		"type": "https://quackproxy.github.io/problems/read-only", "title": "Read-only mode",
		"status": 503.0, "detail": `moving "accounts"`, "request_id": "01J",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("body (-want +got):\n%s", d)
	}
}

func TestWritePageEscapes(t *testing.T) {
	res, body := write(t, "GET", "text/html", Details{
		Title: "Read-only", Status: 503, Detail: `<script>alert("x")</script>`,
		Extra: map[string]any{"request_id": "<b>"},
	})
	if got := res.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "<b>") {
		t.Errorf("page is not escaped:\n%s", body)
	}
	if !strings.Contains(body, "&lt;script&gt;alert(") || !strings.Contains(body, "request_id: &lt;b&gt;") {
		t.Errorf("page lacks the message:\n%s", body)
	}
}

func TestWriteDefaults(t *testing.T) {
	res, body := write(t, "GET", "", Details{Extra: map[string]any{"f": func() {}}})
	if res.StatusCode != 500 || !strings.Contains(body, `"title":"Internal Server Error"`) {
		t.Errorf("got %d %s", res.StatusCode, body)
	}
	res, body = write(t, "HEAD", "", Details{Status: 404})
	if res.StatusCode != 404 || body != "" || res.ContentLength <= 0 {
		t.Errorf("HEAD: got %d, length %d, body %q", res.StatusCode, res.ContentLength, body)
	}
}

func write(t *testing.T, method, accept string, d Details) (*http.Response, string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Write(w, r, d) }))
	t.Cleanup(srv.Close)
	req, err := http.NewRequest(method, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}
