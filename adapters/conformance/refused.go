package conformance

import (
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/txshadow"
)

// checkRefused: what does not verify is answered with 403, and never run.
func checkRefused(t *testing.T, s *suite) {
	create := post("/items", fields{"name": "plums"})
	right := func() mark { return s.mark(create, txshadow.ModeRollback) }
	for _, c := range []struct {
		why    string
		change func(*mark)
	}{
		{"another secret", func(m *mark) { m.secret = "a secret that the app does not have" }},
		{"61 seconds old", func(m *mark) { m.at = m.at.Add(-62 * time.Second) }},
		{"61 seconds early", func(m *mark) { m.at = m.at.Add(65 * time.Second) }},
		{"another body", func(m *mark) { m.body = []byte(`{"name":"grapes"}`) }},
		{"no body", func(m *mark) { m.body = nil }},
		{"another method", func(m *mark) { m.method = http.MethodPut }},
		{"another path", func(m *mark) { m.target = "/durable" }},
		{"a query more", func(m *mark) { m.target += "?dry=1" }},
		{"a mode that is not known", func(m *mark) { m.mode = "commit" }},
		{"a line break in the id", func(m *mark) { m.id += "%0a" }},
	} {
		m := right()
		c.change(&m)
		s.wantForbidden(t, c.why, create, m.header())
	}
	good := right().header()
	for why, value := range map[string]string{
		"no signature":            good[:strings.Index(good, ";sig=")],
		"a signature cut":         good[:len(good)-1],
		"a signature in capitals": good[:strings.Index(good, ";sig=")] + strings.ToUpper(good[strings.Index(good, ";sig="):]),
		"another version":         "v2" + good[2:],
		"a field more":            good + ";more=1",
		"a field twice":           good + ";mode=rollback",
		"the mode changed":        strings.Replace(good, "mode=rollback", "mode=readonly", 1),
		"the budget changed":      strings.Replace(good, "budget=15000", "budget=15001", 1),
		"no version":              good[3:],
		"rubbish":                 "on",
		"nothing":                 "",
	} {
		s.wantForbidden(t, why, create, value)
	}
	s.wantForbidden(t, "two of them", create, good, right().header())
}

func (s *suite) wantForbidden(t *testing.T, why string, r request, values ...string) {
	t.Helper()
	h := s.unsigned(t, r)
	h.Header.Set(txshadow.HeaderRequestID, "request-"+rand.Text())
	h.Header[txshadow.HeaderShadow] = values
	s.db.unchanged(t, func() {
		out := s.do(t, h)
		if out.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", why, out.status, out.body)
		}
		if out.header.Get(txshadow.HeaderResult) != "" || out.header.Get(txshadow.HeaderFootprint) != "" {
			t.Errorf("%s: it was acknowledged", why)
		}
		for _, secret := range s.secrets {
			if strings.Contains(out.body, secret) {
				t.Errorf("%s: the answer has the secret in it", why)
			}
		}
	})
}

// checkTargets: a path and query mean the same in more than one spelling, and
// something between Quack and the app may choose another.
func checkTargets(t *testing.T, s *suite) {
	id := s.db.id(t, "apples")
	for _, c := range []struct {
		signed, sent string
		status       int // of the answer
	}{
		{"/items/" + id, "/items/" + id, http.StatusOK},
		{"/items/%3" + id, "/items/%3" + id, http.StatusOK},
		{"/items/" + id, "/items/%3" + id, http.StatusOK},
		{"/%69tems/" + id, "/items/" + id, http.StatusOK},
		{"/items/" + id + "?a=%20b;c&d", "/items/" + id + "?a=%20b;c&d", http.StatusOK},
		{"/items/" + id + "?a=%41", "/items/" + id + "?a=A", http.StatusOK},
		{"/items/" + id, "/items/" + id + "?", http.StatusOK},
		{"/nowhere/%C3%A9%2F", "/nowhere/%C3%A9%2F", http.StatusNotFound},
		{"/items/" + id, "/items/2" + id, http.StatusForbidden},
		{"/items/" + id + "?a=1", "/items/" + id + "?a=2", http.StatusForbidden},
		{"/items/" + id + "?a=1&b=2", "/items/" + id + "?b=2&a=1", http.StatusForbidden},
	} {
		out := s.do(t, s.carrying(t, get(c.sent), s.mark(get(c.signed), txshadow.ModeReadOnly)))
		if acknowledged := out.err == nil; out.status != c.status || acknowledged != (c.status != http.StatusForbidden) {
			t.Errorf("signed %s, sent %s: %d, want %d; acknowledgement %v\n%s", c.signed, c.sent, out.status, c.status, out.err, out.body)
		}
	}
}

// checkRotation: the list of secrets is accepted, and its first one signs.
func checkRotation(t *testing.T, s *suite) {
	create := post("/items", fields{"name": "plums"})
	m := s.mark(create, txshadow.ModeRollback)
	m.secret = s.secrets[1]
	s.db.unchanged(t, func() {
		if out := s.do(t, s.carrying(t, create, m)); out.err != nil || out.ack.Reason != "" {
			t.Errorf("signed with the second secret: %v, %+v\n%d %s", out.err, out.ack, out.status, out.body)
		}
	})
}

// checkReplay: a shadow that is sent again is rolled back again, whoever
// sends it.
func checkReplay(t *testing.T, s *suite) {
	h := s.marked(t, post("/items", fields{"name": "plums"}).shadow())
	body, err := io.ReadAll(h.Body)
	if err != nil {
		t.Fatal(err)
	}
	s.db.unchanged(t, func() {
		for range 3 {
			h.Body = io.NopCloser(strings.NewReader(string(body)))
			if out := s.do(t, h); out.err != nil || out.ack.Reason != "" || out.status != http.StatusCreated {
				t.Errorf("%v, %+v\n%d %s", out.err, out.ack, out.status, out.body)
			}
		}
	})
}
