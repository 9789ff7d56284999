package wire

import (
	"fmt"
	"strings"
)

// label is what has to become of an odd request.
type label string

const (
	refuse label = "refuse" // 4xx or 5xx, the connection is closed, the backend gets nothing whole
	pass   label = "pass"   // arrives once, well formed
	either label = "either" // the RFC leaves it open: one of the two
)

// odd is a request that is malformed, ambiguous, or only looks so. In raw, {T}
// is its target, {S} a second request that hides in or behind it, {N} and {X}
// that one's length in decimal and hexadecimal.
type odd struct {
	reason string // with the section of RFC 9112, or as said
	label  label
	raw    string
	body   string // what arrives as the body, of those that pass; {S} as in raw
}

// oddBytes are the bytes of the n-th of the corpus, its target and its body.
func (o odd) bytes(n int) (raw, target, body string) {
	target = fmt.Sprintf("/odd/%04d", n)
	hidden := fmt.Sprintf("GET /smuggled/%04d HTTP/1.1\r\nHost: h\r\n\r\n", n)
	fill := strings.NewReplacer("{T}", target, "{S}", hidden, "{N}", fmt.Sprint(len(hidden)), "{X}", fmt.Sprintf("%x", len(hidden)))
	return fill.Replace(o.raw), target, fill.Replace(o.body)
}

// corpus is all of them.
func corpus() []odd {
	var all []odd
	for _, family := range []func() []odd{
		oddLineEnds, oddBeginnings, oddMethods, oddRequestLines, oddVersions, oddTargets, oddHosts,
		oddLengths, oddCodings, oddBoth, oddChunkSizes, oddChunks, oddExtensions, oddTrailers,
		oddNames, oddValues, oddFolds, oddConnections, oddPlain,
	} {
		all = append(all, family()...)
	}
	return all
}

const (
	line    = "GET {T} HTTP/1.1\r\n"
	post    = "POST {T} HTTP/1.1\r\n"
	host    = "Host: h\r\n"
	end     = "\r\n"
	chunked = "Transfer-Encoding: chunked\r\n"
)

// each makes a case of each variant; in raw {V} is the variant.
func each(reason string, l label, raw, body string, variants ...string) []odd {
	var all []odd
	for _, v := range variants {
		all = append(all, odd{fmt.Sprintf("%s: %.30q", reason, v), l, strings.ReplaceAll(raw, "{V}", v), strings.ReplaceAll(body, "{V}", v)})
	}
	return all
}

// controls are the bytes that no part of a head may hold, CR and LF aside,
// which are tried on their own.
func controls() []string {
	var all []string
	for c := range 0x20 {
		if c != '\t' && c != '\r' && c != '\n' {
			all = append(all, string(rune(c)))
		}
	}
	return append(all, "\x7f")
}

func oddLineEnds() []odd {
	var all []odd
	for _, base := range []struct{ name, raw string }{
		{"GET", line + host + "X-A: 1\r\n" + end},
		{"POST with a length", post + host + "Content-Length: 5\r\n" + end + "hello"},
		{"POST in chunks", post + host + chunked + end + "5\r\nhello\r\n0\r\n\r\n"},
	} {
		at := -2
		for nth := range 4 {
			at += 2 + strings.Index(base.raw[at+2:], "\r\n")
			for _, v := range []string{"\n", "\r", "\r\r\n", "\n\r", "\x0b\r\n", "\x0c\r\n", "\x00\r\n", "\r\x00\n", "\r \n"} {
				all = append(all, odd{fmt.Sprintf("2.2: line %d of a %s ends in %q", nth+1, base.name, v), refuse, base.raw[:at] + v + base.raw[at+2:] + "{S}", ""})
			}
		}
		whole := strings.Index(base.raw, "\r\n\r\n") + 4
		all = append(all,
			odd{"2.2: all lines end in LF, " + base.name, refuse, strings.ReplaceAll(base.raw[:whole], "\r\n", "\n") + base.raw[whole:] + "{S}", ""},
			odd{"2.2: all lines end in CR, " + base.name, refuse, strings.ReplaceAll(base.raw[:whole], "\r\n", "\r") + base.raw[whole:] + "{S}", ""},
			odd{"5: an empty line that is a space, " + base.name, refuse, base.raw[:whole-2] + " \r\n" + base.raw[whole:] + "{S}", ""},
			odd{"5: an empty line that is a tab, " + base.name, refuse, base.raw[:whole-2] + "\t\r\n" + base.raw[whole:] + "{S}", ""},
		)
	}
	return all
}

func oddBeginnings() []odd {
	rest := "{V}" + line + host + end
	all := each("2.2: empty lines before the request line", either, rest, "", "\r\n", "\r\n\r\n")
	all = append(all, each("2.2: many empty lines", either, rest, "", strings.Repeat("\r\n", 50))...)
	return append(all, each("3: something before the request line", refuse, rest+"{S}", "",
		" ", "\t", "\x00", "\r", "\x0b", "\x0c", "\xef\xbb\xbf", "\r\n ", "x\r\n", ":\r\n", "X-A: 1\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n")...)
}

func oddMethods() []odd {
	rest := " {T} HTTP/1.1\r\n" + host + end
	all := each("RFC 9110 9.1: a method is a token", refuse, "{V}"+rest+"{S}", "",
		"", "G(T", "G)T", "G<T", "G>T", "G@T", "G,T", "G;T", "G:T", "G\\T", "G\"T", "G/T", "G[T", "G]T", "G?T", "G=T", "G{T", "G}T", "G T", "G\tT",
		"GET\x00", "\x01GET", "GE\x7fT", "G\xc3\x89T", "GET:", "\"GET\"", "GET,POST")
	all = append(all, each("RFC 9110 9.1: all of a token's characters", pass, "{V}"+rest, "",
		"G!T", "G#T", "G$T", "G%T", "G&T", "G'T", "G*T", "G+T", "G-T", "G.T", "G^T", "G_T", "G`T", "G|T", "G~T", "G0T", "get", "M-SEARCH", "PROPFIND")...)
	return append(all, each("RFC 9110 9.3: what a proxy of this kind does not do", refuse, "{V}"+rest+"{S}", "", "CONNECT")...)
}

func oddRequestLines() []odd {
	return each("3: the parts of a request line stand between single spaces", refuse, "{V}\r\n"+host+end+"{S}", "",
		"GET  {T} HTTP/1.1", "GET {T}  HTTP/1.1", "GET\t{T} HTTP/1.1", "GET {T}\tHTTP/1.1", "GET {T} HTTP/1.1 ", "GET {T} HTTP/1.1\t", "GET {T} HTTP/1.1 x",
		"GET {T}", "GET {T} ", "GET", "GET ", "", " ", "GET\x0b{T}\x0bHTTP/1.1", "GET\x0c{T} HTTP/1.1", "GET\xa0{T}\xa0HTTP/1.1", "GET {T} {T} HTTP/1.1",
		"GET\x00{T} HTTP/1.1", "GET{T} HTTP/1.1", "GET {T}HTTP/1.1", "{T} GET HTTP/1.1", "HTTP/1.1 {T} GET", "GET {T} HTTP/1.1 HTTP/1.1", "GET\r{T} HTTP/1.1")
}

func oddVersions() []odd {
	rest := "GET {T} {V}\r\n" + host + end
	all := each("2.3: the version", refuse, rest+"{S}", "",
		"HTTP/2.0", "HTTP/2", "HTTP/3.0", "HTTP/0.9", "HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/", "HTTP", "HTTP/01.1", "HTTP/1.01", "HTTP/1.10", "HTTP/11.1", "http/1.1", "Http/1.1",
		"HTTP/1.1.1", "HTTPS/1.1", "HTP/1.1", "HTTP/1,1", "HTTP/-1.1", "HTTP/+1.1", "HTTP/1.-1", "HTTP/1.1\x00", "HTTP/1.x", "FTP/1.1", "HTTP1.1", "HTTP\\1.1", "HTTP/1.1;", "HTTP/٣.١", "xHTTP/1.1", "HTTP/9.9", "ICAP/1.0")
	all = append(all, each("RFC 9110 2.5: a minor version that is not known yet", either, rest, "", "HTTP/1.2", "HTTP/1.9")...)
	return append(all,
		odd{"9.3: HTTP/1.0 has no second request unless it is asked for", pass, "GET {T} HTTP/1.0\r\n" + host + end + "{S}", ""},
		odd{"RFC 9110 7.2: HTTP/1.0 needs no Host", either, "GET {T} HTTP/1.0\r\n" + end, ""},
		odd{"6.1: HTTP/1.0 has no chunks", refuse, "POST {T} HTTP/1.0\r\n" + host + chunked + end + "0\r\n\r\n{S}", ""},
		odd{"6.1: nor with a length", refuse, "POST {T} HTTP/1.0\r\n" + host + chunked + "Content-Length: {N}\r\n" + end + "{S}", ""},
		odd{"6.1: nor when it is kept alive", refuse, "POST {T} HTTP/1.0\r\n" + host + "Connection: keep-alive\r\n" + chunked + end + "0\r\n\r\n{S}", ""},
	)
}

func oddTargets() []odd {
	rest := "GET {V} HTTP/1.1\r\n" + host + end
	all := each("3.2: the target", refuse, rest+"{S}", "",
		"*", "{T}#a", "{T}?a#b", "odd", "mailto:x@h", "://h{T}", "http://", "http:///", "http:{T}", "h:80", "h", "?a", "{T} {T}", "http://user@h{T}", "http://h:x{T}", "http://h h{T}", "http:// h{T}", ".", "\\", "//h:80 {T}", "#")
	all = append(all, each("3.2: control bytes", refuse, "GET {T}{V}x HTTP/1.1\r\n"+host+end+"{S}", "", controls()...)...)
	all = append(all, each("3.2: a tab or CR", refuse, "GET {T}{V}x HTTP/1.1\r\n"+host+end+"{S}", "", "\t", "\r")...)
	all = append(all, each("RFC 3986 2: bytes that belong escaped", either, "GET {T}{V} HTTP/1.1\r\n"+host+end, "",
		"\"", "<", ">", "\\", "^", "`", "{", "}", "|", "%", "%zz", "%0", "\x80", "\xff", "\xc3\xa9")...)
	all = append(all, each("3.2.1: all that a path and a query may hold", pass, "GET {T}{V} HTTP/1.1\r\n"+host+end, "",
		"%2F", "%2f..%2f", "//", "/../x", "/./", ";a=b", ":@!$&'()*+,=-._~", "?", "??", "?a;b&c=%zz", "?a=b?c/d", "%00", "%0d%0a", "?%0d%0aX:%20y", "%E2%82%AC", "?"+strings.Repeat("a", 4000))...)
	all = append(all, each("3.2.2: absolute form", pass, "GET {V}{T} HTTP/1.1\r\n"+host+end, "", "http://h", "HTTP://h", "http://H")...)
	all = append(all, each("3.2.2: absolute form, with another Host", either, "GET {V}{T} HTTP/1.1\r\n"+host+end, "", "http://other.example", "https://h", "http://h:80")...)
	return append(all, odd{"3.2.2: absolute form does without a Host only in HTTP/1.0", refuse, "GET http://h{T} HTTP/1.1\r\n" + end + "{S}", ""})
}

func oddHosts() []odd {
	all := each("3.2: Host lines", refuse, line+"{V}"+end+"{S}", "",
		"", "Host: h\r\nHost: h\r\n", "Host: h\r\nHost: other\r\n", "Host: h\r\nhost: h\r\n", "Host: h\r\nX: y\r\nHOST: other\r\n", "Host: h\r\nHost:\r\n", "Host:\r\nHost: h\r\n",
		"Host : h\r\n", " Host: h\r\n", "Host\t: h\r\n", "Host h\r\n", "Host;h\r\n", "Host\r\n", "Host=h\r\n", "Hos t: h\r\n", "Host:\r\n h\r\n", "Host: h\r\n other\r\n", "X: y\r\n Host: h\r\n", "\x00Host: h\r\n", "Host\x00: h\r\n", "Host:\x00h\r\n", "X-Host: h\r\n")
	all = append(all, each("RFC 3986 3.2.2: what no host is", refuse, line+"Host: {V}\r\n"+end+"{S}", "",
		"h h", "h/x", "h\\x", "h?x", "h#x", "user@h", "user:pw@h", "http://h", "h,other", "h, other", "h:x", "h:-1", "h:80:80", "h:80x", "[::1", "::1", "[::1]x", "[x]", "[]", "h]", "[h", "h\"", "\"h\"", "h<", "h>", "h^", "h`", "h{", "h|", "h}",
		"h\tx", "h\x01", "h\x1f", "h\x7f", "h\xff", "h\xc3\xa9", "h%", "h%z1", "h:80,h:81", "h@", "@h", ":80", "h\x00.example")...)
	all = append(all, each("3.2: a Host that is a host", pass, line+"{V}"+end, "",
		"Host: h\r\n", "host: h\r\n", "HOST: h\r\n", "Host:h\r\n", "Host:   h  \r\n", "Host:\th\t\r\n", "Host: h.example:8080\r\n", "Host: [::1]:80\r\n", "Host: [::1]\r\n", "Host: 127.0.0.1\r\n", "Host: a_b.example\r\n", "Host: xn--bcher-kva.example\r\n", "Host: H.Example\r\n", "Host: h.\r\n", "X-A: 1\r\nHost: h\r\n")...)
	return append(all, each("RFC 3986 3.2: odd, but by the grammar", either, line+"Host: {V}\r\n"+end, "", "", "h:", "h:99999", "h:0", "h%41", "h!$&'()*+;=", "-h", "h..x", "[v1.x]", "[::1%25eth0]")...)
}

func oddPlain() []odd {
	return []odd{
		{"6.3: a body with a length", pass, post + host + "Content-Length: {N}\r\n" + end + "{S}", "{S}"},
		{"6.3: no body, and another method", pass, "PUT {T} HTTP/1.1\r\n" + host + end, ""},
		{"6.3: an announced empty body", pass, post + host + "Content-Length: 0\r\n" + end, ""},
		{"6.3: GET with a body", pass, line + host + "Content-Length: {N}\r\n" + end + "{S}", "{S}"},
		{"7.1: a chunk", pass, post + host + chunked + end + "{X}\r\n{S}\r\n0\r\n\r\n", "{S}"},
		{"7.1: GET in chunks", pass, line + host + chunked + end + "{X}\r\n{S}\r\n0\r\n\r\n", "{S}"},
		{"7.1: two chunks", pass, post + host + chunked + end + "{X}\r\n{S}\r\n{X}\r\n{S}\r\n0\r\n\r\n", "{S}{S}"},
		{"7.1: no data", pass, post + host + chunked + end + "0\r\n\r\n", ""},
		{"5.4: a head of 60 KB", pass, line + host + strings.Repeat("X-Long: "+strings.Repeat("v", 990)+"\r\n", 60) + end, ""},
		{"5.4: a head over the limit", refuse, line + host + strings.Repeat("X-Long: "+strings.Repeat("v", 990)+"\r\n", 80) + end + "{S}", ""},
		{"5.4: one field over the limit", refuse, line + host + "X-Long: " + strings.Repeat("v", 80000) + "\r\n" + end + "{S}", ""},
		{"3: a target over the limit", refuse, "GET {T}" + strings.Repeat("a", 80000) + " HTTP/1.1\r\n" + host + end + "{S}", ""},
		{"5: a thousand fields", either, line + host + strings.Repeat("X: y\r\n", 1000) + end, ""},
	}
}
