package reports

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/redact"
)

// bodyMax is how much of each body is kept, in bytes of the decompressed and
// redacted body.
const bodyMax = 128 << 10

// clean is a copy of a comparison without secrets. What is known for a secret
// by its name in one place of the exchange is found in the others too, also
// where it stands without the name: in an echo, in an error.
func clean(r *redact.Redactor, c *Comparison) *Comparison {
	secrets := slices.Clone(c.Secrets)
	known := map[string]bool{}
	first := cleaned(r.Collecting(func(s string) {
		if !known[s] {
			known[s] = true
			secrets = append(secrets, s)
		}
	}), c)
	if len(secrets) == 0 {
		return first
	}
	return cleaned(r.Knowing(secrets), c)
}

func cleaned(r *redact.Redactor, c *Comparison) *Comparison {
	out := *c
	out.Secrets = nil
	out.At = c.At.UTC()
	out.Request = cleanRequest(r, c.Request)
	out.Legacy = cleanSide(r, c.Legacy)
	out.New = cleanSide(r, c.New)
	out.Err, out.WritesNote = r.Text(c.Err), r.Text(c.WritesNote)
	out.Differences = nil
	for _, d := range c.Differences {
		d.Legacy, d.New = cleanValue(r, &c.Legacy, d.Path, d.Legacy), cleanValue(r, &c.New, d.Path, d.New)
		d.Path, d.At = cleanPath(r, d.Path), cleanPath(r, d.At)
		out.Differences = append(out.Differences, d)
	}
	out.Forgiven = nil
	for _, f := range c.Forgiven {
		f.Legacy, f.New = cleanValue(r, &c.Legacy, f.Path, f.Legacy), cleanValue(r, &c.New, f.Path, f.New)
		f.Path, f.At = cleanPath(r, f.Path), cleanPath(r, f.At)
		out.Forgiven = append(out.Forgiven, f)
	}
	return &out
}

// cleanValue is what a difference shows of one side.
func cleanValue(r *redact.Redactor, s *Side, path, value string) string {
	if path == "body" {
		return r.BodyValue(s.Answer.Header.Get("Content-Type"), value)
	}
	return r.Value(path, value)
}

// cleanPath is a path without secrets: names of members may be card numbers or
// tokens. A path such as "cookie:sid" names no value.
func cleanPath(r *redact.Redactor, path string) string {
	if strings.HasPrefix(path, "$") {
		return r.Text(path)
	}
	return path
}

func cleanKey(r *redact.Redactor, k groupKey) groupKey {
	k.path = cleanPath(r, k.path)
	return k
}

func cleanRequest(r *redact.Redactor, q Request) Request {
	q.Target = r.Target(q.Target)
	q.Body, q.BodyNote = cleanBody(r, q.Header, q.Body)
	if q.Body == nil && q.BodySize > 0 && q.BodyNote == "" {
		q.BodyNote = "not kept: too large"
	}
	q.Header = r.Header(q.Header)
	return q
}

func cleanSide(r *redact.Redactor, s Side) Side {
	a := &s.Answer // of the copy
	s.URL = r.Target(s.URL)
	whole := int64(len(a.Body)) == a.Size
	a.Body, s.BodyNote = cleanBody(r, a.Header, a.Body)
	if !whole {
		a.Body, s.BodyNote = nil, "not kept: too large"
		if a.Digest != [32]byte{} {
			a.Digest = r.Digest(a.Digest[:])
		}
	}
	a.Header, a.Trailer = r.Header(a.Header), r.Header(a.Trailer)
	a.Incomplete = r.Text(a.Incomplete)
	a.Writes, s.WritesNote = cleanWrites(r, a.Writes)
	return s
}

// cutNote is how the note on a body begins that is not kept whole.
const cutNote = "cut to its first"

// cleanBody redacts, then cuts: a secret that a cut halves would not be known.
func cleanBody(r *redact.Redactor, h http.Header, body []byte) ([]byte, string) {
	body, note := r.Body(h.Get("Content-Type"), strings.Join(h.Values("Content-Encoding"), ","), body)
	if len(body) <= bodyMax {
		return body, note
	}
	cut := bodyMax
	for cut > bodyMax-utf8.UTFMax && !utf8.RuneStart(body[cut]) {
		cut--
	}
	if note != "" {
		note += ", "
	}
	return body[:cut], note + fmt.Sprintf(cutNote+" %d bytes of %d", cut, len(body))
}
