package reports

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/compare"
)

// Why the evidence does not tell what a comparison would have been.
const (
	notKept    = "a body was cut or not kept"
	notAllRows = "the rows that were written were cut"
	notAlike   = "what differed does not come out again of what was kept"
	notDecided = "it could not be compared"
)

// again makes the exchanges of a stored comparison fit to be compared once
// more, or says why they are not. Redaction has left the bodies decompressed
// and of another size than their header says.
func again(c *Comparison) (legacy, new compare.Exchange, why string) {
	legacy, new = c.Legacy.Answer, c.New.Answer
	switch {
	case c.Verdict == Error:
		return legacy, new, notDecided
	case !keptWhole(&c.Legacy) || !keptWhole(&c.New):
		return legacy, new, notKept
	case strings.Contains(c.Legacy.WritesNote+c.New.WritesNote, cutNote):
		return legacy, new, notAllRows
	}
	unpacked := strings.Contains(c.Legacy.BodyNote+c.New.BodyNote, "decompressed")
	if unpacked && !slices.Equal(legacy.Header.Values("Content-Encoding"), new.Header.Values("Content-Encoding")) {
		return legacy, new, notAlike
	}
	restore(&legacy, unpacked)
	restore(&new, unpacked)
	request := &compare.Request{Method: c.Request.Method, Target: c.Request.Target, Header: c.Request.Header, Body: c.Request.Body}
	legacy.Request, new.Request = request, request
	return legacy, new, ""
}

// keptWhole reports whether all of an answer's body is in the evidence.
func keptWhole(s *Side) bool {
	return s.Answer.Size == 0 || s.Answer.Body != nil && !strings.Contains(s.BodyNote, cutNote)
}

func restore(e *compare.Exchange, unpacked bool) {
	size := int64(len(e.Body))
	h := maps.Clone(e.Header)
	if h == nil {
		h = http.Header{}
	}
	if unpacked {
		delete(h, "Content-Encoding")
	}
	if h.Get("Content-Length") == strconv.FormatInt(e.Size, 10) {
		h["Content-Length"] = []string{strconv.FormatInt(size, 10)}
	}
	e.Header, e.Size, e.Digest = h, size, [32]byte{}
}

// comesOut is "" when a comparison made again finds what it found then, or has
// it forgiven by a rule; and nothing else, but for what a rule forgave then.
func comesOut(c *Comparison, r compare.Result) string {
	if r.Err != nil {
		return notDecided
	}
	then, now := map[foundAt]bool{}, map[foundAt]bool{}
	for _, d := range r.Differences {
		now[foundAt{d.Path, d.Kind}] = true
	}
	for _, f := range r.Forgiven {
		if f.Rule >= 0 {
			now[foundAt{f.Path, f.Kind}] = true
		}
	}
	attempted := attempts(c)
	for _, d := range c.Differences {
		k := foundAt{d.Path, d.Kind}
		if !(attempted && d.Kind == compare.KindWrites) && !now[k] {
			return notAlike
		}
		then[k] = true
	}
	for _, f := range c.Forgiven {
		if f.Rule >= 0 {
			then[foundAt{f.Path, f.Kind}] = true
		}
	}
	for _, d := range r.Differences {
		if !then[foundAt{d.Path, d.Kind}] {
			return notAlike
		}
	}
	return ""
}
