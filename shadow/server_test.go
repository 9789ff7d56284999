package shadow

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// request is one request that a server got.
type request struct {
	Method, Target, Host string
	Header               http.Header
	Body                 string
	Mode                 Mode // of Quack-Shadow, "" without
}

// server is a backend: an application, with the adapter around it or without.
type server struct {
	*httptest.Server
	codec codec

	mu   sync.Mutex
	got  []request
	app  http.HandlerFunc                          // the application
	bare func(request) bool                        // which requests the adapter does not see; nil: none
	says string                                    // reason in the answer to hello
	sign func(h http.Header, id string, mode Mode) // writes the acknowledgement; nil: rolled back
	real http.Handler                              // an application with an adapter of its own, in place of all this
}

func newServer(t *testing.T, secret string) *server {
	s := &server{codec: newCodec(secret), app: answer(200, `{"id":1}`)}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	req := request{r.Method, r.RequestURI, r.Host, r.Header.Clone(), string(body), ""}
	id, mode, err := s.codec.asked(r, body)
	req.Mode = mode
	s.mu.Lock()
	s.got = append(s.got, req)
	says, app, sign, bare, real := s.says, s.app, s.sign, s.bare != nil && s.bare(req), s.real
	s.mu.Unlock()
	switch {
	case real != nil:
		real.ServeHTTP(w, r)
	case bare && r.URL.Path == helloPath:
		http.NotFound(w, r)
	case bare || r.Header.Get("Quack-Shadow") == "":
		app(w, r)
	case err != nil:
		http.Error(w, err.Error(), http.StatusForbidden)
	case mode == ModeHello:
		s.codec.acknowledge(w.Header(), id, "ready", says)
		w.WriteHeader(http.StatusNoContent)
	default:
		held := httptest.NewRecorder()
		app(held, r)
		for name, values := range held.Header() {
			w.Header()[name] = values
		}
		if sign == nil {
			s.codec.acknowledge(w.Header(), id, "rolled-back", "")
		} else {
			sign(w.Header(), id, mode)
		}
		w.WriteHeader(held.Code)
		_, _ = w.Write(held.Body.Bytes())
	}
}

// change changes the server's behaviour between two requests.
func (s *server) change(f func(*server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// acknowledge makes the adapter acknowledge with a reason.
func (s *server) acknowledge(reason string) {
	s.change(func(s *server) {
		s.sign = func(h http.Header, id string, _ Mode) {
			s.codec.acknowledge(h, id, "rolled-back", reason)
		}
	})
}

// requests are those that the application got, without hellos.
func (s *server) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.got), func(r request) bool { return r.Target == helloPath })
}

// hellos is the number of hellos that it got.
func (s *server) hellos() int { return len(s.all()) - len(s.requests()) }

func (s *server) all() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// sequence answers with one body after the other, the last one for ever. The
// answer "cut off" breaks off.
func sequence(bodies ...string) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		body := bodies[0]
		if len(bodies) > 1 {
			bodies = bodies[1:]
		}
		mu.Unlock()
		if body == "cut off" {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"n":1`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		answer(200, body)(w, r)
	}
}

// held answers when release is closed, or the client has gone.
func held(release <-chan struct{}, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			then(w, r)
		case <-r.Context().Done():
		}
	}
}
