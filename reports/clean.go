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

// redactorOf is the redactor under the policy of a route.
func (r *Reports) redactorOf(route string) *redact.Redactor {
	if r.config.Redaction == nil {
		return r.redactor
	}
	return r.redactor.Under(r.config.Redaction(route))
}

// clean is a copy of a comparison without secrets. What is known for a secret
// by its name in one place of the exchange is found in the others too, also
// where it stands without the name: in an echo, in an error.
func clean(r *redact.Redactor, c *Comparison) *Comparison {
	return cleaner{Redactor: r}.clean(c)
}

// cleaner takes secrets out of comparisons: of those that were just made, or of
// stored ones, of which the bodies are unpacked and the digests keyed already.
type cleaner struct {
	*redact.Redactor
	stored bool
}

func (r cleaner) clean(c *Comparison) *Comparison {
	secrets := slices.Clone(c.Secrets)
	known := map[string]bool{}
	first := cleaner{r.Collecting(func(s string) {
		if !known[s] {
			known[s] = true
			secrets = append(secrets, s)
		}
	}), r.stored}.cleaned(c)
	if len(secrets) == 0 {
		return first
	}
	return cleaner{r.Knowing(secrets), r.stored}.cleaned(c)
}

func (r cleaner) cleaned(c *Comparison) *Comparison {
	out := *c
	out.Secrets = nil
	out.At = c.At.UTC()
	out.Request = r.request(c.Request)
	out.Legacy = r.side(c.Legacy)
	out.New = r.side(c.New)
	out.Err, out.WritesNote = r.Text(c.Err), r.Text(c.WritesNote)
	out.Differences = nil
	for _, d := range c.Differences {
		d.Legacy, d.New = r.shown(&c.Legacy, d.Path, d.Legacy), r.shown(&c.New, d.Path, d.New)
		d.Path, d.At = cleanPath(r.Redactor, d.Path), cleanPath(r.Redactor, d.At)
		out.Differences = append(out.Differences, d)
	}
	out.Forgiven = nil
	for _, f := range c.Forgiven {
		f.Legacy, f.New = r.shown(&c.Legacy, f.Path, f.Legacy), r.shown(&c.New, f.Path, f.New)
		f.Path, f.At = cleanPath(r.Redactor, f.Path), cleanPath(r.Redactor, f.At)
		out.Forgiven = append(out.Forgiven, f)
	}
	out.ByPosition = nil
	for _, path := range c.ByPosition {
		out.ByPosition = append(out.ByPosition, cleanPath(r.Redactor, path))
	}
	return &out
}

// shown is what a difference shows of one side.
func (r cleaner) shown(s *Side, path, value string) string {
	if path == "body" {
		return r.BodyValue(s.Answer.Header.Get("Content-Type"), value)
	}
	return r.Value(path, value)
}

// cleanPath is a path without secrets: names of members, tables and effects may
// be card numbers or tokens. "cookie:sid" names no value.
func cleanPath(r *redact.Redactor, path string) string {
	if strings.HasPrefix(path, "$") {
		return r.Text(path)
	}
	kind, name, some := strings.Cut(path, ":")
	if !some {
		return r.Text(path)
	}
	return kind + ":" + r.Text(name)
}

func (r cleaner) request(q Request) Request {
	q.Method, q.Host = r.Text(q.Method), r.Text(q.Host)
	q.Target = r.Target(q.Target)
	q.Body, q.BodyNote = r.body(q.Header, q.Body, q.BodyNote)
	if q.Body == nil && q.BodySize > 0 && q.BodyNote == "" {
		q.BodyNote = notKeptLarge
	}
	q.Header = r.Header(q.Header)
	return q
}

// notKeptLarge is the note on a body of which only a part was there.
const notKeptLarge = "not kept: too large"

func (r cleaner) side(s Side) Side {
	a := &s.Answer // of the copy
	s.URL = r.Target(s.URL)
	whole := int64(len(a.Body)) == a.Size
	a.Body, s.BodyNote = r.body(a.Header, a.Body, s.BodyNote)
	if !r.stored {
		if !whole {
			a.Body, s.BodyNote = nil, notKeptLarge
		}
		if a.Digest != [32]byte{} {
			a.Digest = r.Digest(a.Digest[:])
		}
	}
	a.Header, a.Trailer = r.Header(a.Header), r.Header(a.Trailer)
	a.Incomplete = r.Text(a.Incomplete)
	a.Footprint, a.Effects = cleanFootprint(r.Redactor, a.Footprint), cleanEffects(r.Redactor, a.Effects)
	kept, note := cleanWrites(r.Redactor, a.Writes)
	if a.Writes = kept; !r.stored {
		s.WritesNote = note
	}
	return s
}

// cutNote is how the note on a body begins that is not kept whole.
const cutNote = "cut to its first"

// body redacts, then cuts: a secret that a cut halves would not be known.
func (r cleaner) body(h http.Header, body []byte, note string) ([]byte, string) {
	if r.stored {
		return r.storedBody(h.Get("Content-Type"), body, note)
	}
	body, note = r.Body(h.Get("Content-Type"), strings.Join(h.Values("Content-Encoding"), ","), body)
	if len(body) <= bodyMax {
		return body, note
	}
	cut := wholeRunes(body, bodyMax)
	if note != "" {
		note += ", "
	}
	return body[:cut], note + fmt.Sprintf(cutNote+" %d bytes of %d", cut, len(body))
}

// wholeRunes is how many of the first bytes of s, at most so many, end with a
// whole character.
func wholeRunes[T string | []byte](s T, most int) int {
	cut := min(most, len(s))
	for cut < len(s) && cut > max(most-utf8.UTFMax, 0) && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return cut
}

// storedBody is a body that was redacted before, under another policy.
func (r cleaner) storedBody(contentType string, body []byte, note string) ([]byte, string) {
	if strings.Contains(note, cutNote) && strings.HasPrefix(contentType, "multipart/") {
		contentType = "text/plain" // there is no end to it
	}
	kept, why := r.Body(contentType, "", body)
	if kept == nil && why != "" {
		return nil, why
	}
	return kept, note
}
