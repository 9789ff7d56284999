package txshadow_test

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/txshadow"
)

// vectors is testdata/vectors.json. It was computed by another program than
// this package, from the description of the headers alone.
type vectors struct {
	Secret, Secrets string
	Now             int64
	Lists           []struct {
		List    string
		Secrets []string
		Error   bool
	}
	Derive []struct {
		QuackSecret  string `json:"quack_secret"`
		ShadowSecret string `json:"shadow_secret"`
	}
	Context []struct {
		ID, Role string
		Time     time.Time
		ReadOnly bool
		Headers  map[string]string
	}
	Shadow         []shadowVector
	Refused        []refusedVector
	Prepare        []shadowVector
	PrepareRefused []refusedVector `json:"prepare_refused"`

	SameTarget []struct {
		Signed, Received string
		Same             bool
	} `json:"same_target"`
	Result []struct{ ID, Outcome, Reason, Header string }
	Nested []struct {
		Baggage string
		Nested  bool
	}
	Footprint []struct {
		Tables []struct {
			Table         string
			Ins, Upd, Del int64
		}
		Effects []struct {
			Name string
			N    int64
		}
		Header string
	}
}

type shadowVector struct {
	ID, Mode, Method, Target, Body, Header, Baggage, Note, GID, Slot string

	T        int64
	BudgetMS int64 `json:"budget_ms"`
}

type refusedVector struct {
	Why, Method, Target, Body, Header string
	Now                               int64
}

func readVectors(t *testing.T) (v vectors, c *txshadow.Codec) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v, codec(t, v.Secrets, v.Now)
}

// codec is one whose clock stands at now.
func codec(t testing.TB, secrets string, now int64) *txshadow.Codec {
	t.Helper()
	list, err := txshadow.ParseSecrets(secrets)
	if err != nil {
		t.Fatal(err)
	}
	c, err := txshadow.NewCodec(list...)
	if err != nil {
		t.Fatal(err)
	}
	c.SetClock(func() time.Time { return time.Unix(now, 0) })
	return c
}

func TestVectorsOfSecrets(t *testing.T) {
	v, _ := readVectors(t)
	for _, l := range v.Lists {
		got, err := txshadow.ParseSecrets(l.List)
		if (err != nil) != l.Error || len(got) != len(l.Secrets) {
			t.Errorf("%q: %d secrets, error %v", l.List, len(got), err)
		}
		if l.Error && !strings.Contains(err.Error(), "\n  ") {
			t.Errorf("%q: the error has no next step: %v", l.List, err)
		}
		for i, s := range l.Secrets { // what one signs, the list accepts
			h := http.Header{}
			codec(t, s, v.Now).MarkContext(h, "id", "live", time.Now(), false)
			if _, err := codec(t, l.List, v.Now).ReadContext(h); err != nil {
				t.Errorf("secret %d of %q: %v", i, l.List, err)
			}
		}
	}
	for _, d := range v.Derive {
		if got, err := txshadow.DeriveShadowSecret(d.QuackSecret); err != nil || got != d.ShadowSecret {
			t.Errorf("derived %s from %q (%v), want %s", got, d.QuackSecret, err, d.ShadowSecret)
		}
	}
}

func TestVectorsOfContext(t *testing.T) {
	v, c := readVectors(t)
	for _, x := range v.Context {
		h := http.Header{}
		h.Set("Quack-Read-Only", "left over")
		c.MarkContext(h, x.ID, x.Role, x.Time, x.ReadOnly)
		want := http.Header{}
		for name, value := range x.Headers {
			want.Set(name, value)
		}
		if d := cmp.Diff(want, h); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
		got, err := c.ReadContext(want)
		if err != nil || got != (txshadow.Context{ID: x.ID, Role: txshadow.Role(x.Role), At: x.Time, ReadOnly: x.ReadOnly}) {
			t.Errorf("read %+v, %v", got, err)
		}
		want.Set("Quack-Request-Id", "another")
		if _, err := c.ReadContext(want); err == nil {
			t.Error("the context of another request was accepted")
		}
	}
}

// verify is what an adapter does with a request.
func verify(c *txshadow.Codec, header, method, target, body string) (txshadow.Marked, error) {
	h := http.Header{}
	if header != "" {
		h.Set("Quack-Shadow", header)
	}
	m, err := c.ReadShadow(h)
	if err != nil {
		return m, err
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return m, err
	}
	return m, c.VerifyShadow(m, method, u, sha256.Sum256([]byte(body)))
}

func TestVectorsOfShadow(t *testing.T) {
	v, c := readVectors(t)
	for _, x := range v.Shadow {
		budget := time.Duration(x.BudgetMS) * time.Millisecond
		m, err := verify(c, x.Header, x.Method, x.Target, x.Body)
		if err != nil || m.ID != x.ID || string(m.Mode) != x.Mode || m.Budget != budget || m.Target != x.Target || m.At.Unix() != x.T {
			t.Errorf("%s: %+v, %v", x.ID, m, err)
		}
		if x.Note != "" {
			continue // not signed with the first secret
		}
		h := http.Header{}
		codec(t, v.Secrets, x.T).MarkShadow(h, x.ID, txshadow.Mode(x.Mode), budget, x.Method, x.Target, []byte(x.Body))
		if h.Get("Quack-Shadow") != x.Header || h.Get("Baggage") != x.Baggage {
			t.Errorf("%s: marked\n%s\n%s, want\n%s\n%s", x.ID, h.Get("Quack-Shadow"), h.Get("Baggage"), x.Header, x.Baggage)
		}
	}
	for _, x := range v.Refused {
		if _, err := verify(codec(t, v.Secrets, x.Now), x.Header, x.Method, x.Target, x.Body); err == nil {
			t.Errorf("%s: accepted", x.Why)
		} else if strings.Contains(err.Error(), v.Secret) {
			t.Errorf("%s: the error has the secret in it: %v", x.Why, err)
		}
	}
	for _, x := range v.SameTarget {
		h := http.Header{}
		c.MarkShadow(h, "id", txshadow.ModeReadOnly, 0, "GET", x.Signed, nil)
		if _, err := verify(c, h.Get("Quack-Shadow"), "GET", x.Received, ""); (err == nil) != x.Same {
			t.Errorf("signed %q, received %q: %v", x.Signed, x.Received, err)
		}
	}
}

func TestVectorsOfPrepare(t *testing.T) {
	v, _ := readVectors(t)
	if len(v.Prepare) == 0 || len(v.PrepareRefused) == 0 {
		t.Fatal("there are none")
	}
	for _, x := range v.Prepare {
		m, err := verify(codec(t, v.Secrets, v.Now), x.Header, x.Method, x.Target, x.Body)
		if err != nil || m.ID != x.ID || m.Mode != txshadow.ModePrepare || m.GID != x.GID || m.Target != x.Target {
			t.Errorf("%s: %+v, %v", x.ID, m, err)
		}
		h := http.Header{}
		codec(t, v.Secrets, x.T).MarkPrepare(h, x.ID, x.GID, time.Duration(x.BudgetMS)*time.Millisecond, x.Method, x.Target, []byte(x.Body))
		if h.Get("Quack-Shadow") != x.Header || h.Get("Baggage") != x.Baggage {
			t.Errorf("%s: marked\n%s\n%s, want\n%s\n%s", x.ID, h.Get("Quack-Shadow"), h.Get("Baggage"), x.Header, x.Baggage)
		}
	}
	for _, x := range v.PrepareRefused {
		if _, err := verify(codec(t, v.Secrets, x.Now), x.Header, x.Method, x.Target, x.Body); err == nil {
			t.Errorf("%s: accepted", x.Why)
		}
	}
}

func TestVectorsOfResult(t *testing.T) {
	v, c := readVectors(t)
	for _, x := range v.Result {
		h := http.Header{}
		c.Acknowledge(h, x.ID, txshadow.Outcome(x.Outcome), x.Reason)
		if got := h.Get("Quack-Shadow-Result"); got != x.Header {
			t.Errorf("got %s, want %s", got, x.Header)
		}
		a, err := c.Acknowledged(h, x.ID)
		if err != nil || string(a.Outcome) != x.Outcome || a.Reason != x.Reason || a.Footprint != nil || a.FootprintErr != nil {
			t.Errorf("%s: %+v, %v", x.Header, a, err)
		}
		for _, wrong := range []string{
			strings.Replace(x.Header, "outcome=", "outcome=x", 1), strings.Replace(x.Header, "reason=", "reason=x", 1),
			strings.Replace(x.Header, "v1", "v2", 1), x.Header + ";more=1", x.Header[:len(x.Header)-1],
		} {
			h.Set("Quack-Shadow-Result", wrong)
			if _, err := c.Acknowledged(h, x.ID); err == nil {
				t.Errorf("accepted %s", wrong)
			}
		}
		h.Set("Quack-Shadow-Result", x.Header)
		if _, err := c.Acknowledged(h, "another"); err == nil {
			t.Error("the result of another request was accepted")
		}
		h.Add("Quack-Shadow-Result", x.Header)
		if _, err := c.Acknowledged(h, x.ID); err == nil {
			t.Error("two results were accepted")
		}
	}
	if _, err := c.Acknowledged(http.Header{}, "id"); err == nil {
		t.Error("no result was accepted")
	}
}

func TestVectorsOfNested(t *testing.T) {
	v, c := readVectors(t)
	for _, x := range v.Nested {
		if got := c.Nested(http.Header{"Baggage": {x.Baggage}}); got != x.Nested {
			t.Errorf("%s: %v", x.Baggage, got)
		}
	}
	h := http.Header{"Baggage": {"a=1", "quack.shadow=old, b=2;p"}}
	c.MarkShadow(h, "id", txshadow.ModeRollback, 0, "POST", "/", nil)
	if got := h.Get("Baggage"); !c.Nested(h) || !strings.HasPrefix(got, "a=1,b=2;p,quack.shadow=id.") || strings.Contains(got, "old") {
		t.Errorf("baggage %q", got)
	}
}

func TestVectorsOfFootprint(t *testing.T) {
	v, c := readVectors(t)
	for _, x := range v.Footprint {
		want := txshadow.Footprint{}
		for _, tab := range x.Tables {
			want = append(want, txshadow.TableRows{Table: tab.Table, Inserted: tab.Ins, Updated: tab.Upd, Deleted: tab.Del})
		}
		effects := txshadow.Effects{}
		for _, e := range x.Effects {
			effects = append(effects, txshadow.Effect{Name: e.Name, Count: e.N})
		}
		if got := txshadow.Report(want, effects); got != x.Header {
			t.Errorf("wrote %s, want %s", got, x.Header)
		}
		h := http.Header{"Quack-Footprint": {x.Header}}
		c.Acknowledge(h, "id", txshadow.RolledBack, "")
		a, err := c.Acknowledged(h, "id")
		if err != nil || a.FootprintErr != nil || a.Footprint == nil {
			t.Errorf("%s: %v, %v", x.Header, err, a.FootprintErr)
		}
		if d := cmp.Diff(want, a.Footprint) + cmp.Diff(effects, a.Effects); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
	}
}
