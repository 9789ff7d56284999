package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

func indexByte(b []byte, c byte) int { return bytes.IndexByte(b, c) }

// endOfHead finds the end of a head: the first empty line, as an offset behind
// it. When it has not come yet, the offset is where to look next time; b[:from]
// has been looked through.
func endOfHead(b []byte, from int) (int, bool) {
	for {
		n := bytes.IndexByte(b[from:], '\n')
		if n < 0 {
			return from, false
		}
		if n == 0 || n == 1 && b[from] == '\r' {
			return from + n + 1, true
		}
		from += n + 1
	}
}

// span is one field line of a head, as offsets.
type span struct{ name, colon, value, end int }

// parseAnswer parses the head of an answer (RFC 9112 sections 4 and 5) into
// res: status, protocol and header. It writes to head, and keeps none of it. A
// line may end with a line feed alone (section 2.2); everything else that the
// grammar does not know is an error, folded lines (section 5.2) among it.
func parseAnswer(head []byte, res *http.Response) error {
	line, rest, _ := bytes.Cut(head, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if err := checkStatusLine(line); err != nil {
		return err
	}
	var few [32]span
	spans, err := parseFields(head, len(head)-len(rest), few[:0], false)
	if err != nil {
		return err
	}
	all := string(head) // the one allocation for all names and values
	res.ProtoMajor, res.ProtoMinor, res.Proto = 1, int(line[7]-'0'), all[:8]
	res.StatusCode, _ = strconv.Atoi(all[9:12]) // checked to be digits
	res.Status = all[9:len(line)]
	res.Header = makeHeader(all, spans)
	return nil
}

// checkStatusLine accepts "HTTP/1.x 200 Reason", the reason and the space
// before it optional, as net/http does.
func checkStatusLine(line []byte) error {
	ok := len(line) >= 12 && string(line[:7]) == "HTTP/1." && isDigit(line[7]) && line[8] == ' ' &&
		isDigit(line[9]) && isDigit(line[10]) && isDigit(line[11]) &&
		(len(line) == 12 || line[12] == ' ')
	if ok {
		for _, c := range line[12:] {
			ok = ok && isText(c)
		}
	}
	if !ok {
		return fmt.Errorf("malformed status line %q", short(line))
	}
	return nil
}

// parseFields checks the field lines of b[from:], up to the empty line that
// ends b, and puts their names into canonical form in place. crlf is that lines
// must end with both.
func parseFields(b []byte, from int, spans []span, crlf bool) ([]span, error) {
	for from < len(b) {
		n := bytes.IndexByte(b[from:], '\n')
		if n < 0 {
			return nil, errors.New("a head that does not end")
		}
		end := from + n
		if end > from && b[end-1] == '\r' {
			end--
		} else if crlf {
			return nil, errors.New("a line that ends with a line feed alone")
		}
		if end == from {
			return spans, nil
		}
		s, ok := parseField(b, from, end)
		if !ok {
			return nil, fmt.Errorf("malformed field line %q", short(b[from:end]))
		}
		spans = append(spans, s)
		from += n + 1
	}
	return spans, nil
}

func parseField(b []byte, from, end int) (span, bool) {
	s := span{name: from}
	upper := true
	at := from
	for ; at < end && b[at] != ':'; at++ {
		c := b[at]
		if !isToken(c) {
			return s, false // a folded line is caught here too
		}
		switch {
		case upper && 'a' <= c && c <= 'z':
			b[at] = c - ('a' - 'A')
		case !upper && 'A' <= c && c <= 'Z':
			b[at] = c + ('a' - 'A')
		}
		upper = c == '-'
	}
	if at == from || at == end {
		return s, false
	}
	s.colon = at
	at++
	for at < end && (b[at] == ' ' || b[at] == '\t') {
		at++
	}
	for end > at && (b[end-1] == ' ' || b[end-1] == '\t') {
		end--
	}
	s.value, s.end = at, end
	for _, c := range b[at:end] {
		if !isText(c) {
			return s, false
		}
	}
	return s, true
}

// makeHeader is the header of spans, cut out of all.
func makeHeader(all string, spans []span) http.Header {
	h := make(http.Header, len(spans))
	values := make([]string, len(spans))
	for n, s := range spans {
		name, value := all[s.name:s.colon], all[s.value:s.end]
		if before, ok := h[name]; ok {
			h[name] = append(before, value)
			continue
		}
		values[n] = value
		h[name] = values[n : n+1 : n+1] // an append does not run into the next
	}
	return h
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isText reports whether a field value may have c (RFC 9110 section 5.5).
func isText(c byte) bool { return c >= ' ' && c != 0x7f || c == '\t' }

// tokens are the bytes of a token (RFC 9110 section 5.6.2).
var tokens = func() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = true
	}
	return t
}()

func isToken(c byte) bool { return tokens[c] }

func validToken(s string) bool {
	for i := range len(s) {
		if !isToken(s[i]) {
			return false
		}
	}
	return s != ""
}

func validValue(s string) bool {
	for i := range len(s) {
		if !isText(s[i]) {
			return false
		}
	}
	return true
}

// short is the beginning of a line, for an error.
func short(line []byte) []byte { return line[:min(len(line), 80)] }

// listed reports whether one of the comma-separated lists has the token, in any
// case.
func listed(lines []string, token string) bool {
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(item), token) {
				return true
			}
		}
	}
	return false
}
