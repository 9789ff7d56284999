package compare_test

import (
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

func TestXML(t *testing.T) {
	item := func(values ...string) string {
		s := "<order>"
		for _, v := range values {
			s += "<item><price>" + v + "</price></item>"
		}
		return s + "</order>"
	}
	runBodyTests(t, "application/xml", []bodyTest{
		{"one text", item("1"), item("2"), []string{"value $.order.item.price at $.order.item.price: 1 | 2"}, nil},
		{"the path is the same with siblings, the exact place has the index", item("1", "2"), item("1", "3"), []string{"value $.order.item.price at $.order.item[1].price: 2 | 3"}, nil},
		{"one more is one difference", item("1", "2", "3"), item("0", "1", "2", "3"), []string{"added $.order.item at $.order.item[0]:  | <item><price>0</price></item>"}, nil},
		{"as it would be written", "<o/>", "<o><i k='\"'>&lt;</i></o>", []string{"added $.o.i at $.o.i:  | <i k=\"&quot;\">&lt;</i>"}, nil},
		{"one less", item("1", "2", "3"), item("1", "3"), []string{"missing $.order.item at $.order.item[1]: <item><price>2</price></item> | "}, nil},
		{"the first of many, its time moves in all", "<l><i t='2026-03-04T05:06:07Z'>1</i><i t='2026-03-04T05:06:07Z'>2</i></l>", "<l><i t='2026-03-04T05:06:08Z'>0</i><i t='2026-03-04T05:06:08Z'>1</i><i t='2026-03-04T05:06:08Z'>2</i></l>", []string{
			"added $.l.i at $.l.i[0]:  | <i t=\"2026-03-04T05:06:08Z\">0</i>", "forgiven 2 value $.l.i['@t']: timestamp"}, nil},
		{"reordered, once", item("1", "2", "3"), item("3", "1", "2"), []string{"order $.order at $.order: " + item("1", "2", "3") + " | " + item("3", "1", "2")}, nil},
		{"members in another order, and one value", "<o><a>1</a><b>2</b></o>", "<o><b>2</b><a>9</a></o>", []string{"order $.o at $.o: <o><a>1</a><b>2</b></o> | <o><b>2</b><a>9</a></o>", "value $.o.a at $.o.a: 1 | 9"}, nil},
		{"a member lost, one won", "<o><a>1</a><b>2</b></o>", "<o><a>1</a><c>2</c></o>", []string{"missing $.o.b at $.o.b: <b>2</b> | ", "added $.o.c at $.o.c:  | <c>2</c>"}, nil},
		{"attributes in any order", "<o a='1' b=\"2\"/>", "<o b='2' a='1'></o>", nil, nil},
		{"attributes", "<o id='1' a='1'/>", "<o id='2' b='1'/>", []string{"missing $.o['@a'] at $.o['@a']: 1 | ", "added $.o['@b'] at $.o['@b']:  | 1", "value $.o['@id'] at $.o['@id']: 1 | 2"}, nil},
		{"prefixes are free", "<a:o xmlns:a='urn:x' a:k='1'><a:i/></a:o>", "<o xmlns='urn:x' xmlns:z='urn:x' z:k='1'><i/></o>", nil, nil},
		{"another namespace, said once", "<o xmlns='urn:x'><i><j/></i></o>", "<o xmlns='urn:y'><i><j/></i></o>", []string{"type $.o at $.o: {urn:x}o | {urn:y}o"}, nil},
		{"comments, instructions, declarations and white space between elements", "<?xml version='1.0'?>\n<o>\n <a>1</a><!-- x --><?y z?>\n</o>\n", "<!DOCTYPE o><o><a>1</a></o>", nil, nil},
		{"a comment within a text", "<o>a<!-- x -->b</o>", "<o>ab</o>", nil, nil},
		{"white space in a text", "<o>a </o>", "<o>a</o>", []string{"value $.o at $.o: a  | a"}, nil},
		{"a list without elements, laid out", "<o>\n</o>", "<o/>", nil, nil},
		{"a blank that is a value", "<o> </o>", "<o/>", []string{"value $.o at $.o:   | "}, nil},
		{"where space is to be preserved", "<o xml:space='preserve'>\n</o>", "<o xml:space='preserve'/>", []string{"value $.o at $.o: \n | "}, nil},
		{"CDATA and references are text", "<o><![CDATA[a<b]]>&#65;&amp;</o>", "<o>a&lt;bA&#x26;</o>", nil, nil},
		{"texts between elements", "<p>Hello <b>Bob</b>, you</p>", "<p>Hi <b>Bob</b>, you</p>", []string{"value $.p at $.p: Hello  | Hi "}, nil},
		{"a text against elements", "<o>x</o>", "<o><a/></o>", []string{"missing $.o at $.o: x | ", "added $.o.a at $.o.a:  | <a/>"}, nil},
		{"another root", "<a/>", "<b/>", []string{"missing $.a at $.a: <a/> | ", "added $.b at $.b:  | <b/>"}, nil},
		{"timestamps", "<o><at>2026-03-04T05:06:07Z</at></o>", "<o><at>2026-03-04T05:06:08Z</at></o>", []string{"forgiven 1 value $.o.at: timestamp"}, nil},
		{"an epoch by the name of its element", "<o><created_at>1772600767</created_at></o>", "<o><created_at>1772600768</created_at></o>", []string{"forgiven 1 value $.o.created_at: timestamp"}, nil},
		{"broken on one side", "<o/>", "<o>", []string{"body body at body: <o/> | <o>"}, nil},
		{"broken on both: by line", "<o>\n1", "<o>\n2", []string{"value body at body:2: 1 | 2"}, nil},
		{"entities are not expanded", "<!DOCTYPE o [<!ENTITY a 'b'>]>\n<o>1</o>", "<!DOCTYPE o [<!ENTITY a 'b'>]>\n<o>2</o>", []string{"value body at body:2: <o>1</o> | <o>2</o>"}, nil},
		{"an attribute twice is no XML", "<o a='1'/>", "<o a='1' a='1'/>", []string{"body body at body: <o a='1'/> | <o a='1' a='1'/>"}, nil},
	})
}

func TestXMLRules(t *testing.T) {
	const two, other = "<o><i k='1'><p>1</p></i><i k='2'><p>2</p></i></o>", "<o><i k='1'><p>1</p></i><i k='3'><p>9</p></i></o>"
	rule := func(path string) []compare.Rule { return []compare.Rule{{Path: path, Ignore: true}} }
	value, attr := "value $.o.i.p at $.o.i[1].p: 2 | 9", "value $.o.i['@k'] at $.o.i[1]['@k']: 2 | 3"
	runBodyTests(t, "text/xml", []bodyTest{
		{"by the path", two, other, []string{attr, "forgiven 1 value $.o.i.p: rule $.o.i.p ignore"}, rule("$.o.i.p")},
		{"with a wildcard for the index", two, other, []string{attr, "forgiven 1 value $.o.i.p: rule $.o.i[*].p ignore"}, rule("$.o.i[*].p")},
		{"with an index", two, other, []string{attr, "forgiven 1 value $.o.i.p: rule $.o.i[1].p ignore"}, rule("$.o.i[1].p")},
		{"with another index", two, other, []string{attr, value}, rule("$.o.i[0].p")},
		{"anywhere", two, other, []string{attr, "forgiven 1 value $.o.i.p: rule $..p ignore"}, rule("$..p")},
		{"an attribute", two, other, []string{value, "forgiven 1 value $.o.i['@k']: rule $.o.i['@k'] ignore"}, rule("$.o.i['@k']")},
		{"a whole element", two, other, []string{`forgiven 1 value $.o.i: rule $.o.i ignore`}, rule("$.o.i")},
		{"an element is not the attributes around it", "<o k='1'><i>1</i></o>", "<o k='2'><i>2</i></o>", []string{"value $.o['@k'] at $.o['@k']: 1 | 2", "forgiven 1 value $.o.i: rule $.o.i ignore"}, rule("$.o.i")},
		{"a wildcard is for attributes and elements, not for the root itself", "<o k='1'><i><j>1</j></i></o>", "<o k='2'><i><j>2</j></i></o>", []string{"forgiven 1 value $.o['@k']: rule $.o.* ignore", "forgiven 1 value $.o.i: rule $.o.* ignore"}, rule("$.o.*")},
		{"what is missing", two, "<o><i k='1'><p>1</p></i></o>", []string{"forgiven 1 missing $.o.i: rule $.o.i[*] ignore"}, rule("$.o.i[*]")},
		{"unordered, by the name of the elements", "<o><i>1</i><i>2</i><x/></o>", "<o><x/><i>2</i><i>1</i></o>", []string{"forgiven 1 order $.o: rule $.o.i unordered"}, []compare.Rule{{Path: "$.o.i", Unordered: true}}},
		{"unordered, by that of the element around them", "<o><i>1</i><x/><i>2</i></o>", "<o><x/><i>2</i><i>1</i></o>", []string{"forgiven 1 order $.o: rule $.o unordered"}, []compare.Rule{{Path: "$.o", Unordered: true}}},
		{"same holds over the document", "<o><id>1</id><ref>1</ref><ref>2</ref></o>", "<o><id>7</id><ref>7</ref><ref>8</ref></o>", []string{"forgiven 1 value $.o.id: rule $..id same x", "forgiven 2 value $.o.ref: rule $..ref same x"},
			[]compare.Rule{{Path: "$..id", Same: "x"}, {Path: "$..ref", Same: "x"}}},
		{"same that does not hold", "<o><id>1</id><ref>1</ref></o>", "<o><id>7</id><ref>8</ref></o>", []string{"value $.o.ref at $.o.ref: 1 | 8", "forgiven 1 value $.o.id: rule $..id same x"},
			[]compare.Rule{{Path: "$..id", Same: "x"}, {Path: "$..ref", Same: "x"}}},
		{"an equal value is taken", "<o><id>1</id><ref>1</ref></o>", "<o><id>1</id><ref>2</ref></o>", []string{"value $.o.ref at $.o.ref: 1 | 2"},
			[]compare.Rule{{Path: "$..id", Same: "x"}, {Path: "$..ref", Same: "x"}}},
		{"within", "<o><at>2026-03-04T05:06:07Z</at></o>", "<o><at>2026-03-04T06:06:07Z</at></o>", []string{"forgiven 1 value $.o.at: rule $.o.at within 2h"}, []compare.Rule{{Path: "$.o.at", Within: "2h"}}},
	})
}

func TestXMLCharset(t *testing.T) {
	l := answer("application/xml", "<?xml version='1.0' encoding='ISO-8859-1'?><o>caf\xe9</o>")
	checkLines(t, compare.Exchanges(l, answer("application/xml", "<o>café</o>"), nil), nil)
	checkLines(t, compare.Exchanges(l, answer("application/xml", "<o>cafè</o>"), nil), []string{"value $.o at $.o: café | cafè"})
}

func TestXMLWeight(t *testing.T) {
	r := compare.Exchanges(answer("text/xml", "<o k='1'><a>1</a><b>1</b><c>1</c></o>"), answer("text/xml", "<o k='1'><a>1</a><b>2</b><c>1</c></o>"), nil)
	if len(r.Differences) != 1 || r.Differences[0].Weight != 0.25 {
		t.Errorf("one of three elements and an attribute: %+v", r.Differences)
	}
}

// TestLimitsOfFindings holds that a document which differs everywhere is
// listed up to the limits, and counted beyond.
func TestLimitsOfFindings(t *testing.T) {
	const n = 20_000
	body := func(v string) string { return "<o>" + strings.Repeat("<i>"+v+"</i>", n) + "</o>" }
	r := compare.Exchanges(answer("text/xml", body("1")), answer("text/xml", body("2")), nil)
	if len(r.Differences) != 50 || r.Truncated != n-50 || r.Differences[0].Weight != 1 {
		t.Errorf("%d listed, %d more, weight %v", len(r.Differences), r.Truncated, r.Differences[0].Weight)
	}
	r = compare.Exchanges(answer("text/xml", body("1")), answer("text/xml", body("2")), mustCompile(t, compare.Rule{Path: "$.o.i", Ignore: true}))
	if !r.Match() || len(r.Forgiven) != 1 || r.Forgiven[0].Count != n {
		t.Errorf("%+v", r.Forgiven)
	}
	lines := func(v string) string { return strings.Repeat(v+"\n", n) }
	r = compare.Exchanges(answer("text/plain", lines("a")), answer("text/plain", lines("b")), nil)
	if len(r.Differences) != 50 || r.Truncated != n-50 {
		t.Errorf("%d lines listed, %d more", len(r.Differences), r.Truncated)
	}
}
