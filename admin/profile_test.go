package admin_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestProfilesAreBehindTheToken(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{
		"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/profile?seconds=1", "/debug/pprof/symbol", "/debug/pprof/trace?seconds=1",
		"/debug/pprof/heap", "/debug/pprof/goroutine?debug=2", "/debug/pprof/none",
	} {
		if res, body := w.askPlain("GET", path, ""); res.StatusCode != http.StatusUnauthorized || strings.Contains(body, "goroutine") {
			t.Errorf("%s without the token: %s", path, res.Status)
		}
	}
	if res, body := w.ask("GET", "/debug/pprof/goroutine?debug=2", ""); res.StatusCode != http.StatusOK || !strings.Contains(body, "ServeHTTP") {
		t.Errorf("with the token: %s", res.Status)
	}
	if res, _ := w.ask("GET", "/debug/pprof/none", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("a profile that is none: %s", res.Status)
	}
	if res, body := w.logIn().get("/debug/pprof/"); res.StatusCode != http.StatusOK || !strings.Contains(body, "goroutine") {
		t.Errorf("with a browser's session: %s", res.Status)
	}
	res, body := w.ask("GET", "/debug/pprof/heap", "")
	z, err := gzip.NewReader(bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatalf("%s is no profile: %v", res.Status, err)
	}
	if n, err := io.Copy(io.Discard, z); err != nil || n == 0 {
		t.Errorf("a profile of %d bytes, %v", n, err)
	}
}

// A profile that is being taken does not hold a stop up.
func TestProfileEndsWithTheServer(t *testing.T) {
	w := newWorld(t)
	began := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		req, err := http.NewRequest("GET", w.server.URL+"/debug/pprof/trace?seconds=600", nil)
		if err != nil {
			ended <- err
			return
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := w.server.Client().Do(req)
		close(began) // the head comes as soon as the trace has begun
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		ended <- err
	}()
	<-began
	if err := w.server.Config.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
