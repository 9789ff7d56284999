package txshadow_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/txshadow"
)

// thirdParty counts the calls that really reach it.
type thirdParty struct {
	url, host string
	calls     atomic.Int64
}

func newThirdParty(t *testing.T) *thirdParty {
	p := &thirdParty{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls.Add(1)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.Method, body)
	}))
	t.Cleanup(server.Close)
	p.url, p.host = server.URL, strings.TrimPrefix(server.URL, "http://")
	return p
}

// A shadow records what a live request does, and the footprint carries it.
func TestEffectsAreRecorded(t *testing.T) {
	var done atomic.Int64
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		for range 2 {
			s.must(txshadow.Do(ctx, "job", "ChargeJob", func() error { done.Add(1); return nil }))
		}
		if !txshadow.Record(ctx, "callback", "") {
			done.Add(1)
		}
		if err := txshadow.Do(ctx, "mail", "order.placed", func() error { return io.EOF }); txshadow.Active(ctx) != (err == nil) {
			s.t.Errorf("the error of what is done: %v", err)
		}
	})
	out := s.shadow("/")
	if out.ack.Footprint == nil && out.ack.Effects != nil {
		t.Error("effects without a footprint")
	}
	if n := done.Load(); n != 0 {
		t.Errorf("%d effects of a shadow were real", n)
	}
	resp, err := http.Post(s.url+"/", "", nil)
	s.must(err)
	resp.Body.Close()
	if n := done.Load(); n != 3 {
		t.Errorf("%d effects of a live request were real, want 3", n)
	}
	if resp.Header.Get("Quack-Footprint") != "" {
		t.Error("a live answer has a footprint")
	}
}

func TestEffectsInTheFootprint(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		s.db.Exec(r.Context(), insert)
		txshadow.Record(r.Context(), "mail", "order.placed")
		txshadow.Record(r.Context(), "callback", "")
		txshadow.Record(r.Context(), "callback", "")
	})
	out := s.shadow("/")
	want := txshadow.Effects{{Name: "callback", Count: 2}, {Name: "mail:order.placed", Count: 1}}
	if d := cmp.Diff(want, out.ack.Effects); d != "" || len(out.ack.Footprint) != 2 {
		t.Errorf("-want +got\n%s\n%q", d, out.header.Values("Quack-Footprint"))
	}
}

// An unsafe call to a third party is not made by a shadow, and its stand-in
// answers; a safe one is made.
func TestCallsToThirdPartiesAreRecorded(t *testing.T) {
	third := newThirdParty(t)
	plain := &http.Transport{DisableKeepAlives: true}
	var heard atomic.Value
	client := &http.Client{Transport: txshadow.RecordTransport(plain, func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		heard.Store(string(body))
		if err != nil {
			return nil, err
		}
		return txshadow.Answer(http.StatusTeapot, nil, "stand-in")(r)
	})}
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		s.db.Exec(r.Context(), insert)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			call, err := http.NewRequestWithContext(r.Context(), method, third.url+"/charges", strings.NewReader("sum=9"))
			s.must(err)
			resp, err := client.Do(call)
			s.must(err)
			body, err := io.ReadAll(resp.Body)
			s.must(err)
			resp.Body.Close()
			fmt.Fprintf(w, "%d %s;", resp.StatusCode, body)
		}
	})
	out := s.shadow("/")
	if out.body != "200 GET sum=9;418 stand-in;" || out.ack.Reason != "" || third.calls.Load() != 1 || heard.Load() != "sum=9" {
		t.Errorf("%q, reason %q, %d calls were real, the stand-in heard %v", out.body, out.ack.Reason, third.calls.Load(), heard.Load())
	}
	if d := cmp.Diff(txshadow.Effects{{Name: "http:POST " + third.host, Count: 1}}, out.ack.Effects); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	resp, err := http.Post(s.url+"/", "", nil)
	s.must(err)
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "200 GET sum=9;200 POST sum=9;" || third.calls.Load() != 3 {
		t.Errorf("live: %q, %d calls", body, third.calls.Load())
	}
}

// Without a stand-in the call fails, and the answer is not compared.
func TestCallsWithoutAStandIn(t *testing.T) {
	third := newThirdParty(t)
	client := &http.Client{Transport: txshadow.RecordTransport(nil, nil)}
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		call, err := http.NewRequestWithContext(r.Context(), http.MethodDelete, third.url, nil)
		s.must(err)
		if _, err := client.Do(call); !errors.Is(err, txshadow.ErrRecorded) {
			s.t.Errorf("the call: %v", err)
		}
	})
	if out := s.shadow("/"); out.ack.Reason != "unsupported:http" || third.calls.Load() != 0 {
		t.Errorf("reason %q, %d calls were real", out.ack.Reason, third.calls.Load())
	}
}

// A footprint that is too long is cut, with effects as without, and is no
// longer than it may be.
func TestEffectsAreCut(t *testing.T) {
	for tables := range 120 {
		for _, effects := range []int{0, 1, 3, 60} {
			var f txshadow.Footprint
			for i := range tables {
				f = append(f, txshadow.TableRows{Table: fmt.Sprintf("a_table_with_a_long_name_%03d", i), Inserted: 1})
			}
			var e txshadow.Effects
			for i := range effects {
				e = append(e, txshadow.Effect{Name: fmt.Sprintf("mail:a.long.name.%03d", i), Count: 1})
			}
			text := txshadow.Report(f, e)
			if len(text) > 4096 {
				t.Errorf("%d tables, %d effects: %d bytes", tables, effects, len(text))
			}
			got, err := txshadow.ParseFootprint(text)
			if whole := err == nil; whole != !strings.HasSuffix(text, ", truncated") || err != nil && !errors.Is(err, txshadow.ErrFootprintCut) {
				t.Errorf("%d tables, %d effects: %v\n%s", tables, effects, err, text)
			}
			if err == nil && len(got) != tables {
				t.Errorf("%d tables were read of %d", len(got), tables)
			}
		}
	}
}

func TestEffectsThatSayNothing(t *testing.T) {
	for _, s := range []string{
		`tables=(), effects=1`, `tables=(), effects=(1)`, `tables=(), effects=("")`, `tables=(), effects=("a";n=0)`,
		`tables=(), effects=("a";n=-1)`, `tables=(), effects=("a";n="x")`, `effects=("a")`,
	} {
		if _, err := txshadow.ParseFootprint(s); err == nil {
			t.Errorf("accepted %s", s)
		}
	}
	if _, err := txshadow.ParseFootprint(`tables=(), effects=("a";n=2;more "a" "b")`); err != nil {
		t.Error(err)
	}
}
