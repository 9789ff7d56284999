package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/quackproxy/quack/compare/internal/align"
	"github.com/quackproxy/quack/compare/internal/decimal"
	"github.com/quackproxy/quack/compare/internal/jsontext"
	"github.com/quackproxy/quack/compare/internal/stamp"
)

// found is what a result says, in a form that does not depend on which side is
// which.
func found(r Result, swapped bool) []string {
	mirror := map[Kind]Kind{KindMissing: KindAdded, KindAdded: KindMissing}
	var all []string
	for _, d := range r.Differences {
		if swapped {
			d.Legacy, d.New = d.New, d.Legacy
			if k, ok := mirror[d.Kind]; ok {
				d.Kind = k
			}
		}
		all = append(all, fmt.Sprintf("%s %s %q %q", d.Kind, d.Path, d.Legacy, d.New))
	}
	for _, f := range r.Forgiven {
		if k, ok := mirror[f.Kind]; ok && swapped {
			f.Kind = k
		}
		all = append(all, fmt.Sprintf("%s %s %s %d", f.Kind, f.Path, f.Reason, f.Count))
	}
	slices.Sort(all)
	return append(all, fmt.Sprint(r.Truncated, r.Err != nil))
}

// checkSides holds a comparison to what is true of any: an answer equals
// itself, and swapping the sides swaps the result.
func checkSides(t *testing.T, a, b *Exchange, rules *Rules) Result {
	t.Helper()
	for _, e := range []*Exchange{a, b} {
		copied := *e
		copied.Body = bytes.Clone(e.Body)
		if r := Exchanges(e, &copied, rules); !r.Match() {
			t.Fatalf("an answer differs from itself: %+v", r)
		}
	}
	there, back := Exchanges(a, b, rules), Exchanges(b, a, rules)
	if !slices.Equal(found(there, false), found(back, true)) {
		t.Fatalf("there\n%q\nback\n%q", found(there, false), found(back, true))
	}
	return there
}

// FuzzSides compares JSON both ways round, without rules and under some that
// do not depend on the order of the answer.
func FuzzSides(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":[1,2,{"b":null}]}`, `{"a":[1,{"b":null},2]}`}, {`{"a":1,"a":2}`, `{"a":2}`}, {`[[1,2],[3]]`, `[[3],[2,1],0]`}, {`{"1":1,"a":2}`, `{"2":1,"a":2}`},
		{`[{"t":"2026-03-04T05:06:07Z"},1]`, `[1,{"t":"2026-03-04T05:06:08Z"},2]`}, {`{"b":[1,1,2]}`, `{"b":[2,2,1]}`}, {`[1,[1,[1,2]]]`, `[1,[2,[1,1]]]`}, {"[1", "{"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	rules, errs := Compile([]Rule{{Path: "$..b", Unordered: true}, {Path: "$..c", Ignore: true}, {Path: "$..d", Tolerance: "1"}, {Path: "$..t", Within: "1h"}})
	if errs != nil {
		f.Fatal(errs)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if max(len(a), len(b)) > 2048 {
			return
		}
		checkSides(t, jsonExchange(a), jsonExchange(b), nil)
		checkSides(t, jsonExchange(a), jsonExchange(b), rules)
	})
}

// FuzzRules compiles a rule of all that a file may write, and compares under it.
func FuzzRules(f *testing.F) {
	f.Add("$.a", "", "0.1%", false, "", "2027-01-31", []byte(`{"a":[1,2]}`), []byte(`{"a":[2,1]}`))
	f.Add("$..a[*]", "2s", "", false, "", "", []byte(`{"a":["2026-03-04T05:06:07Z"]}`), []byte(`{"a":["2026-03-04T05:06:08Z"]}`))
	f.Add("$.a", "", "", true, "", "x", []byte(`{"a":[1,{"b":2}]}`), []byte(`{"a":[{"b":2},1]}`))
	f.Add("$[*]", "", "", false, "id", "", []byte(`[1,1,2]`), []byte(`[5,5,6]`))
	f.Add("header:X-A", "1h", "", false, "", "", []byte(``), []byte(`1`))
	f.Fuzz(func(t *testing.T, path, within, tolerance string, unordered bool, same, until string, a, b []byte) {
		if max(len(a), len(b)) > 2048 {
			return
		}
		written := Rule{Path: path, Within: within, Tolerance: tolerance, Unordered: unordered, Same: same, Until: until}
		rules, errs := Compile([]Rule{written})
		if (rules == nil) == (errs == nil) {
			t.Fatalf("rules %v, errors %v", rules, errs)
		}
		for _, e := range errs {
			if e.Index != 0 || e.Field == "" || e.Error() == "" {
				t.Fatalf("an error that says nothing: %+v", e)
			}
		}
		if rules == nil {
			return
		}
		if list := rules.List(); len(list) != 1 || list[0] != written {
			t.Fatalf("%+v came back as %+v", written, list)
		}
		l, n := jsonExchange(a), jsonExchange(b)
		ruled, plain := Exchanges(l, n, rules), Exchanges(l, n, nil)
		if plain.Match() && len(plain.Forgiven) == 0 && !ruled.Match() {
			t.Fatalf("a rule made a difference: %+v", ruled)
		}
		if kinds := hard(plain); len(kinds) > 0 && ruled.Match() && !unordered {
			t.Fatalf("a rule for values forgave %q", kinds)
		}
	})
}

// hard lists the differences that a rule for values can not forgive.
func hard(r Result) []string {
	var all []string
	for _, d := range r.Differences {
		switch d.Kind {
		case KindType, KindMissing, KindAdded, KindLength, KindStatus, KindBody:
			all = append(all, fmt.Sprintf("%s %s", d.Kind, d.Path))
		}
	}
	return all
}

// FuzzStamps compares two texts as values, as header fields and as lines.
func FuzzStamps(f *testing.F) {
	for _, seed := range [][2]string{
		{"2026-03-04T05:06:07.123Z", "2026-03-04T05:06:08Z"}, {"2026-03-04 05:06:07+00", "2026-03-04 05:06:07 UTC"}, {"2026-03-04", "2026-03-05"},
		{"Wed, 04 Mar 2026 05:06:07 GMT", "Wed, 04-Mar-2026 05:06:07 GMT"}, {"Wednesday, 04-Mar-26 05:06:07 GMT", "Wed Mar  4 05:06:07 2026"},
		{"0000-01-01T00:00:00Z", "9999-12-31T23:59:60Z"}, {"2026-03-04T05:06:07+23:59", "2026-03-04T05:06:07-23:59"}, {"1772600767", "1772600768.5"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if x, ok := stamp.Parse([]byte(a)); ok {
			if y, ok := stamp.Parse([]byte(b)); ok {
				if d := x.Apart(y.Instant); d < 0 || d != y.Apart(x.Instant) {
					t.Fatalf("%q and %q are %v apart", a, b, d)
				}
			}
			if x.Nsec < 0 || x.Nsec >= 1e9 {
				t.Fatalf("%q has %d nanoseconds", a, x.Nsec)
			}
		}
		quote := func(s string) *Exchange {
			text, err := json.Marshal(map[string]string{"created_at": s})
			if err != nil {
				t.Fatal(err)
			}
			return jsonExchange(text)
		}
		if r := checkSides(t, quote(a), quote(b), nil); len(r.Forgiven) > 0 {
			x, okX := stamp.Parse([]byte(a))
			y, okY := stamp.Parse([]byte(b))
			if !okX || !okY || x.Style != y.Style || x.Apart(y.Instant) > TimestampBound {
				t.Fatalf("%q and %q: %+v", a, b, r)
			}
		}
		field := func(s string) *Exchange {
			return &Exchange{Status: 200, Header: http.Header{"X-Updated-At": {s}, "Content-Type": {"text/plain"}}, Body: []byte(s), Size: int64(len(s))}
		}
		checkSides(t, field(a), field(b), nil)
	})
}

// FuzzCookie holds lines of Set-Cookie against net/http, and against the same
// attributes in another order.
func FuzzCookie(f *testing.F) {
	for _, seed := range [][2]string{
		{"a=1; Path=/; Secure", "a=1; secure; path=/"}, {"a=1; Expires=Wed, 04 Mar 2026 05:06:07 GMT", "a=1; Expires=Wed, 04 Mar 2026 05:06:08 GMT"},
		{"=;=;;", ";"}, {"a", "a="}, {"a=b=c; ;", "a=\"b\"; Max-Age=-1"}, {"a=1; Path=/x; path=/y", "a=1; Path=/y; Path=/x"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		c := parseCookie(a)
		if h, err := http.ParseSetCookie(a); err == nil && h.Name != c.name {
			t.Fatalf("%q sets %q, net/http says %q", a, c.name, h.Name)
		}
		parts := strings.Split(a, ";")
		slices.Reverse(parts[1:])
		named := map[string]int{}
		for _, p := range parts[1:] {
			name, _, _ := strings.Cut(p, "=")
			named[strings.ToLower(strings.TrimSpace(name))]++
		}
		delete(named, "")
		repeats := slices.ContainsFunc(slices.Collect(maps.Values(named)), func(n int) bool { return n > 1 })
		if again := parseCookie(strings.Join(parts, ";")); !repeats && (again.value != c.value || !slices.Equal(again.attributes, c.attributes)) {
			t.Fatalf("%q and its attributes in another order: %+v, %+v", a, c, again)
		}
		one := func(lines ...string) *Exchange {
			return &Exchange{Status: 200, Header: http.Header{"Set-Cookie": lines}}
		}
		checkSides(t, one(a), one(b), nil)
		if c.name != parseCookie(b).name {
			if r := Exchanges(one(a, b), one(b, a), nil); !r.Match() || len(r.Forgiven) > 0 {
				t.Fatalf("%q and %q in another order: %+v", a, b, r)
			}
		}
	})
}

// FuzzTolerance holds bounds against exact arithmetic.
func FuzzTolerance(f *testing.F) {
	for _, seed := range [][3]string{{"0.001", "1", "1.001"}, {"1%", "99", "100"}, {"99.99%", "-1", "1"}, {"1e-1000", "0", "1e-1000"}, {"1e999%", "1", "2"}, {"%", "1", "1"}, {"5", "1e99999999999999999999", "1"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, bound, a, b string) {
		tol, err := decimal.ParseTolerance(bound)
		valid := func(s string) bool { return len(s) < 400 && s != "" && jsontext.ScanNumber([]byte(s), 0) == len(s) }
		if err != nil || len(bound) > 400 || !valid(a) || !valid(b) {
			return
		}
		got := tol.Holds([]byte(a), []byte(b))
		if got != tol.Holds([]byte(b), []byte(a)) || !tol.Holds([]byte(a), []byte(a)) {
			t.Fatalf("%s: %s and %s: %v one way only", bound, a, b, got)
		}
		x, okX := ratOf(a)
		y, okY := ratOf(b)
		limit, okL := ratOf(strings.TrimSuffix(bound, "%"))
		if !okX || !okY || !okL {
			return
		}
		apart := new(big.Rat).Sub(x, y)
		if strings.HasSuffix(bound, "%") {
			larger := x.Abs(x)
			if y.Abs(y).Cmp(larger) > 0 {
				larger = y
			}
			limit.Mul(limit, larger).Quo(limit, big.NewRat(100, 1))
		}
		if want := apart.Abs(apart).Cmp(limit) <= 0; got != want {
			t.Fatalf("%s and %s within %s: %v, want %v", a, b, bound, got, want)
		}
	})
}

// section reads a header section as it comes over the wire, as far as it is one.
func section(text string) http.Header {
	h := http.Header{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && isToken(name) {
			name = textproto.CanonicalMIMEHeaderKey(name)
			h[name] = append(h[name], strings.TrimSpace(value))
		}
	}
	return h
}

// FuzzHeaders compares two header sections, which are trailers as well, with
// equal bodies and with others.
func FuzzHeaders(f *testing.F) {
	f.Add("Content-Type: text/plain; charset=\"utf-8\"\nX-A: 1\nX-A: 2", "X-A: 1, 2\ncontent-type: Text/Plain;charset=UTF-8", "a", "b")
	f.Add("ETag: \"1\"\nContent-Length: 1\nVary: Accept-Encoding, Origin", "ETag: W/\"1\"\nContent-Length: 01\nVary: origin", "a", "a")
	f.Add("Set-Cookie: a=1\nSet-Cookie: a=2\nDate: x", "Set-Cookie: a=2\nQuack-A: 1\nAge: ", "{}", "{ }")
	f.Add("Content-Encoding: gzip, br\nContent-Digest: x", "Content-Encoding: identity\nLast-Modified: Wed, 04 Mar 2026 05:06:07 GMT", "", "x")
	f.Fuzz(func(t *testing.T, a, b, bodyA, bodyB string) {
		if max(len(a), len(b), len(bodyA), len(bodyB)) > 2048 {
			return
		}
		one := func(head, body string) *Exchange {
			return &Exchange{Status: 200, Header: section(head), Trailer: section(body), Body: []byte(body), Size: int64(len(body))}
		}
		l, n := one(a, bodyA), one(b, bodyB)
		r := checkSides(t, l, n, nil)
		for _, name := range []string{"Content-Type", "X-A"} {
			if p := fieldPath("header", name); len(l.Header[name]) == 0 && len(n.Header[name]) > 0 && !slices.ContainsFunc(r.Differences, func(d Difference) bool { return d.Path == p && d.Kind == KindAdded }) {
				t.Fatalf("%s of new alone is not reported: %+v", name, r)
			}
		}
	})
}

// encoders write each coding that decode knows.
var encoders = map[string]func(w io.Writer) (io.WriteCloser, error){
	"gzip":    func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
	"deflate": func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil },
	"raw":     func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 1) },
	"br":      func(w io.Writer) (io.WriteCloser, error) { return brotli.NewWriterLevel(w, 1), nil },
	"zstd":    func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)) },
}

// FuzzDecode takes data for encoded, which ends without a panic and within
// bounds, and encodes it, which comes back as it was.
func FuzzDecode(f *testing.F) {
	for name, encode := range encoders {
		var b bytes.Buffer
		w, err := encode(&b)
		if err != nil {
			f.Fatal(err)
		}
		io.WriteString(w, strings.Repeat(`{"a":1}`, 20))
		w.Close()
		f.Add(strings.Replace(name, "raw", "deflate", 1), b.Bytes())
	}
	f.Add("gzip, br", []byte("\x1f\x8b"))
	f.Add("zstd", []byte("\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, codings string, data []byte) {
		if len(data) > 4096 || strings.Count(codings, ",") > 8 {
			return
		}
		e := &Exchange{Status: 200, Header: http.Header{"Content-Encoding": {codings}}, Body: data, Size: int64(len(data))}
		if out, err := decode(e); err == nil && len(out) > max(decodedFloor, decodedTimes*len(data)) {
			t.Fatalf("%d bytes of %d", len(out), len(data))
		}
		encode, known := encoders[codings]
		if !known {
			return
		}
		var b bytes.Buffer
		w, err := encode(&b)
		if err == nil {
			_, err = w.Write(data)
		}
		if err == nil {
			err = w.Close()
		}
		e.Body = b.Bytes()
		if out, errD := decode(e); err == nil && codings != "raw" && (errD != nil || !bytes.Equal(out, data)) {
			t.Fatalf("%s of %q came back as %q, %v", codings, data, out, errD)
		}
	})
}

// FuzzText compares two texts: the lines that it does not report are equal and
// stand in the same order, and there are as few edits as there can be.
func FuzzText(f *testing.F) {
	for _, seed := range [][2]string{{"a\nb\nc", "a\nc\n"}, {"", "\n"}, {"a\r\nb", "a\nb"}, {"2026-03-04 05:06:07\n", "2026-03-04 05:06:09\n"}, {"a\nb\nc\nd", "b\nc\nd\ne"}, {"\xff", "\xfe"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if max(len(a), len(b)) > 500 || a == "" || b == "" || !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		one := func(s string) *Exchange {
			return &Exchange{Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte(s), Size: int64(len(s))}
		}
		r := checkSides(t, one(a), one(b), nil)
		edits := len(r.Differences) + r.Truncated
		for _, g := range r.Forgiven {
			edits += g.Count
		}
		split := func(s string) []uint64 { return hashLines(bytes.Split([]byte(s), []byte("\n"))) }
		want := 0
		if x, y := lineEnds([]byte(a)), lineEnds([]byte(b)); x.last != y.last || x.line != "" && y.line != "" && x.line != y.line {
			want = 1 // how lines end is one, and then the texts are those without
			plain := x.line != "" && y.line != "" && x.line != y.line
			a, b = string(withoutEnds([]byte(a), plain)), string(withoutEnds([]byte(b), plain))
		}
		l, n := split(a), split(b)
		for _, p := range align.Edits(l, n) { // which a test of its own holds to the fewest edits
			if p.Legacy < 0 || p.New < 0 || l[p.Legacy] != n[p.New] {
				want++
			}
		}
		if edits != want {
			t.Fatalf("%d edits, want %d\n%q\n%q\n%+v", edits, want, a, b, r)
		}
	})
}

// FuzzStrings holds JSON strings against encoding/json, where that keeps what
// they are.
func FuzzStrings(f *testing.F) {
	for _, seed := range [][2]string{{`\u0041`, `A`}, {`\ud83e\udd86`, "🦆"}, {`\ud83e`, `\ufffd`}, {`\\\/\"`, `\u005c/\u0022`}, {"\xff", "\xfe"}, {`\ud83e\ud83e\udd86`, `\udd86`}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		qa, qb := []byte(`"`+a+`"`), []byte(`"`+b+`"`)
		for _, q := range [][]byte{qa, qb} {
			if end, _ := jsontext.ScanString(q, 0); end != len(q) {
				return
			}
		}
		equal := jsontext.EqualStrings([]byte(a), []byte(b))
		if equal != (jsontext.Unescaped([]byte(a)) == jsontext.Unescaped([]byte(b))) || equal != jsontext.EqualStrings([]byte(b), []byte(a)) {
			t.Fatalf("%q and %q: equal is %v one way only", a, b, equal)
		}
		if equal && hashOf(string(qa)) != hashOf(string(qb)) {
			t.Fatalf("%q and %q are equal and have two hashes", a, b)
		}
		if lossy := func(s string) bool {
			return !utf8.ValidString(s) || strings.Contains(strings.ToLower(s), `\ud`)
		}; lossy(a) || lossy(b) {
			return
		}
		var va, vb string
		if json.Unmarshal(qa, &va) != nil || json.Unmarshal(qb, &vb) != nil {
			t.Fatalf("%q or %q is no string", a, b)
		}
		if equal != (va == vb) || jsontext.Unescaped([]byte(a)) != va {
			t.Fatalf("%s and %s: equal is %v", strconv.Quote(va), strconv.Quote(vb), equal)
		}
	})
}
