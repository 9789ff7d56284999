package export

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
)

// writeHTTP writes a request of an .http file: as RFC 9112 has it, with the whole
// URL in the first line, behind a line that begins with "###". Lengths are the
// client's to count.
func writeHTTP(b *bufio.Writer, a ask) error {
	if why := notForHTTP(a); why != "" {
		return errors.New("an .http file can not hold this request: " + why + "\n  export it --as curl, hurl, har or go")
	}
	fmt.Fprintf(b, "### %s\n%s%s %s HTTP/1.1\n", a.title(), a.comments("#"), a.method, wording.URL(a.side.URL))
	for _, f := range a.fields {
		fmt.Fprintf(b, "%s: %s\n", f.name, f.value)
	}
	b.WriteByte('\n')
	if len(a.body) > 0 {
		b.Write(a.body)
		b.WriteByte('\n')
	}
	return nil
}

// notForHTTP says why a request can not stand in an .http file, "" when it can.
// The format knows no way to quote what has a meaning in it.
func notForHTTP(a ask) string {
	if strings.ContainsFunc(a.method+a.side.URL, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return "its first line is none that HTTP allows"
	}
	head := a.side.URL
	for _, f := range a.fields {
		head += f.value
	}
	switch body := a.body; {
	case strings.Contains(head, "{{") || bytes.Contains(body, []byte("{{")):
		return `"{{" begins a variable there`
	case !utf8.Valid(body) || !harmless(string(body)):
		return "its body is not plain text"
	case len(body) > 0 && len(bytes.TrimSpace(body)) != len(body):
		return "its body begins or ends with white space, which clients leave out"
	}
	for line := range bytes.Lines(a.body) {
		for _, mark := range []string{"#", "//", "< ", "<@", "<>", "<{", "> ", ">>", ">{", "??"} {
			if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte(mark)) {
				return "a line of its body begins with " + mark + ", which has a meaning there"
			}
		}
	}
	return ""
}
