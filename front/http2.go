package front

import (
	"net/http"
	"strings"
	"time"
)

// newH2 is net/http's server for HTTP/2.
func (s *Server) newH2() *http.Server {
	srv := s.bare()
	srv.Protocols.SetHTTP2(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	srv.Handler = http.HandlerFunc(s.serveH2)
	srv.IdleTimeout = s.IdleTimeout
	srv.MaxHeaderBytes = s.HeadBytes
	srv.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          250,
		MaxReceiveBufferPerConnection: 1 << 20,
		MaxReceiveBufferPerStream:     256 << 10,
		SendPingTimeout:               time.Minute,
		WriteByteTimeout:              s.WriteTimeout,
	}
	return srv
}

// serveH2 answers a request of HTTP/2. net/http has held it against RFC 9113;
// what would be another request in HTTP/1, behind here, is looked for as well.
func (s *Server) serveH2(w http.ResponseWriter, r *http.Request) {
	s.running.Add(1)
	defer s.running.Add(-1)
	if no := checkHTTP2(r); no != nil {
		s.refused(no, r.RemoteAddr)
		s.answerRefused(w, r, no)
		return
	}
	delete(r.Header, "Host")
	moving := &movingWriter{w, http.NewResponseController(w), s.WriteTimeout}
	s.Handler.ServeHTTP(moving, r)
	moving.bound() // what is left is sent now
}

// movingWriter ends a stream whose client grants it nothing to send for too
// long. The connection's own limit knows nothing of that: over it nothing is
// written then.
type movingWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration
}

func (w *movingWriter) bound()   { _ = w.control.SetWriteDeadline(time.Now().Add(w.limit)) }
func (w *movingWriter) unbound() { _ = w.control.SetWriteDeadline(time.Time{}) }

// Write writes a piece of the body.
func (w *movingWriter) Write(p []byte) (int, error) {
	w.bound()
	defer w.unbound()
	return w.ResponseWriter.Write(p)
}

// Flush sends what there is.
func (w *movingWriter) Flush() { _ = w.FlushError() }

// FlushError sends what there is.
func (w *movingWriter) FlushError() error {
	w.bound()
	defer w.unbound()
	return w.control.Flush()
}

// Unwrap is for http.ResponseController.
func (w *movingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func checkHTTP2(r *http.Request) *refusal {
	switch hosts := r.Header["Host"]; {
	case len(hosts) > 1:
		return badHosts
	case len(hosts) == 1 && hosts[0] != r.Host:
		return badHostDiffers // RFC 9113 section 8.3.1
	case !validHost([]byte(r.Host)) && !(r.Host == "" && r.RequestURI == "*"):
		return badHost
	case !tokenBytes([]byte(r.Method)):
		return badMethod
	}
	if r.Method != http.MethodConnect && r.RequestURI != "*" && !strings.HasPrefix(r.RequestURI, "/") {
		return badTarget // RFC 9113 section 8.3.1: an authority has no place in it
	}
	for i := range len(r.RequestURI) {
		if c := r.RequestURI[i]; c <= ' ' || c == 0x7f || c == '#' {
			return badTarget
		}
	}
	if lengths, has := r.Header["Content-Length"]; has {
		// RFC 9113 section 8.1.1. A request without a body says 0, if anything.
		n, ok := parseLength([]byte(first(lengths)))
		if len(lengths) > 1 || !ok || n != r.ContentLength {
			return badLength
		}
	}
	for name := range r.Header {
		if lookalike([]byte(name)) {
			return badLookalike
		}
	}
	return nil
}
