package proxy

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestStrangersAreWarnedOf(t *testing.T) {
	log := &logNotes{}
	p := &proxy{Config: Config{
		Log:     slog.New(slog.NewTextHandler(log, nil)),
		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}}
	from := func(addr, field string) {
		l := &life{proxy: p, peer: netip.MustParseAddr(addr), r: &http.Request{Header: http.Header{}}}
		l.trusted = within(l.peer, p.Trusted)
		h := http.Header{}
		if field != "" {
			h[field] = []string{"1.2.3.4"}
		}
		l.forward(h)
	}
	from("10.0.0.1", "X-Forwarded-For")
	from("192.0.2.1", "")
	from("192.0.2.1", "X-Forwarded-Proto")
	if s := log.String(); s != "" {
		t.Errorf("warned of nothing: %s", s)
	}
	for range 3 {
		from("192.0.2.1", "X-Forwarded-For")
		from("192.0.2.2", "Forwarded")
	}
	for n := range 100 {
		from(fmt.Sprintf("198.51.100.%d", n), "X-Forwarded-For")
	}
	s := log.String()
	for _, peer := range []string{"peer=192.0.2.1\n", "peer=192.0.2.2\n"} {
		if strings.Count(s, peer) != 1 {
			t.Errorf("want one %q in %s", peer, s)
		}
	}
	if n := strings.Count(s, "QUACK_TRUSTED"); n != maxStrangers {
		t.Errorf("%d warnings, want %d", n, maxStrangers)
	}
}
