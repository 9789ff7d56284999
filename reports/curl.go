package reports

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/redact"
)

// Curl is a command for a POSIX shell that asks one side of a comparison (its
// Legacy or New) the request again. Comment lines before it say what has to be
// filled in, since secrets are not kept, and that an unsafe request writes:
// what Quack sent as a shadow was rolled back. "" when the side was not asked.
func Curl(c *Comparison, side *Side) string {
	if side.URL == "" {
		return ""
	}
	var b strings.Builder
	for _, note := range curlNotes(c, side) {
		b.WriteString("# " + visible(note) + "\n")
	}
	body := c.Request.Body
	args := []string{"curl --include --globoff --path-as-is"}
	args[0] += curlMethod(c.Request.Method, len(body) > 0)
	args = append(args, curlHeaders(c, side)...)
	switch {
	case len(body) == 0:
	case literalBody(body):
		args = append(args, "--data-binary "+shellQuote(string(body)))
	default:
		args = append(args, "--data-binary @-")
		b.WriteString("printf " + printfQuote(body) + " |\n")
	}
	args = append(args, shellQuote(side.URL))
	b.WriteString(strings.Join(args, " \\\n  "))
	return b.String()
}

func curlNotes(c *Comparison, side *Side) []string {
	var notes, fill []string
	for _, name := range slices.Sorted(maps.Keys(c.Request.Header)) {
		if slices.ContainsFunc(c.Request.Header[name], redact.IsRedacted) {
			fill = append(fill, "header "+name)
		}
	}
	if redact.IsRedacted(decoded(side.URL)) {
		fill = append(fill, "the URL")
	}
	if redact.IsRedacted(decoded(string(c.Request.Body))) {
		fill = append(fill, "the body")
	}
	if len(fill) > 0 {
		notes = append(notes, "fill in what is [redacted:…] in "+strings.Join(fill, ", "))
	}
	if c.Request.BodyNote != "" {
		notes = append(notes, fmt.Sprintf("the body of %d bytes: %s", c.Request.BodySize, c.Request.BodyNote))
	}
	switch c.Request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
	default:
		notes = append(notes, "this "+c.Request.Method+" is not rolled back: it writes")
	}
	return notes
}

func decoded(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
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
func curlHeaders(c *Comparison, side *Side) []string {
	var args []string
	add := func(field string) {
		if !harmless(field) || strings.Contains(field, "\n") {
			field = visible(field) // was no field that HTTP allows
		}
		args = append(args, "--header "+shellQuote(field))
	}
	if u, err := url.Parse(side.URL); c.Request.Host != "" && (err != nil || u.Host != c.Request.Host) {
		add("Host: " + c.Request.Host)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Request.Header)) {
		if !curlSends(c, name) {
			continue
		}
		for _, value := range c.Request.Header[name] {
			if value == "" {
				add(name + ";") // "name:" would take the field out
				continue
			}
			add(name + ": " + value)
		}
	}
	for _, name := range []string{"User-Agent", "Accept"} {
		if len(c.Request.Header[name]) == 0 {
			add(name + ":")
		}
	}
	if len(c.Request.Body) > 0 && len(c.Request.Header["Content-Type"]) == 0 {
		add("Content-Type:")
	}
	if len(c.Request.Header["Accept-Encoding"]) > 0 {
		args = append(args, "--compressed")
	}
	return args
}

// curlSends reports whether a field is to be named: not those that curl makes
// itself, nor those that only have a meaning between Quack and a backend.
func curlSends(c *Comparison, name string) bool {
	switch name {
	case "Content-Length", "Connection", "Transfer-Encoding", "Expect", "Host":
		return false
	case "Content-Encoding": // the body is kept decompressed
		return c.Request.BodyNote == ""
	}
	return !strings.HasPrefix(name, "Quack-")
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
	return strings.IndexFunc(s, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }) < 0
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
