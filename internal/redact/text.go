package redact

import (
	"net/url"
	"strings"
)

// Text is any text: a log line, an error, an HTML or XML page, the content of
// a JSON string. It looks for what looks like a secret, and for values that
// stand after the name of one: "token=…", "password: …", `"pin":"…"`,
// "<cvv>…</cvv>", <input name="csrf_token" value="…">.
func (r *Redactor) Text(s string) string {
	if r.known != nil {
		s = r.known.Replace(s)
	}
	t := text{r: r, s: s}
	for t.i < len(s) {
		if t.i == t.attr.start && t.attr.end > t.attr.start {
			t.replace(t.attr, r.secret)
			continue
		}
		if span, redacted := t.look(); span.end > span.start {
			t.replace(span, redacted)
			continue
		}
		t.i++
	}
	if t.done == 0 {
		return s
	}
	t.out.WriteString(s[t.done:])
	return t.out.String()
}

// text is one pass over a string.
type text struct {
	r     *Redactor
	s     string
	i     int  // looked at up to here
	done  int  // written to out up to here
	attr  span // an attribute's value ahead, to be replaced when it is reached
	noJWT int  // no web token begins before here
	out   strings.Builder
}

type span struct{ start, end int }

func (t *text) replace(p span, redacted func(string) string) {
	t.out.WriteString(t.s[t.done:p.start])
	t.out.WriteString(redacted(t.s[p.start:p.end]))
	t.done, t.i = p.end, p.end
}

// look finds a secret that the byte at i gives away.
func (t *text) look() (span, func(string) string) {
	s, i := t.s, t.i
	switch c := s[i]; {
	case c == '[':
		if markAt(s[i:]) {
			t.i += markLen - 1
		}
	case c == '=' || c == ':':
		if p := named(s, i); p.end > p.start {
			return p, t.r.secret
		}
		if strings.HasPrefix(s[i:], "://") {
			return userPassword(s, i+3), t.r.secret
		}
	case '0' <= c && c <= '9':
		if i == 0 || s[i-1] < '0' || s[i-1] > '9' {
			return span{i, i + cardAt(s[i:])}, t.cardNumber
		}
	case c == 'e' && i >= t.noJWT && strings.HasPrefix(s[i:], "eyJ"):
		p, some := webToken(s, i)
		if some {
			return p, t.r.Fingerprint
		}
		t.noJWT = p.end // what has no dot here has none further on
	case c == 'B' || c == 'b':
		return credential(s, i), t.r.Fingerprint
	case c == '<':
		if p := element(s, i); p.end > p.start {
			return p, t.r.secret
		}
		t.attr = attribute(s, i)
	}
	return span{}, nil
}

func (t *text) cardNumber(s string) string { return t.r.Fingerprint(onlyDigits(s)) }

// webToken is the JSON Web Token (RFC 7519) at i, if it is one: its header is a
// JSON object, and `{"` is "eyJ" in base64url.
func webToken(s string, i int) (span, bool) {
	end, dots := i, 0
	for end < len(s) && (isToken(s[end]) || s[end] == '.') {
		if s[end] == '.' {
			dots++
		}
		end++
	}
	return span{i, end}, dots > 0 && end-i >= 20
}

// isToken reports whether c may stand in base64url.
func isToken(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// credential is the credential after "Bearer " or "Basic " at i. What could be
// a word ("bearer of", "basic information") is none: a credential has 16
// letters, or 6 characters of which some are no letters.
func credential(s string, i int) span {
	start := i
	for _, scheme := range []string{"bearer", "basic"} {
		if len(s)-i > len(scheme) && strings.EqualFold(s[i:i+len(scheme)], scheme) && (i == 0 || !isToken(s[i-1])) {
			start = i + len(scheme)
		}
	}
	if start == i || s[start] != ' ' && s[start] != '\t' && s[start] != '+' {
		return span{}
	}
	for start < len(s) && (s[start] == ' ' || s[start] == '\t' || s[start] == '+') {
		start++
	}
	end, letters := start, 0
	for end < len(s) && (isToken(s[end]) || strings.IndexByte(".~+/", s[end]) >= 0) {
		if c := s[end] | 0x20; 'a' <= c && c <= 'z' {
			letters++
		}
		end++
	}
	if n := end - start; n < 6 || n < 16 && letters == n {
		return span{}
	}
	for end < len(s) && s[end] == '=' {
		end++
	}
	return span{start, end}
}

// userPassword is the password in "//user:password@host" that begins at i.
func userPassword(s string, i int) span {
	end := i
	for end < len(s) && strings.IndexByte("@/?# \t\r\n\"'<>", s[end]) < 0 {
		end++
	}
	if end == len(s) || s[end] != '@' {
		return span{}
	}
	colon := strings.IndexByte(s[i:end], ':')
	if colon < 0 || isMark(s[i+colon+1:end]) {
		return span{}
	}
	return span{i + colon + 1, end}
}

// element is the text of the XML element at i, when its name is of a secret.
func element(s string, i int) span {
	end := i + 1
	for end < len(s) && (isToken(s[end]) || s[end] == ':' || s[end] == '.') {
		end++
	}
	if end == i+1 || !SecretName(s[i+1:end]) {
		return span{}
	}
	tag := until(s, end, "<>") - end
	if end+tag == len(s) || s[end+tag] == '<' || tag > 0 && s[end+tag-1] == '/' {
		return span{}
	}
	start, stop := end+tag+1, "<"
	if strings.HasPrefix(s[start:], "<![CDATA[") {
		start, stop = start+len("<![CDATA["), "]]>"
	}
	end = len(s)
	if n := strings.Index(s[start:], stop); n >= 0 {
		end = start + n
	}
	if body := s[start:end]; strings.TrimSpace(body) == "" || isMark(body) {
		return span{}
	}
	return span{start, end}
}

// attribute is the value of the tag at i whose name attribute names a secret:
// form fields and the meta tags that hold CSRF tokens.
func attribute(s string, i int) span {
	tag := s[i:until(s, i+1, "<>")]
	secret := false
	for _, name := range []string{"name", "id"} {
		p := attributeValue(tag, name)
		secret = secret || SecretName(tag[p.start:p.end])
	}
	if !secret {
		return span{}
	}
	for _, name := range []string{"value", "content"} {
		if p := attributeValue(tag, name); p.end > p.start && !isMark(tag[p.start:p.end]) {
			return span{i + p.start, i + p.end}
		}
	}
	return span{}
}

func attributeValue(tag, name string) span {
	for at := 1; at+len(name) < len(tag); at++ {
		start := at + len(name)
		if tag[start] != '=' || strings.IndexByte(" \t\r\n\"'", tag[at-1]) < 0 || !strings.EqualFold(tag[at:start], name) {
			continue
		}
		start++
		stop := " \t\r\n"
		if start < len(tag) && (tag[start] == '"' || tag[start] == '\'') {
			stop = tag[start : start+1]
			start++
		}
		return span{start, until(tag, start, stop)}
	}
	return span{}
}

func decodedName(name string) string {
	if strings.IndexByte(name, '%') < 0 {
		return name
	}
	if plain, err := url.QueryUnescape(name); err == nil {
		return plain
	}
	return name
}
