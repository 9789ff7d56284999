package export

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
)

// writeHurl writes an entry for Hurl (https://hurl.dev/docs/grammar.html), which
// expects the status that the side answered with.
func writeHurl(b *bufio.Writer, a ask) error {
	if a.method == "" || strings.ContainsFunc(a.method, func(c rune) bool { return c < 'A' || 'Z' < c }) {
		return errors.New("Hurl has no method " + wording.Visible(a.method) + "\n  export it --as curl, har or go")
	}
	fmt.Fprintf(b, "# %s\n%s%s %s\n", a.title(), a.comments("#"), a.method, hurlURL(a.side.URL))
	for _, f := range a.fields {
		fmt.Fprintf(b, "%s: %s\n", hurlKey(f.name), hurlValue(f.value))
	}
	b.WriteString("[Options]\npath-as-is: true\n")
	if len(a.body) > 0 {
		b.WriteString(hurlBody(a.body) + "\n")
	}
	if a.side.Answer.Status > 0 {
		fmt.Fprintf(b, "HTTP %d\n", a.side.Answer.Status)
	}
	return nil
}

// hurlURL writes what a URL of Hurl may not have percent-encoded: its grammar
// knows no escapes there.
func hurlURL(u string) string {
	var b strings.Builder
	for i := range len(u) {
		c := u[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(":/.-?=&_%*,@~+!$'();[]", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// hurlKey escapes what a name may have in HTTP and not there.
func hurlKey(name string) string {
	var b strings.Builder
	for i, c := range name {
		switch {
		case c == '[' && i == 0: // would begin a section
			b.WriteString(`\u{5b}`)
		case unicode.IsLetter(c), unicode.IsDigit(c), strings.ContainsRune("_-.[]@$", c):
			b.WriteRune(c)
		default:
			fmt.Fprintf(&b, `\u{%x}`, c)
		}
	}
	return b.String()
}

// hurlValue escapes comments, variables, and white space at the ends.
func hurlValue(value string) string {
	var b strings.Builder
	inner := strings.Trim(value, " ")
	begin := strings.Index(value, inner)
	for i, c := range value {
		switch {
		case c == ' ' && i >= begin && i < begin+len(inner):
			b.WriteByte(' ')
		case c == '#', c == '\\':
			b.WriteString(`\` + string(c))
		case c == '{', c == ' ', unicode.IsControl(c):
			fmt.Fprintf(&b, `\u{%x}`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// hurlBody is a body as text between fences where nothing in it has a meaning,
// else in base64.
func hurlBody(body []byte) string {
	text := string(body)
	if !utf8.Valid(body) || !harmless(text) || strings.Contains(text, "{{") || strings.Contains(text, "```") || strings.HasSuffix(text, "`") {
		return "base64," + base64.StdEncoding.EncodeToString(body) + ";"
	}
	return "```\n" + text + "```"
}
