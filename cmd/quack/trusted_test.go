package main

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// What a load balancer says of its client goes on only when --trusted names
// the balancer.
func TestTrusted(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(r *http.Request) (int, string) {
		return 200, fmt.Sprint(r.Header.Get("X-Forwarded-For"), " ", r.Header.Get("X-Forwarded-Proto"))
	})
	for _, c := range []struct {
		flags  []string
		want   string
		reason string
	}{
		{nil, "127.0.0.1 http", "anyone could say so"},
		{[]string{"--trusted", "10.0.0.0/8"}, "127.0.0.1 http", "another balancer is trusted, not this one"},
		{[]string{"--trusted", "10.0.0.0/8,127.0.0.1"}, "9.9.9.9, 127.0.0.1 https", "the balancer is trusted"},
	} {
		q := start(t, table(legacy, legacy, "", "  - {match: GET /a}\n"), c.flags...)
		req, err := http.NewRequest("GET", q.url+"/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", "9.9.9.9")
		req.Header.Set("X-Forwarded-Proto", "https")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if string(body) != c.want {
			t.Errorf("%s: the backend saw %q, want %q", c.reason, body, c.want)
		}
		q.stop()
	}
}
