package compare

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// texts are pieces of JSON, and of what is not, that random texts are made of.
var texts = []string{
	"{", "}", "[", "]", ",", ":", `"`, `\`, " ", "\n", "0", "01", "-", "1.5e3", "1.", "12345678901234567890", "true", "tru", "false", "null", "nul",
	`"a"`, `"name"`, `"name":`, `"Name":1`, `"a_long_name_of_small_letters":`, `"créé":`, `"x\u0041":`, `"\q"`, `"1":`, `"a b":`,
	`"a string that is longer than a word"`, "\"\x01\"", "\"\xff\"", "[]", "{}", "[ ]", "{ }", `{"a":1}`, `[1,2]`, `"2026-03-04T05:06:07Z"`, `"2026-03-04T05:06:08Z"`,
}

// even draws a number below n. What rapid draws from a range is mostly small.
func even(t *rapid.T, n int, label string) int {
	return rapid.SampledFrom(upTo[:n]).Draw(t, label)
}

var upTo = func() (n [100]int) {
	for i := range n {
		n[i] = i
	}
	return n
}()

// drawText draws a text that is JSON most of the time.
func drawText(t *rapid.T, depth int) string {
	if depth < 5 && even(t, 100, "broken") == 99 {
		return rapid.SampledFrom(texts).Draw(t, "piece")
	}
	blank := func() string {
		return rapid.SampledFrom([]string{"", "", "", "", "", "", "", "", " ", "\n  "}).Draw(t, "blank")
	}
	kind := even(t, 10, "kind")
	if depth == 0 || depth < 5 && kind < 3 {
		return blank() + rapid.SampledFrom([]string{
			"1", "-0", "17", "1.25", "true", "false", "null", `""`, `"a"`, `"a longer string, with spaces"`, `"é"`, `"esc\n"`,
			`"2026-03-04T05:06:07Z"`, `"2026-03-04T05:06:08Z"`,
		}).Draw(t, "scalar") + blank()
	}
	var parts []string
	for range even(t, 6, "size") {
		s := drawText(t, depth-1)
		if kind > 5 {
			s = blank() + rapid.SampledFrom([]string{`"id"`, `"a"`, `"b"`, `"created_at"`, `"camelCase"`, `"12"`, `"x.y"`, `"a name that is long enough for two words"`, `"\u0061"`}).Draw(t, "name") + blank() + ":" + s
		}
		parts = append(parts, s)
	}
	if kind > 5 {
		return "{" + blank() + strings.Join(parts, ",") + "}" + blank()
	}
	return "[" + blank() + strings.Join(parts, ",") + "]" + blank()
}

// mutate changes a text in a few places, seldom so that it stays JSON.
func mutate(t *rapid.T, s string) string {
	for range even(t, 4, "mutations") {
		at := even(t, 100, "at") * len(s) / 99
		switch even(t, 8, "how") {
		case 0:
			s = s[:at] + rapid.SampledFrom(texts).Draw(t, "inserted") + s[at:]
		case 1:
			s = s[:at] + s[min(len(s), at+rapid.IntRange(1, 4).Draw(t, "removed")):]
		case 2:
			s = strings.Replace(s, "1", "2", 1)
		case 3:
			s = s[:at] + strings.Replace(s[at:], "05:06:07", "05:06:09", 1)
		default:
			s = s[:at] + strings.Replace(s[at:], `"a"`, `"b"`, 1)
		}
	}
	return s
}

// walked is all that a walk finds.
func walked(a, b string, rules *Rules, plain bool) (int, Result, int) {
	w := newWalk([]byte(a), []byte(b), rules)
	defer w.free()
	w.plain = plain
	failed := w.compare()
	l := &ledger{rules: rules}
	if failed == 0 {
		w.list(l)
	}
	return failed, l.result, len(w.equal)
}

// TestGlidingDoesNotShow compares texts with gliding and token by token.
func TestGlidingDoesNotShow(t *testing.T) {
	var rules []*Rules
	for _, list := range [][]Rule{
		nil, {{Path: "$..a", Unordered: true}, {Path: "$..b", Ignore: true}}, {{Path: "$[*]", By: "$.id"}, {Path: "$..id", Same: "x"}}, {{Path: "$.a.b", Same: "y"}},
	} {
		r, errs := Compile(list)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		rules = append(rules, r)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := drawText(t, 5)
		b := mutate(t, a)
		if rapid.Bool().Draw(t, "both") {
			a = mutate(t, a)
		}
		use := rapid.SampledFrom(rules).Draw(t, "rules")
		checkGlide(t, a, b, use)
		for k := range len(a) {
			if c := strings.IndexByte("1ae:,]}5", a[k]); c >= 0 {
				checkGlide(t, a, a[:k]+"2bf,:}]6"[c:c+1]+a[k+1:], use)
			}
		}
	})
}

func checkGlide(t *rapid.T, a, b string, rules *Rules) {
	failed, glided, equal := walked(a, b, rules, false)
	failedPlain, plain, equalPlain := walked(a, b, rules, true)
	if failed != failedPlain || equal != equalPlain || !reflect.DeepEqual(glided, plain) {
		t.Fatalf("%q\n%q\ngliding gives %d %+v\notherwise %d %+v", a, b, failed, glided, failedPlain, plain)
	}
	if valid := json.Valid([]byte(a)) && json.Valid([]byte(b)); valid != (failed == 0) {
		t.Fatalf("%q\n%q\nvalid: %v, walked: %d", a, b, valid, failed)
	}
}

// FuzzGliding is the same with what the fuzzer makes up.
func FuzzGliding(f *testing.F) {
	f.Add([]byte(`{"list":[{"id":1,"name":"some text"},{"id":2,"name":"x"}],"n":[1.5,true,null]}`), []byte(`{"list":[{"id":1,"name":"some text"},{"id":2,"name":"y"}],"n":[1.5,true,null]}`))
	f.Add([]byte(`{"a":[[["alike as far as here",01]]]}`), []byte(`{"a":[[["alike as far as here",02]]]}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if max(len(a), len(b)) > 4096 {
			return
		}
		failed, glided, _ := walked(string(a), string(b), nil, false)
		failedPlain, plain, _ := walked(string(a), string(b), nil, true)
		if failed != failedPlain || !reflect.DeepEqual(glided, plain) {
			t.Fatalf("gliding gives %d %+v\notherwise %d %+v", failed, glided, failedPlain, plain)
		}
	})
}

// TestIdenticalFaultsAreStillFaults holds that what both sides break in the
// same place, far from any difference, is not taken for JSON.
func TestIdenticalFaultsAreStillFaults(t *testing.T) {
	long := strings.Repeat(`{"name":"value","n":[1,2,3]},`, 400)
	for _, fault := range []string{"tru", "01", "1.", `"\q"`, "\"\x01\"", `{"a" 1}`, `{"a":1,}`, "[1,]", "[1 2]", "{1:2}", "-", "+1", "nulL", "]", "}", "{]"} {
		for _, text := range []string{`[` + long + fault + `,%s]`, `[%s,` + long + fault + `]`, `[%s,` + fault + `,` + long + `1]`} {
			a, b := strings.Replace(text, "%s", "1", 1), strings.Replace(text, "%s", "2", 1)
			if failed, _, _ := walked(a, b, nil, false); failed != jsontext.NotJSON {
				t.Errorf("%s: walked with %d", fault, failed)
			}
		}
	}
	deep := strings.Repeat("[", jsontext.MaxDepth+1) + strings.Repeat("]", jsontext.MaxDepth+1)
	if failed, _, _ := walked("[1,"+deep+"]", "[2,"+deep+"]", nil, false); failed != jsontext.TooDeep {
		t.Errorf("identical and too deep: %d", failed)
	}
}

// naive lists the differences of two decoded documents of which the arrays are
// compared by index.
func naive(at string, l, n any, to map[string]Kind) {
	switch l := l.(type) {
	case map[string]any:
		n, ok := n.(map[string]any)
		if !ok {
			to[at] = KindType
			return
		}
		for k := range l {
			if v, ok := n[k]; ok {
				naive(at+NameSegment(k), l[k], v, to)
			} else {
				to[at+NameSegment(k)] = KindMissing
			}
		}
		for k := range n {
			if _, ok := l[k]; !ok {
				to[at+NameSegment(k)] = KindAdded
			}
		}
		return
	case []any:
		n, ok := n.([]any)
		if !ok {
			to[at] = KindType
			return
		}
		if len(l) != len(n) {
			to[at] = KindLength
		}
		for i := range min(len(l), len(n)) {
			naive(at+"["+strconv.Itoa(i)+"]", l[i], n[i], to)
		}
		return
	}
	switch {
	case reflect.TypeOf(l) != reflect.TypeOf(n):
		to[at] = KindType
	case l != n:
		to[at] = KindValue
	}
}

// TestWalkFindsWhatDecodingFinds changes values and names of a document and
// holds the walk to what a plain comparison of the decoded documents finds.
// At most one element of an array differs, so that pairing plays no part.
func TestWalkFindsWhatDecodingFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSimilar(t, 4)
		var l, n any
		if err := json.Unmarshal([]byte(a), &l); err != nil {
			t.Fatal(a, err)
		}
		if err := json.Unmarshal([]byte(b), &n); err != nil {
			t.Fatal(b, err)
		}
		want := map[string]Kind{}
		naive("$", l, n, want)
		header := http.Header{"Content-Type": {"application/json"}}
		r := Exchanges(&Exchange{Header: header, Body: []byte(a), Size: int64(len(a))}, &Exchange{Header: header, Body: []byte(b), Size: int64(len(b))}, nil)
		got := map[string]Kind{}
		for _, d := range r.Differences {
			got[d.At] = d.Kind
		}
		if len(r.Differences)+r.Truncated != len(want) || r.Truncated == 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n%s\ngot %v\nwant %v", a, b, got, want)
		}
	})
}

// drawSimilar draws two documents of one shape, mostly.
func drawSimilar(t *rapid.T, depth int) (a, b string) {
	kind := even(t, 10, "kind")
	if depth == 0 || depth < 4 && kind < 3 {
		scalar := rapid.SampledFrom([]string{"1", "2", "true", "false", "null", `"a"`, `"some longer text in here"`})
		a = scalar.Draw(t, "a")
		if b = a; even(t, 10, "differs") == 0 {
			b = scalar.Draw(t, "b")
		}
		return a, b
	}
	size := even(t, 7, "size")
	odd := even(t, max(1, size), "odd")
	var l, n []string
	for i := range size {
		v, u := drawSimilar(t, depth-1)
		if kind < 6 {
			if i != odd {
				u = v
			}
			l, n = append(l, v), append(n, u)
			continue
		}
		name := func() string { return fmt.Sprintf("%q:", fmt.Sprintf("name_%c", 'a'+i)) }
		switch even(t, 30, "lone") {
		case 0:
			l = append(l, name()+v)
		case 1:
			n = append(n, name()+u)
		default:
			l, n = append(l, name()+v), append(n, name()+u)
		}
	}
	if kind < 6 {
		return "[" + strings.Join(l, ",") + "]", "[" + strings.Join(n, ",") + "]"
	}
	if even(t, 6, "reordered") == 0 {
		n = rapid.Permutation(n).Draw(t, "order")
	}
	return "{" + strings.Join(l, ",") + "}", "{" + strings.Join(n, ",") + "}"
}
