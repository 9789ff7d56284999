package wire

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// message is what a request or an answer says, whatever its framing.
type message struct {
	first   string // request line; of an answer the status
	fields  map[string][]string
	length  string // Content-Length; "" is none
	body    string
	trailer map[string][]string
}

// hops are the fields of one connection, and the framing. Trailer only
// announces what the trailer says.
var hops = []string{"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "x-hop"}

// additions are the fields that Quack adds to requests.
var additions = []string{"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "via", "quack-request-id"}

// fieldsOf takes the lines of a head apart, byte for byte but for the white
// space around values, which says nothing (RFC 9112 section 5). Names are in
// lower case, which says nothing either; values of one name keep their order.
func fieldsOf(head string, without ...string) map[string][]string {
	fields := map[string][]string{}
	for line := range strings.SplitSeq(strings.TrimSuffix(head, "\r\n"), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if name = strings.ToLower(name); line != "" && !slices.Contains(without, name) {
			fields[name] = append(fields[name], strings.Trim(value, " \t"))
		}
	}
	return fields
}

// requestOf is what a request that arrived says.
func requestOf(a arrived) message {
	head, rest, _ := strings.Cut(a.raw, "\r\n\r\n")
	first, lines, _ := strings.Cut(head, "\r\n")
	all := fieldsOf(lines)
	m := message{first: first, fields: fieldsOf(lines, slices.Concat(hops, additions)...), body: a.body, trailer: map[string][]string{}}
	m.length = strings.Join(all["content-length"], ", ")
	if _, ok := all["transfer-encoding"]; ok {
		last := strings.LastIndex("\r\n"+rest, "\r\n0\r\n")
		m.trailer = fieldsOf(("\r\n" + rest)[last+5:])
	}
	return m
}

// answers reads the answers on a connection.
type answers struct{ r *bufio.Reader }

// next reads an answer. net/http's reader is trusted with the framing of the
// body; the head is taken as it came.
func (a *answers) next(method string) (interim []message, final message, err error) {
	for {
		head, err := readHead(a.r)
		if err != nil {
			return interim, final, fmt.Errorf("read the head of an answer: %w", err)
		}
		first, lines, _ := strings.Cut(head, "\r\n")
		m := message{first: statusOf(first), fields: fieldsOf(lines, hops...), trailer: map[string][]string{}}
		if strings.HasPrefix(m.first, "1") {
			interim = append(interim, m)
			continue
		}
		m.length = strings.Join(fieldsOf(lines)["content-length"], ", ")
		a.r = bufio.NewReader(io.MultiReader(strings.NewReader(head), a.r))
		res, err := http.ReadResponse(a.r, &http.Request{Method: method})
		if err != nil {
			return interim, m, err
		}
		body, err := io.ReadAll(res.Body)
		m.body = string(body)
		for name, values := range res.Trailer {
			m.trailer[strings.ToLower(name)] = values
		}
		return interim, m, err
	}
}

func statusOf(line string) string {
	_, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	return code
}

// Generators of what messages are made of. Everything is by the grammar.

func bytesOf(alphabet string, least, most int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		picked := rapid.SliceOfN(rapid.IntRange(0, len(alphabet)-1), least, most).Draw(t, "bytes")
		out := make([]byte, len(picked))
		for i, n := range picked {
			out[i] = alphabet[n]
		}
		return string(out)
	})
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	pchars  = letters + "0123456789-._~!$&'()*+,;=:@/"
)

// valueBytes are those that a value may hold: visible ones, those from 0x80 on,
// spaces and tabs.
var valueBytes = func() string {
	b := []byte{' ', ' ', '\t'}
	for c := 0x21; c <= 0xff; c++ {
		if c != 0x7f {
			b = append(b, byte(c))
		}
	}
	return string(b)
}()

// drawTarget draws a target in origin form. In a query percent signs need not
// be followed by anything.
func drawTarget(t *rapid.T) string {
	piece := rapid.OneOf(bytesOf(pchars, 1, 10), rapid.SampledFrom([]string{"%2F", "%2f", "%00", "%25", "%E2%82%AC", "//", "/../", "/./", ";"}))
	target := "/" + strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "path"), "")
	if rapid.Bool().Draw(t, "asks") {
		target += "?" + bytesOf(pchars+"?%", 0, 60).Draw(t, "query")
	}
	return target
}

// drawFields draws fields that go from end to end.
func drawFields(t *rapid.T) []string {
	names := rapid.SampledFrom([]string{
		"X-A", "x-a", "X-a", "X-B", "x-cC", "Cookie", "cookie", "Accept", "accept-language", "User-Agent", "Content-Type", "Authorization",
		"Cache-Control", "ETag", "X-!#$%&'*+.^`|~1", "traceparent", "Accept-Encoding", "Server", "Set-Cookie", "Vary", "Link", "Age", "Priority", "DNT", "WWW-Authenticate",
	})
	var lines []string
	for range rapid.IntRange(0, 12).Draw(t, "fields") {
		value := bytesOf(valueBytes, 0, 30).Draw(t, "value")
		if rapid.IntRange(0, 20).Draw(t, "long") == 0 {
			value = strings.Repeat("long ", 1000) + "x"
		}
		lines = append(lines, names.Draw(t, "name")+rapid.SampledFrom([]string{": ", ":", ":  ", ":\t"}).Draw(t, "colon")+strings.Trim(value, " \t"))
	}
	return lines
}

// drawBody draws a body with what frames it. coded says that chunks may.
func drawBody(t *rapid.T, coded bool) (field, body string) {
	kind := rapid.SampledFrom([]string{"none", "length", "chunks", "large"}).Draw(t, "body")
	if !coded && kind == "chunks" {
		kind = "length"
	}
	switch kind {
	case "length", "large":
		body = bytesOf(valueBytes+"\r\n\x00", 0, 300).Draw(t, "bytes")
		if kind == "large" {
			body = strings.Repeat("0123456789abcdef", rapid.IntRange(100, 8000).Draw(t, "times")) + body
		}
		return fmt.Sprintf("Content-Length: %d", len(body)), body
	case "chunks":
		var b strings.Builder
		for range rapid.IntRange(0, 6).Draw(t, "chunks") {
			piece := bytesOf(valueBytes+"\r\n\x00", 1, 100).Draw(t, "chunk")
			fmt.Fprintf(&b, "%s%s\r\n%s\r\n", rapid.SampledFrom([]string{fmt.Sprintf("%x", len(piece)), fmt.Sprintf("%X", len(piece)), fmt.Sprintf("00%x", len(piece))}).Draw(t, "size"),
				rapid.SampledFrom([]string{"", "", ";a", ";a=b"}).Draw(t, "extension"), piece)
		}
		b.WriteString("0\r\n")
		for _, line := range rapid.SliceOfN(rapid.SampledFrom([]string{"X-Sum: 7", "x-sum: 8", "X-Other:", "X-Obs: \xe9"}), 0, 3).Draw(t, "trailer") {
			b.WriteString(line + "\r\n")
		}
		b.WriteString("\r\n")
		return "Transfer-Encoding: chunked", b.String()
	}
	return "", ""
}
