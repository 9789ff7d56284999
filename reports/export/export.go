// Package export writes what a comparison asked its sides in the forms of other
// tools, so that it can be asked again: see [Write].
package export

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/quackproxy/quack/internal/redact"
	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// Format is how the requests of a comparison are written for others.
type Format string

// The formats.
const (
	AsCurl Format = "curl" // commands for a POSIX shell
	AsHTTP Format = "http" // an .http file, as editors and their REST clients read it
	AsHurl Format = "hurl" // a file for Hurl, which expects the statuses that were seen
	AsHAR  Format = "har"  // an HTTP archive 1.2, with the answers
	AsGo   Format = "go"   // a program
)

// Write writes what a comparison asked its sides, so that it can be asked
// again with other tools. side is "legacy", "new", or "" for each that was
// asked. What stands for a secret has to be filled in, as a comment says.
func Write(w io.Writer, c *reports.Comparison, as Format, side string) error {
	asks, err := asksOf(c, side)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	switch as {
	case AsCurl:
		err = eachAsk(b, asks, writeCurl)
	case AsHTTP:
		err = eachAsk(b, asks, writeHTTP)
	case AsHurl:
		err = eachAsk(b, asks, writeHurl)
	case AsHAR:
		err = writeHAR(b, c, asks)
	case AsGo:
		err = writeGo(b, c, asks)
	default:
		err = fmt.Errorf("%q is no format to export to: curl, http, hurl, har or go", as)
	}
	if err != nil {
		return err
	}
	return b.Flush()
}

// ask is one request of a comparison, as one side was asked it.
type ask struct {
	name   string // "legacy" or "new"
	side   *reports.Side
	notes  []string // each of one line
	method string
	fields []field
	body   []byte
}

// field is a field of a header; both are of one line.
type field struct{ name, value string }

func asksOf(c *reports.Comparison, side string) ([]ask, error) {
	if side != "" && side != "legacy" && side != "new" {
		return nil, fmt.Errorf("%q is no side: legacy or new", side)
	}
	var asks []ask
	for _, s := range []struct {
		name string
		*reports.Side
	}{{"legacy", &c.Legacy}, {"new", &c.New}} {
		if side != "" && side != s.name || s.URL == "" {
			continue
		}
		asks = append(asks, askOf(c, s.name, s.Side))
	}
	if asks == nil {
		which := "either side"
		if side != "" {
			which = side
		}
		return nil, errors.New("what " + which + " was asked is not known\n  quack diff " + wording.Visible(c.ID) + " shows what is")
	}
	return asks, nil
}

func askOf(c *reports.Comparison, name string, side *reports.Side) ask {
	a := ask{name: name, side: side, notes: askNotes(c, side), method: c.Request.Method, fields: askFields(c, side), body: c.Request.Body}
	for i, note := range a.notes {
		a.notes[i] = wording.Visible(note)
	}
	return a
}

// has reports whether a field of this name is to be sent.
func (a ask) has(name string) bool {
	return slices.ContainsFunc(a.fields, func(f field) bool { return f.name == name })
}

// title is "legacy: monolith".
func (a ask) title() string {
	if a.side.Backend == "" {
		return a.name
	}
	return a.name + ": " + wording.Visible(a.side.Backend)
}

// split is the URL as scheme and host, and as the target that was sent.
func (a ask) split() (base, target string) {
	scheme, rest, _ := strings.Cut(a.side.URL, "://")
	at := strings.IndexAny(rest, "/?")
	if at < 0 {
		return a.side.URL, "/"
	}
	base, target = scheme+"://"+rest[:at], rest[at:]
	if target[0] == '?' {
		target = "/" + target
	}
	return base, target
}

// eachAsk writes requests one after the other, with an empty line between.
func eachAsk(b *bufio.Writer, asks []ask, write func(*bufio.Writer, ask) error) error {
	for i, a := range asks {
		if i > 0 {
			b.WriteByte('\n')
		}
		if err := write(b, a); err != nil {
			return err
		}
	}
	return nil
}

// comments are the notes as lines that begin with a mark.
func (a ask) comments(mark string) string {
	var b strings.Builder
	for _, note := range a.notes {
		b.WriteString(mark + " " + note + "\n")
	}
	return b.String()
}

// askNotes say what has to be filled in, since secrets are not kept, and that
// an unsafe request writes: what Quack sent as a shadow was rolled back.
func askNotes(c *reports.Comparison, side *reports.Side) []string {
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

// askFields are the fields that are to be named: not those that a client makes
// itself, nor those that only have a meaning between Quack and a backend. What
// HTTP allows in no field is spelled out.
func askFields(c *reports.Comparison, side *reports.Side) []field {
	var fields []field
	add := func(name, value string) {
		if text := name + value; !harmless(text) || strings.Contains(text, "\n") {
			name, value = wording.Visible(name), wording.Visible(value)
		}
		fields = append(fields, field{name, value})
	}
	if u, err := url.Parse(side.URL); c.Request.Host != "" && (err != nil || u.Host != c.Request.Host) {
		add("Host", c.Request.Host)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Request.Header)) {
		if !clientSends(c, name) {
			continue
		}
		for _, value := range c.Request.Header[name] {
			add(name, value)
		}
	}
	return fields
}

func clientSends(c *reports.Comparison, name string) bool {
	switch name {
	case "Content-Length", "Connection", "Transfer-Encoding", "Expect", "Host":
		return false
	case "Content-Encoding": // the body is kept decompressed
		return c.Request.BodyNote == ""
	}
	return !strings.HasPrefix(name, "Quack-")
}
