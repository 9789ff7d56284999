package upstream

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A deadline that a call has left to the next one must not end that.
func TestDeadlineLeftBehind(t *testing.T) {
	const short = 50 * time.Millisecond
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			time.Sleep(3 * short)
		case "/body":
			w.Header().Set("Content-Length", "4")
			io.WriteString(w, "ab")
			http.NewResponseController(w).Flush()
			time.Sleep(3 * short)
			io.WriteString(w, "cd")
			return
		case "/upload":
			http.NewResponseController(w).EnableFullDuplex()
			time.Sleep(3 * short)
			n, err := io.Copy(io.Discard, r.Body)
			if err != nil || n != 8<<20 {
				t.Errorf("read %d bytes, %v", n, err)
			}
		}
		io.WriteString(w, "abcd")
	})
	long := strings.Repeat("x", 8<<20)
	for _, c := range []struct {
		reason string
		path   string
		limit  time.Duration // of the second call
		body   string
	}{
		{"a call without a limit", "/slow", 0, ""},
		{"a call with a longer one", "/slow", time.Hour, ""},
		{"a body that comes late", "/body", short, ""},
		{"an upload, whose writes it had bounded too", "/upload", time.Hour, long},
	} {
		t.Run(c.reason, func(t *testing.T) {
			i := newBackend(t, Options{Reuse: ReuseAlways}, srv.URL).Pick(nil)
			res, err := i.Do(request(t, "GET", "/", "", nil, nil, 0), Call{Idempotent: true, HeadTimeout: short})
			if err != nil {
				t.Fatal(err)
			}
			first := res.Body.(*body).x.conn
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if first.left.IsZero() {
				t.Fatal("nothing was left")
			}
			var content io.Reader
			if c.body != "" {
				content = strings.NewReader(c.body)
			}
			res, err = i.Do(request(t, "PUT", c.path, "", nil, content, int64(len(c.body))), Call{HeadTimeout: c.limit})
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.Body.(*body).x.conn != first {
				t.Error("another connection was used")
			}
			if got, err := io.ReadAll(res.Body); string(got) != "abcd" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
}

// One deadline serves the calls of a while, and none of them for longer than
// its limit and a little.
func TestDeadlineIsShared(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/never" {
			<-r.Context().Done()
		}
		io.WriteString(w, "abcd")
	})
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	call := func(path string, limit time.Duration) (time.Time, error) {
		res, err := i.Do(request(t, "GET", path, "", nil, nil, 0), Call{Idempotent: true, HeadTimeout: limit})
		if err != nil {
			return time.Time{}, err
		}
		defer res.Body.Close()
		io.Copy(io.Discard, res.Body)
		return res.Body.(*body).x.conn.left, nil
	}
	first, err := call("/", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := call("/", time.Hour); err != nil || again != first {
		t.Errorf("%v became %v, %v", first, again, err)
	}
	if shorter, err := call("/", time.Minute); err != nil || !shorter.Before(first) {
		t.Errorf("a shorter limit: %v, %v", shorter, err)
	}
	if _, err := call("/never", 20*time.Millisecond); !errors.Is(err, ErrHeadTimeout) {
		t.Errorf("no answer: %v", err)
	}
}
