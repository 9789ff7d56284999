package compare_test

import (
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// bodyTest is one pair of bodies of a type.
type bodyTest struct {
	reason      string
	legacy, new string
	want        []string
	rules       []compare.Rule
}

func runBodyTests(t *testing.T, contentType string, tests []bodyTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			rules := mustCompile(t, tt.rules...)
			checkLines(t, compare.Exchanges(answer(contentType, tt.legacy), answer(contentType, tt.new), rules), tt.want)
			swapped := compare.Exchanges(answer(contentType, tt.new), answer(contentType, tt.legacy), rules)
			if got := lines(swapped); len(got) != len(tt.want) {
				t.Errorf("with the sides swapped:\n  %s", strings.Join(got, "\n  "))
			}
		})
	}
}

func TestRecords(t *testing.T) {
	runBodyTests(t, "application/x-ndjson", []bodyTest{
		{"members in another order, blanks, another end", "{\"a\":1,\"b\":2}\n{\"a\":2}\n", "{\"b\":2.0,\"a\":1}\r\n\n{\"a\":2}", nil, nil},
		{"one value", "{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":3}\n", []string{"value $[*].a at $[1].a: 2 | 3"}, nil},
		{"one record more is one difference", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}", "{\"a\":0}\n{\"a\":1}\n{\"a\":2}\n{\"a\":3}", []string{`length $ at $: 3 elements | 4 elements, only here: [0] {"a":0}`}, nil},
		{"rules hold", "{\"a\":1}\n", "{\"a\":3}\n", []string{"forgiven 1 value $[*].a: rule $[*].a ignore"}, []compare.Rule{{Path: "$[*].a", Ignore: true}}},
		{"a broken record on one side is said, and lines are compared", "{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":", []string{
			`body body at body: JSON records | record 2 is not JSON: {"a":`,
			"format body at body: the last line has an end | the last line has no end",
			`value body at body:2: {"a":2} | {"a":`}, nil},
		{"broken on both sides: by line", "{\"a\":1}\nx\n", "{\"a\":1}\ny\n", []string{"value body at body:2: x | y"}, nil},
	})
	runBodyTests(t, "application/vnd.shop.orders+json-seq", []bodyTest{
		{"the texts of RFC 7464", "\x1e{\"a\":1}\n\x1e{\"a\":\n2}\n", "\x1e{\"a\":1}\n\x1e{\"a\":3}\n", []string{"value $[*].a at $[1].a: 2 | 3"}, nil},
		{"empty ones are none", "\x1e\x1e1\n", "\x1e1\n\x1e", nil, nil},
	})
	for _, other := range []string{"application/ndjson", "application/jsonl", "application/jsonlines+json; charset=utf-8", "application/json-seq"} {
		r := compare.Exchanges(answer(other, "{\"a\":1}"), answer("application/x-ndjson", "{\"a\":2}"), nil)
		if len(r.Differences) == 0 || r.Differences[len(r.Differences)-1].Path != "$[*].a" {
			t.Errorf("%s: %+v", other, r)
		}
	}
}

func TestEvents(t *testing.T) {
	runBodyTests(t, "text/event-stream", []bodyTest{
		{"comments and line ends are free", ": hello\ndata: {\"a\":1}\n\n", "data:{\"a\": 1.0}\r\n\r\n: bye\r\n\r\n", nil, nil},
		{"data is JSON where it is", "event: up\ndata: {\"a\":1}\n\ndata: x\n\n", "event: up\ndata: {\"a\":2}\n\ndata: x\n\n", []string{"value $[*].data.a at $[0].data.a: 1 | 2"}, nil},
		{"text else", "id: 1\ndata: x\ndata: y\n\n", "id: 2\ndata: x\ndata: z\n\n", []string{`value $[*].id at $[0].id: "1" | "2"`, `value $[*].data at $[0].data: "x\ny" | "x\nz"`}, nil},
		{"an event more", "data: 1\n\n", "data: 1\n\nretry: 5\n\n", []string{`length $ at $: 1 element | 2 elements, only here: [1] {"retry":"5"}`}, nil},
	})
}

func TestLineEnds(t *testing.T) {
	runBodyTests(t, "text/plain", []bodyTest{
		{"CRLF against LF is one difference", "a\r\nb\r\n", "a\nb\n", []string{`format body at body: lines end in \r\n | lines end in \n`}, nil},
		{"and what differs besides", "a\r\nb\r\n", "a\nc\n", []string{`format body at body: lines end in \r\n | lines end in \n`, "value body at body:2: b | c"}, nil},
		{"the last line has none", "a\nb\n", "a\nb", []string{"format body at body: the last line has an end | the last line has no end"}, nil},
		{"some lines", "a\r\nb\n", "a\nb\n", []string{"value body at body:1: a\r | a"}, nil},
	})
}

func TestCharsets(t *testing.T) {
	tests := []struct {
		reason      string
		legacy, new *compare.Exchange
		want        []string
	}{
		{"the same text in two charsets differs in the header alone", answer("text/plain; charset=iso-8859-1", "caf\xe9"), answer("text/plain; charset=utf-8", "café"), []string{
			"header header:Content-Type at header:Content-Type: text/plain; charset=iso-8859-1 | text/plain; charset=utf-8"}},
		{"another text in them", answer("text/plain; charset=windows-1252", "caf\xe9 \x80"), answer("text/plain; charset=utf-8", "café $"), []string{
			"header header:Content-Type at header:Content-Type: text/plain; charset=windows-1252 | text/plain; charset=utf-8", "value body at body:1: café € | café $"}},
		{"JSON", answer("application/json; charset=latin1", "{\"a\":\"\xe9\"}"), answer("application/json; charset=latin1", "{\"a\":\"\xe8\"}"), []string{`value $.a at $.a: "é" | "è"`}},
		{"a byte order mark tells, and a charset that no header tells is said", answer("application/json", "\xff\xfe[\x001\x00]\x00"), answer("application/json", "[1]"), []string{"format body at body: in utf-16le | in utf-8"}},
		{"a charset that nobody knows: bytes", answer("text/plain; charset=x-own", "a"), answer("text/plain; charset=x-own", "b"), []string{
			"body body at body: 1 bytes, sha256 ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb | 1 bytes, sha256 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"}},
		{"what is not in its charset: bytes", answer("text/plain; charset=shift_jis", "\xff"), answer("text/plain; charset=shift_jis", "\xfe"), []string{
			"body body at body: 1 bytes, sha256 a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89 | 1 bytes, sha256 aa687b58b0e73e2e383f8c500d75b591e188efe0168b3ffbcd3771caaa6dd4c7"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) { checkLines(t, compare.Exchanges(tt.legacy, tt.new, nil), tt.want) })
	}
}
