package wording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Steers reports whether a terminal acts upon a character instead of showing it,
// or writes what follows the other way round. Those are the controls of C1 as
// well: U+009B begins the same sequences as ESC [ does.
func Steers(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) }

// URL is a URL with what steers a terminal percent-encoded, and bytes that
// are no UTF-8: clients may send them as they are. It asks for the same
// (RFC 3986 section 2.1).
func URL(u string) string {
	var b strings.Builder
	for i := 0; i < len(u); {
		c, size := utf8.DecodeRuneInString(u[i:])
		if (!Steers(c) || c == '\t') && (c != utf8.RuneError || size > 1) {
			b.WriteString(u[i : i+size])
		} else {
			for _, octet := range []byte(u[i : i+size]) {
				fmt.Fprintf(&b, "%%%02X", octet)
			}
		}
		i += size
	}
	return b.String()
}

// JSON writes v as indented JSON that a terminal can show: what steers one
// is escaped, which encoding/json does below U+0020 alone. It means the same.
func JSON(w io.Writer, v any) error { return encodeJSON(w, v, false) }

// JSONInHTML is JSON in which what HTML takes for its own is escaped as well.
func JSONInHTML(w io.Writer, v any) error { return encodeJSON(w, v, true) }

func encodeJSON(w io.Writer, v any, escapeHTML bool) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(escapeHTML)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(shownJSON(b.Bytes()))
	return err
}

// shownJSON escapes what steers a terminal. Nothing of that stands in JSON outside
// of strings, but for line breaks.
func shownJSON(text []byte) []byte {
	hidden := func(c rune) bool { return Steers(c) && c != '\n' }
	if bytes.IndexFunc(text, hidden) < 0 {
		return text
	}
	shown := make([]byte, 0, len(text)+64)
	for _, c := range string(text) {
		if !hidden(c) {
			shown = utf8.AppendRune(shown, c)
			continue
		}
		for _, unit := range utf16.Encode([]rune{c}) {
			shown = fmt.Appendf(shown, `\u%04x`, unit)
		}
	}
	return shown
}
