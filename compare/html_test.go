package compare_test

import (
	"testing"

	"github.com/quackproxy/quack/compare"
)

func TestHTML(t *testing.T) {
	const p = "$.html.body.p"
	page := func(body string) string {
		return "<!DOCTYPE html><html><head><title>Shop</title></head><body>" + body + "</body></html>"
	}
	runBodyTests(t, "text/html; charset=utf-8", []bodyTest{
		{"one text", page("<p>a</p>"), page("<p>b</p>"), []string{"value " + p + " at " + p + ": a | b"}, nil},
		{"one of several", page("<p>a</p><p>b</p>"), page("<p>a</p><p>c</p>"), []string{"value " + p + " at " + p + "[1]: b | c"}, nil},
		{"white space and comments", page("<div>\n  <p>a   b</p><!-- x -->\n</div>"), page("<div><p> a\nb </p></div>"), nil, nil},
		{"white space between elements in a line shows", page("<p><b>a</b> <i>b</i></p>"), page("<p><b>a</b><i>b</i></p>"), []string{"missing " + p + " at " + p + ":   | "}, nil},
		{"in pre it counts", page("<pre>a  b</pre>"), page("<pre>a b</pre>"), []string{"value $.html.body.pre at $.html.body.pre: a  b | a b"}, nil},
		{"attributes in any order and quotes, a class is a set, booleans", page("<p id=a class='x y'><input checked disabled=disabled>"), page("<p class=\" y  x x\" id='a'><input disabled checked=''></p>"), nil, nil},
		{"another class", page("<p class='x y'></p>"), page("<p class='x z'></p>"), []string{"value " + p + "['@class'] at " + p + "['@class']: x y | x z"}, nil},
		{"what may be left out", "<title>Shop</title><p>a<p>b<ul><li>1<li>2</ul><table><tr><td>1<td>2<tr><td>3</table>", "<html><head><title>Shop</title></head><body><p>a</p><p>b</p><ul><li>1</li><li>2</li></ul><table><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></tbody></table></body></html>", nil, nil},
		{"references", page("<p title='&amp;'>&eacute;&nbsp;&lt;</p>"), page("<p title='&#38;'>é\u00a0&#60;</p>"), nil, nil},
		{"a row more is one difference", page("<ul><li>1</li><li>2</li></ul>"), page("<ul><li>0</li><li>1</li><li>2</li></ul>"), []string{"added $.html.body.ul.li at $.html.body.ul.li[0]:  | <li>0</li>"}, nil},
		{"tokens of both pages", "<meta name=csrf-token content=a6f2f7e8c1b8f4a53><form><input type=hidden name=authenticity_token value=b6f2f7e8c1b8f4a53></form><script nonce=c6f2f7e8c1b8f4a53></script>", "<meta name=csrf-token content=x6f2f7e8c1b8f4a53><form><input type=hidden name=authenticity_token value=y6f2f7e8c1b8f4a53></form><script nonce=z6f2f7e8c1b8f4a53></script>", []string{
			"forgiven 1 value $.html.head.meta['@content']: token of a page",
			"forgiven 1 value $.html.body.form.input['@value']: token of a page",
			"forgiven 1 value $.html.body.script['@nonce']: token of a page"}, nil},
		{"a token that one side does not have", "<meta name=csrf-token content=a>", "<meta name=csrf-token content=''>", []string{"value $.html.head.meta['@content'] at $.html.head.meta['@content']: <meta name=\"csrf-token\" content=\"a\"> | <meta name=\"csrf-token\" content=\"\">"}, nil},
		{"what is no token in its place", "<meta name=csrf-token content=a6f2f7e8c1b8f4a53>", "<meta name=csrf-token content=undefined>", []string{"value $.html.head.meta['@content'] at $.html.head.meta['@content']: <meta name=\"csrf-token\" content=\"a6f2f7e8c1b8f4a53\"> | <meta name=\"csrf-token\" content=\"undefined\">"}, nil},
		{"another meta is no token", "<meta name=csrf-param content=a>", "<meta name=csrf-param content=b>", []string{"value $.html.head.meta['@content'] at $.html.head.meta['@content']: <meta name=\"csrf-param\" content=\"a\"> | <meta name=\"csrf-param\" content=\"b\">"}, nil},
		{"an input, with the name that tells which", "<input name=q value='a\"<'>", "<input name=q value=b>", []string{`value $.html.body.input['@value'] at $.html.body.input['@value']: <input name="q" value="a&quot;<"> | <input name="q" value="b">`}, nil},
		{"a script that holds JSON", page("<script id=d type=application/json>{\"a\":1, \"b\":[1]}</script>"), page("<script id=d type=application/json>{\"b\":[1.0],\"a\":2}</script>"), []string{"value $.html.body.script.a at $.html.body.script.a: 1 | 2"}, nil},
		{"made-up ids in it", page(`<script type=application/json>{"ref":"854c9534-aa98-4299-9236-9eafa1cd4cd6"}</script>`), page(`<script type=application/json>{"ref":"67ba65b6-7d81-49a7-8dcf-7501cfb88df8"}</script>`), []string{"forgiven 1 value $.html.body.script.ref: generated id"}, nil},
		{"a rule in it", page("<script type=application/ld+json>{\"a\":1}</script>"), page("<script type=application/ld+json>{\"a\":2}</script>"), []string{"forgiven 1 value $.html.body.script.a: rule $..script.a ignore"}, []compare.Rule{{Path: "$..script.a", Ignore: true}}},
		{"another script is text", page("<script>if (a<b) x()</script>"), page("<script>if (a<b) y()</script>"), []string{"value $.html.body.script at $.html.body.script: if (a<b) x() | if (a<b) y()"}, nil},
		{"a time in the page", page("<p>2026-03-04 05:06:07</p>"), page("<p>2026-03-04 05:06:09</p>"), []string{"forgiven 1 value " + p + ": timestamp"}, nil},
		{"a part of a page", "<div><b>1</b></div>", "<div><b>2</b></div>", []string{"value $.html.body.div.b at $.html.body.div.b: 1 | 2"}, nil},
		{"text alone", "a", "b", []string{"value $.html.body at $.html.body: a | b"}, nil},
		{"end tags of nothing", page("</x><p>a</p></div>"), page("<p>a</p>"), nil, nil},
	})
	runBodyTests(t, "application/xhtml+xml", []bodyTest{
		{"a tag may close itself", "<html xmlns='http://www.w3.org/1999/xhtml'><body><div/><p>a</p></body></html>", "<html><body><div></div><p>b</p></body></html>", []string{"value " + p + " at " + p + ": a | b"}, nil},
	})
}

func TestHTMLCharset(t *testing.T) {
	l := answer("text/html", "<meta charset=iso-8859-1><p>caf\xe9</p>")
	checkLines(t, compare.Exchanges(l, answer("text/html", "<meta charset=utf-8><p>café</p>"), nil), []string{"value $.html.head.meta['@charset'] at $.html.head.meta['@charset']: iso-8859-1 | utf-8"})
}

func TestTokensCountWhenSwitchedOff(t *testing.T) {
	rules := mustCompile(t).With(compare.Options{Off: compare.Volatile})
	r := compare.Exchanges(answer("text/html", "<script nonce=a></script>"), answer("text/html", "<script nonce=b></script>"), rules)
	checkLines(t, r, []string{"value $.html.head.script['@nonce'] at $.html.head.script['@nonce']: a | b"})
}
