package redact

import (
	"net/url"
	"strings"
)

// Text is any text: a log line, an error, an HTML or XML page, the content of
// a JSON string. It looks for what looks like a secret, and for values that
// stand after the name of one: "token=…", "password: …", `"pin":"…"`,
// "token%3D…", "<cvv>…</cvv>", <input name="csrf_token" value="…">.
func (r *Redactor) Text(s string) string {
	if r.known != nil {
		s = r.known.Replace(s)
	}
	if r.policy != nil && len(r.policy.patterns) > 0 {
		s = r.patterned(s)
	}
	s = r.scanned(r.databaseErrors(s))
	if strings.IndexByte(s, '%') >= 0 && r.unescaping < escapesMax {
		s = r.withinEscapes(s)
	}
	return s
}

// withinEscapes looks at what the words of a text stand for that are escaped as
// in a URL.
func (r *Redactor) withinEscapes(s string) string {
	within := *r
	within.unescaping++
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); {
		end := until(s, i, " \t\r\n\"'<>&;=?/#")
		if word := s[i:end]; strings.IndexByte(word, '%') >= 0 {
			if plain, err := url.QueryUnescape(word); err == nil && plain != word {
				if clean := within.Text(plain); clean != plain {
					b.WriteString(s[done:i])
					b.WriteString(url.QueryEscape(clean))
					done = end
				}
			}
		}
		i = end + 1
	}
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
}

// scanned is a text after one pass over it.
func (r *Redactor) scanned(s string) string {
	t := text{r: r, s: s}
	for t.i < len(s) {
		for len(t.ahead) > 0 && t.ahead[0].start < t.i {
			t.ahead = t.ahead[1:] // within something that was replaced
		}
		if len(t.ahead) > 0 && t.i == t.ahead[0].start {
			t.replace(t.ahead[0], r.secret)
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
	r       *Redactor
	s       string
	i       int             // looked at up to here
	done    int             // written to out up to here
	ahead   []span          // secrets of a tag, in order, to be replaced when they are reached
	noJWT   int             // no web token begins before here
	escaped int             // an escape of a URL ends here
	open    map[string]bool // elements that are not closed any more
	out     strings.Builder
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
		if p := t.r.named(s, i); p.end > p.start {
			return p, t.r.secret
		}
		if strings.HasPrefix(s[i:], "://") {
			return userPassword(s, i+3), t.r.secret
		}
	case '0' <= c && c <= '9':
		if i == 0 || i == t.escaped || s[i-1] < '0' || s[i-1] > '9' {
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
		return t.tag()
	case c == '%':
		return t.percent()
	case c == '@' && t.r.policy.Email():
		return emailAt(s, i, 1, t.done), t.r.secret
	case c == '-' && strings.HasPrefix(s[i:], keyBegins):
		return privateKey(s, i), t.r.secret
	}
	return span{}, nil
}

// percent is a secret that an escape of a URL gives away.
func (t *text) percent() (span, func(string) string) {
	e := escapeAt(t.s[t.i:])
	if e.length == 0 {
		return span{}, nil
	}
	switch e.plain {
	case '=', ':':
		if p := t.r.namedEscaped(t.s, t.i, e); p.end > p.start {
			return p, t.r.escapedSecret
		}
	case '@':
		if t.r.policy.Email() {
			if p := emailAt(t.s, t.i, e.length, t.done); p.end > p.start {
				return p, t.r.escapedSecret
			}
		}
	}
	t.escaped = t.i + e.length
	t.i += e.length - 1
	return span{}, nil
}

// How a private key begins and ends in PEM (RFC 7468).
const (
	keyBegins = "-----BEGIN "
	keyEnds   = "-----END "
)

// privateKey is what stands between the lines of the private key at i.
func privateKey(s string, i int) span {
	label := s[i+len(keyBegins):]
	end := strings.Index(label[:min(len(label), 60)], "-----")
	if end < 0 || !strings.HasSuffix(label[:end], "PRIVATE KEY") && !strings.HasSuffix(label[:end], "PRIVATE KEY BLOCK") {
		return span{}
	}
	start := i + len(keyBegins) + end + len("-----")
	stop := len(s)
	if n := strings.Index(s[start:], keyEnds); n >= 0 {
		stop = start + n
	}
	for start < stop && (s[start] == '\r' || s[start] == '\n') {
		start++
	}
	for stop > start && (s[stop-1] == '\r' || s[stop-1] == '\n') {
		stop--
	}
	if isMark(s[start:stop]) {
		return span{}
	}
	return span{start, stop}
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
	end := until(s, i, "/?# \t\r\n\"'<>")
	end = i + strings.LastIndexByte(s[i:end], '@') // there may be others in the password
	if end < i {
		return span{}
	}
	colon := strings.IndexByte(s[i:end], ':')
	if colon < 0 || isMark(s[i+colon+1:end]) {
		return span{}
	}
	return span{i + colon + 1, end}
}
