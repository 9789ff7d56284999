package compare

import (
	"bytes"
	"encoding/json"
	"math/big"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/quackproxy/quack/compare/internal/decimal"
	"github.com/quackproxy/quack/compare/internal/jsontext"
)

func jsonExchange(body []byte) *Exchange {
	return &Exchange{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Size: int64(len(body))}
}

// FuzzExchangesJSON holds the comparison against decoding both bodies with
// encoding/json, as far as that tells values apart.
func FuzzExchangesJSON(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":[1,2,{"b":null}]}`, `{"a":[1,{"b":null},2]}`}, {`{"a":1,"b":2}`, `{"b":2,"a":1.0}`}, {`"\u0041\ud800"`, `"A"`},
		{`[1,2,3]`, `[0,1,2,3]`}, {`{"a":1,"a":2}`, `{"a":2}`}, {`1e400`, `10e399`}, {`{"a":1} x`, `{"a":1}`}, {"[\"\xff\"]", `["\ufffd"]`},
		{`[[[[1]]]]`, `[[[[2]]],1]`}, {`{"t":"2026-03-04T05:06:07Z"}`, `{"t":"2026-03-04T05:06:08Z"}`}, {`{"a":tru}`, `{"a":true}`}, {`[1,`, `[1]`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	rules, errs := Compile([]Rule{
		{Path: "$..a", Same: "x"}, {Path: "$.b[*]", Tolerance: "1%"}, {Path: "$..c", Unordered: true}, {Path: "$..d..e", Ignore: true}, {Path: "$.*[0]", Within: "1h"},
	})
	if errs != nil {
		f.Fatal(errs)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if max(len(a), len(b)) > 4096 {
			return
		}
		for _, s := range [][]byte{a, b} {
			if got := jsontext.ScanDocument(s); got != jsontext.TooDeep && (got >= 0) != json.Valid(s) {
				t.Fatalf("scanDocument(%q) = %d, encoding/json says %v", s, got, json.Valid(s))
			}
		}
		r := Exchanges(jsonExchange(a), jsonExchange(b), nil)
		if again := Exchanges(jsonExchange(a), jsonExchange(b), nil); !reflect.DeepEqual(r, again) && r.Err == nil {
			t.Fatalf("two results: %+v and %+v", r, again)
		}
		checkAgainstDecoding(t, a, b, r)
		ruled := Exchanges(jsonExchange(a), jsonExchange(b), rules)
		if r.Match() && len(r.Forgiven) == 0 && !ruled.Match() {
			t.Fatalf("rules made a difference of %q and %q: %+v", a, b, ruled)
		}
		if r := Exchanges(jsonExchange(a), jsonExchange(append([]byte(" "), a...)), rules); jsontext.ScanDocument(a) >= 0 && !r.Match() {
			t.Fatalf("%q differs from itself: %+v", a, r)
		}
	})
}

func checkAgainstDecoding(t *testing.T, a, b []byte, r Result) {
	equal := bytes.Equal(a, b)
	if equal && !r.Match() {
		t.Fatalf("equal bytes do not match: %+v", r)
	}
	if jsontext.ScanDocument(a) < 0 || jsontext.ScanDocument(b) < 0 {
		if r.Match() && !equal {
			t.Fatalf("%q matches %q", a, b)
		}
		return
	}
	va, okA := decodeExact(a)
	vb, okB := decodeExact(b)
	if !okA || !okB || len(r.Forgiven) > 0 {
		return
	}
	if want := reflect.DeepEqual(va, vb); want != r.Match() {
		t.Fatalf("%q and %q: match is %v, want %v: %+v", a, b, r.Match(), want, r)
	}
}

// decodeExact decodes JSON with numbers as big.Rat; ok is false where
// encoding/json loses something.
func decodeExact(s []byte) (v any, ok bool) {
	if !utf8.Valid(s) || bytes.Contains(bytes.ToLower(s), []byte(`\ud`)) || hasDuplicates(s) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(s))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil, false
	}
	return exactNumbers(v)
}

func exactNumbers(v any) (any, bool) {
	switch v := v.(type) {
	case json.Number:
		r, ok := ratOf(v.String())
		if !ok {
			return nil, false
		}
		return "number " + r.String(), true
	case []any:
		for i := range v {
			var ok bool
			if v[i], ok = exactNumbers(v[i]); !ok {
				return nil, false
			}
		}
	case map[string]any:
		for k := range v {
			var ok bool
			if v[k], ok = exactNumbers(v[k]); !ok {
				return nil, false
			}
		}
	case string:
		return "string " + v, true
	}
	return v, true
}

// ratOf reads a number whose exponent is small.
func ratOf(s string) (*big.Rat, bool) {
	if e := strings.IndexAny(s, "eE"); e >= 0 && len(strings.TrimLeft(s[e+1:], "+-0")) > 3 {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func hasDuplicates(s []byte) bool {
	d := json.NewDecoder(bytes.NewReader(s))
	var names []map[string]bool // nil for arrays
	key := false
	for {
		tok, err := d.Token()
		if err != nil {
			return false
		}
		switch tok := tok.(type) {
		case json.Delim:
			switch tok {
			case '{':
				names, key = append(names, map[string]bool{}), true
				continue
			case '[':
				names = append(names, nil)
			default:
				names = names[:len(names)-1]
			}
		case string:
			if key {
				top := names[len(names)-1]
				if top[tok] {
					return true
				}
				top[tok], key = true, false
				continue
			}
		}
		key = len(names) > 0 && names[len(names)-1] != nil
	}
}

// FuzzRulePath holds that compiling never panics, and that the paths which
// results show can be written in a rule.
func FuzzRulePath(f *testing.F) {
	for _, seed := range []string{"$.a[*]..b['c'][0]", `$["\u0041\ud83d\ude00"]`, "$[?@.a]", "$..[*]", "header:etag", "cookie:a", "$['", `$['\`, "$[-1:2]", "$.a b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rules, errs := Compile([]Rule{{Path: s, Same: "x"}})
		if (rules == nil) == (errs == nil) {
			t.Fatalf("rules %v, errors %v", rules, errs)
		}
		if name := s; utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxNameLength {
			segments, err := parsePath("$" + NameSegment(name))
			if err != nil || len(segments) != 1 || segments[0].name != name || segments[0].index >= 0 || segments[0].wild {
				t.Fatalf("%q came back from %s as %+v, %v", name, NameSegment(name), segments, err)
			}
		}
	})
}

// FuzzNumber holds numbers against math/big.
func FuzzNumber(f *testing.F) {
	for _, seed := range [][2]string{{"1.0", "1"}, {"100e-2", "1E0"}, {"-0", "0.00"}, {"9007199254740993", "9007199254740992"}, {"0.10", "0.1"}, {"1e1000000000000000000", "10e999999999999999999"}, {"01", "1."}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		valid := func(s string) bool { return s != "" && jsontext.ScanNumber([]byte(s), 0) == len(s) }
		for _, s := range []string{a, b} {
			if want := json.Valid([]byte(s)) && strings.Trim(s, " \t\r\n") == s && s[0] < 'A' && s[0] != '"'; valid(s) != want {
				t.Fatalf("valid(%q) is %v", s, !want)
			}
		}
		if !valid(a) || !valid(b) || max(len(a), len(b)) > 2000 {
			return
		}
		da, db := decimal.Parse([]byte(a)), decimal.Parse([]byte(b))
		equal := da.Equal(&db)
		if equal != (da.Canonical() == db.Canonical()) {
			t.Fatalf("%s and %s: equal is %v, canonical %s and %s", a, b, equal, da.Canonical(), db.Canonical())
		}
		if equal && hashNumber([]byte(a), nil, leniency{}) != hashNumber([]byte(b), nil, leniency{}) {
			t.Fatalf("%s and %s are equal and have two hashes", a, b)
		}
		tol, err := decimal.ParseTolerance("0.5")
		if err != nil {
			t.Fatal(err)
		}
		tol.Holds([]byte(a), []byte(b))
		ra, okA := ratOf(a)
		rb, okB := ratOf(b)
		if okA && okB && equal != (ra.Cmp(rb) == 0) {
			t.Fatalf("%s and %s: equal is %v", a, b, equal)
		}
		if okA && da.Integer() != ra.IsInt() {
			t.Fatalf("%s: integer is %v", a, da.Integer())
		}
	})
}
