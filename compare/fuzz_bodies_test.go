package compare

import (
	"bytes"
	"net/http"
	"reflect"
	"testing"
)

func exchangeOf(contentType string, body []byte) *Exchange {
	return &Exchange{Status: 200, Header: http.Header{"Content-Type": {contentType}}, Body: body, Size: int64(len(body))}
}

// fuzzBodies holds, for a type, that comparing two bodies never panics and is
// the same each time; that no difference is lost when the sides are swapped;
// that bodies which match only do so where the format says it; and that a body
// matches itself with rules that make it be walked.
func fuzzBodies(f *testing.F, contentType string, seeds ...[2]string) {
	for _, s := range seeds {
		f.Add([]byte(s[0]), []byte(s[1]))
	}
	rules, errs := Compile([]Rule{{Path: "$..a", Same: "x"}, {Path: "$..b[*]", Ignore: true}, {Path: "$..c", Unordered: true}, {Path: "$.r['@d']", Within: "1h"}})
	if errs != nil {
		f.Fatal(errs)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if max(len(a), len(b)) > 4096 {
			return
		}
		for _, r := range []*Rules{nil, rules} {
			one := Exchanges(exchangeOf(contentType, a), exchangeOf(contentType, b), r)
			if again := Exchanges(exchangeOf(contentType, a), exchangeOf(contentType, b), r); one.Err == nil && !reflect.DeepEqual(one, again) {
				t.Fatalf("two results: %+v and %+v", one, again)
			}
			back := Exchanges(exchangeOf(contentType, b), exchangeOf(contentType, a), r)
			if one.Match() != back.Match() {
				t.Fatalf("%q and %q: match is %v, with the sides swapped %v", a, b, one.Match(), back.Match())
			}
			if bytes.Equal(a, b) && !one.Match() && one.Err == nil {
				t.Fatalf("%q differs from itself: %+v", a, one)
			}
		}
		for _, d := range Exchanges(exchangeOf(contentType, a), exchangeOf(contentType, b), nil).Differences {
			if d.Weight <= 0 || d.Weight > 1 || d.Path == "" || d.At == "" || d.Legacy == d.New && d.Kind == KindValue && len(d.Legacy) < 1000 {
				t.Fatalf("%q and %q: %+v", a, b, d)
			}
		}
		same := exchangeOf(contentType, a)
		same.Header["X-A"] = []string{"1"}
		linked, _ := Compile([]Rule{{Path: "$..*", Same: "x"}, {Path: "header:X-A", Same: "x"}})
		if r := Exchanges(same, exchangeOf(contentType, a), linked); r.Err == nil && len(r.Differences) != 1 {
			t.Fatalf("%q differs from itself: %+v", a, r)
		}
	})
}

func FuzzXML(f *testing.F) {
	fuzzBodies(f, "text/xml", [2]string{"<r><a>1</a><b/>x</r>", "<r d='2'><b/><a>2</a></r>"}, [2]string{"<r xmlns='u'><c><i/><j/></c></r>", "<p:r xmlns:p='v'><c><j/><i/></c></p:r>"},
		[2]string{"<?xml version='1.0'?><r><![CDATA[x]]>&amp;</r>", "<!DOCTYPE r [<!ENTITY e 'x'>]><r>&e;</r>"}, [2]string{"<r><a>1</a><a>2</a></r>", "<r><a>2</a><a>1</a><a/></r>"})
}

func FuzzHTML(f *testing.F) {
	fuzzBodies(f, "text/html", [2]string{"<p>a<p>b", "<p>a</p> <b>x</b> <i>y</i>"}, [2]string{"<table><tr><td>1<table></table>", "<ul><li>1<li>2</ul>"},
		[2]string{"<meta name=csrf-token content=x><script type=application/json>{\"a\":1}</script>", "<head><template><p></template></head><svg><a/></svg>"}, [2]string{"<pre> a", "<title>a</title>"})
}

func FuzzForm(f *testing.F) {
	fuzzBodies(f, "application/x-www-form-urlencoded", [2]string{"a=1&b=2&a=3", "b=2&a=3&a=1"}, [2]string{"%zz", "=x"}, [2]string{"c=1&c=2", "c=2&c=1&"})
}

func FuzzMultipart(f *testing.F) {
	fuzzBodies(f, "multipart/form-data; boundary=x", [2]string{"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--", "--x\r\nContent-Type: application/json\r\n\r\n[1]\r\n--x--"},
		[2]string{"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n1\r\n--y--\r\n--x--", "--x--"})
}

func FuzzRecords(f *testing.F) {
	fuzzBodies(f, "application/x-ndjson", [2]string{"{\"a\":1}\n[2]\n", "\x1e{\"a\":2}\n\x1e3"}, [2]string{"1\n2", "x"})
}

func FuzzEvents(f *testing.F) {
	fuzzBodies(f, "text/event-stream", [2]string{"event: a\ndata: {\"a\":1}\ndata\n\n", "id:1\rretry:x\r\r"}, [2]string{":c\n\ndata:[\n\n", "data: \x00\n"})
}
