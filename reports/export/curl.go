package export

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// Curl is a command for a POSIX shell that asks one side of a comparison (its
// Legacy or New) the request again. Comment lines before it say what has to be
// filled in, since secrets are not kept, and that an unsafe request writes:
// what Quack sent as a shadow was rolled back. "" when the side was not asked.
func Curl(c *reports.Comparison, side *reports.Side) string {
	if side.URL == "" {
		return ""
	}
	return askOf(c, "", side).curl()
}

func writeCurl(b *bufio.Writer, a ask) error {
	fmt.Fprintf(b, "# %s\n%s\n", a.title(), a.curl())
	return nil
}

func (a ask) curl() string {
	var b strings.Builder
	b.WriteString(a.comments("#"))
	body := a.body
	args := []string{"curl --include --globoff --path-as-is" + curlMethod(a.method, len(body) > 0)}
	args = append(args, a.curlHeaders()...)
	switch {
	case len(body) == 0:
	case literalBody(body):
		args = append(args, "--data-binary "+shellQuote(string(body)))
	default:
		args = append(args, "--data-binary @-")
		b.WriteString("printf " + printfQuote(body) + " |\n")
	}
	args = append(args, shellQuote(wording.URL(a.side.URL)))
	b.WriteString(strings.Join(args, " \\\n  "))
	return b.String()
}

// curlMethod leaves out what curl does by itself: -X GET would also be used
// after a redirect, and -X HEAD waits for a body.
func curlMethod(method string, hasBody bool) string {
	switch {
	case method == http.MethodHead:
		return " --head"
	case method == http.MethodGet && !hasBody, method == http.MethodPost && hasBody:
		return ""
	}
	return " --request " + shellQuote(method)
}

// curlHeaders are the fields of the request, and those that curl would add.
func (a ask) curlHeaders() []string {
	var args []string
	add := func(field string) { args = append(args, "--header "+shellQuote(field)) }
	for _, f := range a.fields {
		if f.value == "" {
			add(f.name + ";") // "name:" would take the field out
			continue
		}
		add(f.name + ": " + f.value)
	}
	for _, name := range []string{"User-Agent", "Accept"} {
		if !a.has(name) {
			add(name + ":")
		}
	}
	if len(a.body) > 0 && !a.has("Content-Type") {
		add("Content-Type:")
	}
	if a.has("Accept-Encoding") {
		args = append(args, "--compressed")
	}
	return args
}

// literalMax is what goes into one argument; Linux allows 128 KiB.
const literalMax = 64 << 10

// literalBody reports whether a body can be written as an argument: text without
// control characters, that curl does not take for the name of a file.
func literalBody(b []byte) bool {
	return len(b) <= literalMax && utf8.Valid(b) && b[0] != '@' && harmless(string(b))
}

// harmless reports whether a terminal can show s without acting on it.
func harmless(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return wording.Steers(c) && c != '\n' && c != '\t' }) < 0
}

// shellQuote quotes s for a POSIX shell: in single quotes nothing but the
// single quote means anything (POSIX.1-2017 XCU 2.2.2).
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// printfQuote is a format for the shell's printf that writes b: a builtin,
// which has no limit of its arguments' length.
func printfQuote(b []byte) string {
	var f strings.Builder
	f.WriteByte('\'')
	for i, c := range b {
		switch {
		case i == 0 && c == '-': // no option
			f.WriteString(`\055`)
		case c == '%':
			f.WriteString("%%")
		case c == '\\':
			f.WriteString(`\\`)
		case c == '\'':
			f.WriteString(`\047`)
		case c == '\n' || ' ' <= c && c < 0x7f:
			f.WriteByte(c)
		default:
			fmt.Fprintf(&f, `\%03o`, c)
		}
	}
	f.WriteByte('\'')
	return f.String()
}
