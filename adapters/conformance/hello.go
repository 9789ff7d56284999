package conformance

import (
	"net/http"
	"testing"

	"github.com/quackproxy/quack/txshadow"
)

// hello asks for the proof.
func (s *suite) hello(t *testing.T) reply {
	t.Helper()
	r := get(txshadow.HelloPath)
	r.mode = txshadow.ModeHello
	return s.do(t, s.marked(t, r))
}

func (s *suite) wantReady(t *testing.T) {
	t.Helper()
	out := s.hello(t)
	if out.err != nil || out.ack.Outcome != txshadow.Ready || out.status != http.StatusNoContent {
		t.Errorf("hello: %d, outcome %q, %v\n%s", out.status, out.ack.Outcome, out.err, out.body)
	}
	if out.ack.Reason != "" && out.ack.Reason != "prepare" {
		t.Errorf("hello has reason %q", out.ack.Reason)
	}
}

func checkHello(t *testing.T, s *suite) {
	s.db.unchanged(t, func() {
		s.wantReady(t)
		s.wantReady(t) // from memory, perhaps
	})
	if out := s.do(t, s.unsigned(t, get(txshadow.HelloPath))); out.status != http.StatusNotFound && out.status != http.StatusForbidden {
		t.Errorf("an unsigned hello: %d", out.status)
	} else if out.err == nil {
		t.Error("an unsigned hello was acknowledged")
	}
	stranger := *s
	stranger.codec = codec(t, "a secret that the app does not have")
	if out := stranger.hello(t); out.status != http.StatusForbidden || out.header.Get(txshadow.HeaderResult) != "" {
		t.Errorf("a hello with another secret: %d", out.status)
	}
	for name, r := range map[string]request{
		"mode=hello elsewhere":   {method: http.MethodGet, target: "/count", mode: txshadow.ModeHello},
		"mode=rollback at hello": {method: http.MethodGet, target: txshadow.HelloPath, mode: txshadow.ModeRollback},
		"POST hello":             {method: http.MethodPost, target: txshadow.HelloPath, mode: txshadow.ModeHello},
	} {
		if out := s.do(t, s.marked(t, r)); out.status != http.StatusForbidden || out.header.Get(txshadow.HeaderResult) != "" {
			t.Errorf("%s: %d", name, out.status)
		}
	}
}
