package redact

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// JSON is a JSON text, or several in a row, or the beginning of one: what is
// not valid is treated as best it can be. Of valid JSON, everything but the
// secrets stays as it was written, order, blanks and duplicate members
// included. A secret becomes a string; under a secret's name every string and
// number does, however deep, while null, true, false and "" stay.
func (r *Redactor) JSON(s string) string { return r.json(s, false) }

// json is JSON in which, when all is set, everything is secret.
func (r *Redactor) json(s string, all bool) string {
	j := scanner{r: r, s: s, all: all, paired: r.paired(s)}
	j.out.Grow(len(s))
	for j.i < len(s) {
		j.token()
	}
	if !json.Valid([]byte(s)) {
		return r.Text(j.out.String())
	}
	return j.out.String()
}

// scanner is one pass over a JSON text. It keeps no more than what it needs to
// know whether a value stands under a secret's name.
type scanner struct {
	r      *Redactor
	s      string
	i      int
	out    strings.Builder
	all    bool
	paired map[int]bool
	pairs  []byte // per open bracket: itself when it is one of paired, else 0
	within []bool // per open bracket: everything in it is secret
	next   bool   // the next value is secret by its name
}

func (j *scanner) secret() bool {
	return j.all || j.next || len(j.within) > 0 && j.within[len(j.within)-1]
}

// pair is the innermost bracket when it is one of paired, else 0.
func (j *scanner) pair() byte {
	if len(j.pairs) == 0 {
		return 0
	}
	return j.pairs[len(j.pairs)-1]
}

func (j *scanner) token() {
	c := j.s[j.i]
	if c == '[' && markAt(j.s[j.i:]) { // where something is no JSON
		j.out.WriteString(j.s[j.i : j.i+markLen])
		j.i += markLen
		j.next = false
		return
	}
	switch c {
	case '{', '[':
		j.within = append(j.within, j.secret())
		if j.pairs = append(j.pairs, 0); j.paired[j.i] {
			j.pairs[len(j.pairs)-1] = c
		}
		j.next = false
	case '}', ']':
		if len(j.within) > 0 {
			j.within, j.pairs = j.within[:len(j.within)-1], j.pairs[:len(j.pairs)-1]
		}
		j.next = false
	case ',':
		// Of a pair in a list of pairs the second is secret.
		j.next = j.pair() == '['
	case ' ', '\t', '\r', '\n', ':':
	case '"':
		j.string()
		return
	default:
		j.word()
		return
	}
	j.out.WriteByte(c)
	j.i++
}

// string is a member's name or a string value.
func (j *scanner) string() {
	raw := j.s[j.i:]
	end, whole := stringEnd(raw)
	raw = raw[:end]
	j.i += end
	plain := unquoted(raw, whole)
	if j.named() {
		j.next = j.r.secretName(plain) || j.pair() == '{' && pairValues[fold(plain)]
		j.write(raw, plain, j.r.Text(plain), whole)
		return
	}
	clean := ""
	if j.secret() {
		clean = j.r.secret(plain)
	} else {
		clean = j.r.textOrJSON(plain)
	}
	j.next = false
	j.write(raw, plain, clean, whole)
}

// named reports whether what was just read is the name of a member.
func (j *scanner) named() bool { return beforeColon(j.s, j.i) }

func (j *scanner) write(raw, plain, clean string, whole bool) {
	if clean == plain {
		j.out.WriteString(raw)
		return
	}
	quoted := quote(clean)
	if !whole {
		quoted = strings.TrimSuffix(quoted, `"`)
	}
	j.out.WriteString(quoted)
}

// word is a number, a literal, or something that is no JSON.
func (j *scanner) word() {
	end := until(j.s, j.i, " \t\r\n,:{}[]\"")
	if end == j.i {
		end++
	}
	w := j.s[j.i:end]
	j.i = end
	if j.named() {
		j.next = j.r.secretName(strings.Trim(w, "'"))
		j.out.WriteString(w)
		return
	}
	clean := w
	switch {
	case w == "null" || w == "true" || w == "false":
	case j.secret():
		clean = j.r.secret(w)
	default:
		clean = j.r.number(w)
	}
	j.next = false
	if clean != w {
		clean = quote(clean)
	}
	j.out.WriteString(clean)
}

// number is a number that may be a card's. Known secrets are not looked for in
// numbers: "1234567" may well be another thing.
func (r *Redactor) number(w string) string {
	whole, fraction, _ := strings.Cut(w, ".")
	if n := cardAt(whole); n == len(whole) && n > 0 && strings.Trim(fraction, "0") == "" {
		return r.Fingerprint(whole)
	}
	if r.policy != nil && r.patterned(w) != w {
		return r.secret(w)
	}
	return w
}

// stringEnd is the length of the string literal that s begins with, and
// whether it has an end.
func stringEnd(s string) (int, bool) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		}
	}
	return len(s), false
}

// unquoted is what a string literal stands for.
func unquoted(raw string, whole bool) string {
	inner := raw[1:]
	if whole {
		inner = inner[:len(inner)-1]
	}
	if strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var plain string
	if err := json.Unmarshal([]byte(`"`+inner+`"`), &plain); err == nil {
		return plain
	}
	return inner
}

// quote writes a string literal without the escapes for HTML that
// encoding/json adds.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(strings.ToValidUTF8(s, string(utf8.RuneError))) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// nestedMax is how many documents within strings of documents are taken apart.
const nestedMax = 3

// textOrJSON is text that may be JSON, as in a string that holds a document. Bytes
// as PostgreSQL writes them can not be looked into.
func (r *Redactor) textOrJSON(s string) string {
	if strings.HasPrefix(s, `\x`) && len(s) >= 10 && strings.Trim(s[2:], "0123456789abcdef") == "" {
		return r.Fingerprint(s)
	}
	if !looksLikeJSON(s) || r.depth == nestedMax {
		return r.Text(s)
	}
	nested := *r
	nested.depth++
	return nested.JSON(s)
}

func looksLikeJSON(s string) bool {
	s = strings.TrimLeft(s, " \t\r\n\ufeff\x1e")
	return s != "" && (s[0] == '{' || s[0] == '[' && !markAt(s))
}
