package txshadow_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quackproxy/quack/txshadow"
)

func TestSecretsAreNotPrinted(t *testing.T) {
	list, err := txshadow.ParseSecrets(secret)
	if err != nil {
		t.Fatal(err)
	}
	c, err := txshadow.NewCodec(list...)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		fmt.Sprint(list), fmt.Sprintf("%v %+v %#v %s %q", list, list, list, list, list), fmt.Sprint(c), fmt.Sprintf("%v %+v", c, c),
	} {
		if strings.Contains(s, secret) {
			t.Errorf("printed: %s", s)
		}
	}
	if _, err := txshadow.ParseSecrets(secret + ",too-short"); err == nil || strings.Contains(err.Error(), "too-short") {
		t.Errorf("the error shows a secret, or there is none: %v", err)
	}
}

func TestAReasonStaysOneField(t *testing.T) {
	c := codec(t, secret, 0)
	h := http.Header{}
	c.Acknowledge(h, "id", txshadow.RolledBack, "unsupported:a;b\nc é "+strings.Repeat("x", 500))
	a, err := c.Acknowledged(h, "id")
	if err != nil || !strings.HasPrefix(a.Reason, "unsupported:a_b_c___xxx") || len(a.Reason) > 120 {
		t.Errorf("%q, %v", a.Reason, err)
	}
}

func TestAFootprintThatCanNotBeReadLeavesTheResult(t *testing.T) {
	c := codec(t, secret, 0)
	for _, f := range []string{"", "tables", "tables=1", `tables=("a" "a")`, `tables=("a" "public.a")`, `tables=("a";ins=-1)`, `tables=("a";ins=x)`, `tables=(a)`, `tables=("a"`, `tables=() tables`, `tables=(),`} {
		h := http.Header{"Quack-Footprint": {f}}
		c.Acknowledge(h, "id", txshadow.RolledBack, "")
		a, err := c.Acknowledged(h, "id")
		if err != nil || a.Footprint != nil || a.FootprintErr == nil {
			t.Errorf("%q: %v, %+v", f, err, a)
		}
	}
	// What is not known is passed over.
	got, err := txshadow.ParseFootprint(`new;p=1, other=1.5, more=:AA==:, at=@1, t=tok/en, b=?0, in=(1 "x";y), tables=("a";ins=1;z=?1;q=tok);p`)
	if d := cmp.Diff(txshadow.Footprint{{Table: "a", Inserted: 1}}, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

func TestALongFootprintIsCut(t *testing.T) {
	for n := range 400 {
		var f txshadow.Footprint
		for i := range n {
			f = append(f, txshadow.TableRows{Table: fmt.Sprintf("table_%03d", i), Inserted: int64(i + 1)})
		}
		s := f.String()
		got, err := txshadow.ParseFootprint(s)
		cut := errors.Is(err, txshadow.ErrFootprintCut)
		if len(s) > 4096 || err != nil && !cut || cut != strings.HasSuffix(s, ", truncated") || cut == (len(got) == n) {
			t.Fatalf("%d tables: %d bytes, %d read, %v", n, len(s), len(got), err)
		}
		if !slices.Equal(got, f[:len(got)]) {
			t.Fatalf("%d tables: read others", n)
		}
		if cut && len(s) < 4000 {
			t.Fatalf("%d tables: cut at %d bytes", n, len(s))
		}
	}
}

func TestFootprintsComeBack(t *testing.T) {
	name := rapid.StringMatching(`([a-z."é%\\]{1,4})`)
	rapid.Check(t, func(t *rapid.T) {
		tables := rapid.MapOf(rapid.Custom(func(t *rapid.T) string {
			return txshadow.TableName(name.Draw(t, "schema"), name.Draw(t, "table"))
		}), rapid.Int64Range(0, 1e12)).Draw(t, "tables")
		f := txshadow.Footprint{}
		for table, n := range tables {
			f = append(f, txshadow.TableRows{Table: table, Inserted: n, Updated: n / 2, Deleted: n / 3})
		}
		got, err := txshadow.ParseFootprint(f.String())
		if err != nil && !errors.Is(err, txshadow.ErrFootprintCut) {
			t.Fatal(err)
		}
		slices.SortFunc(f, func(a, b txshadow.TableRows) int { return strings.Compare(a.Table, b.Table) })
		if err == nil && !slices.Equal(f, got) {
			t.Fatalf("%s\n%v\n%v", f, []txshadow.TableRows(f), []txshadow.TableRows(got))
		}
	})
}

func FuzzReadShadow(f *testing.F) {
	c := codec(f, secret, 1000)
	h := http.Header{}
	c.MarkShadow(h, "id", txshadow.ModeRollback, 1e9, "POST", "/a?b", []byte("body"))
	good := h.Get("Quack-Shadow")
	f.Add(good)
	f.Add("v1;id=;mode=;t=;budget=;target=;sig=")
	f.Add("v1")
	u, _ := url.Parse("/a?b")
	f.Fuzz(func(t *testing.T, value string) {
		m, err := c.ReadShadow(http.Header{"Quack-Shadow": {value}})
		if err == nil && c.VerifyShadow(m, "POST", u, sha256.Sum256([]byte("body"))) == nil && len(value) != len(good) {
			t.Fatalf("accepted %q", value) // the fields may come in another order
		}
	})
}

func FuzzReadHeaders(f *testing.F) {
	c := codec(f, secret, 1000)
	f.Add("v1;id=id;outcome=ready;reason=;sig=00", "a=b,quack.shadow=id.00;p", `tables=("a";ins=1), truncated`)
	f.Add("v1;role=live;time=2026-01-01T00:00:00Z;readonly=0;sig=", "quack.shadow=%", `tables=(%"%c3%a9" "\"");a=:AA==:, b=?1`)
	f.Fuzz(func(t *testing.T, value, baggage, footprint string) {
		if _, err := c.Acknowledged(http.Header{"Quack-Shadow-Result": {value}}, "id"); err == nil {
			t.Fatalf("accepted %q", value)
		}
		if _, err := c.ReadContext(http.Header{"Quack-Request-Id": {"id"}, "Quack-Context": {value}}); err == nil {
			t.Fatalf("accepted %q", value)
		}
		if c.Nested(http.Header{"Baggage": {baggage}}) {
			t.Fatalf("accepted %q", baggage)
		}
		if got, err := txshadow.ParseFootprint(footprint); err == nil {
			again, err := txshadow.ParseFootprint(got.String())
			if err != nil && !errors.Is(err, txshadow.ErrFootprintCut) || err == nil && !slices.Equal(got, again) {
				t.Fatalf("%q: %v, then %v (%v)", footprint, got, again, err)
			}
		}
	})
}

// Quack-Time is the instant to the nanosecond, in one form.
func TestContextTime(t *testing.T) {
	c := codec(t, "0123456789abcdef0123456789abcdef", 0)
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-1<<33, 1<<36).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "fraction"))
		h := http.Header{}
		c.MarkContext(h, "id", "live", at, false)
		if want := at.UTC().Format("2006-01-02T15:04:05.000000000Z"); h.Get("Quack-Time") != want {
			t.Fatalf("got %s, want %s", h.Get("Quack-Time"), want)
		}
		if got, err := c.ReadContext(h); err != nil || !got.At.Equal(at) {
			t.Fatalf("read back %v, %v; want %v", got.At, err, at)
		}
	})
}

func BenchmarkMarkContext(b *testing.B) {
	c, at, h := codec(b, "0123456789abcdef0123456789abcdef", 0), time.Now(), http.Header{}
	b.ReportAllocs()
	for b.Loop() {
		c.MarkContext(h, "01JZZZZZZZZZZZZZZZZZZZZZZZ", "live", at, false)
	}
}
