package front

import (
	"bytes"
)

// head is a request's head (RFC 9112 sections 2 to 6), read line by line as it
// arrives. It is the one reader of heads: what it refuses reaches no handler
// by any way. Offsets count from the first byte fed.
type head struct {
	at    int // where the next line begins
	seen  int // up to where its end was looked for
	start int // of the request line
	lead  bool

	methodEnd, target, targetEnd int
	minor                        byte // HTTP/1.minor
	fields                       []field

	host     int // index of the Host field; -1 is none
	length   int64
	lengthAt int // index of the Content-Length field; -1 is none
	coding   int // how many transfer codings were named
	chunked  bool
	badTE    *refusal // what is wrong with them, if anything
	opts     options
	upgrade  bool // there is an Upgrade field that is not h2c's
	expect   bool
	trailer  bool // a Trailer field announces one
	pragma   bool
}

// field is one field line.
type field struct {
	name, nameEnd, value, valueEnd int
	known                          *knownName // nil when the name is none of them
	canonical                      bool       // spelt as net/http would
}

// options are what the Connection field names.
type options struct{ close, keepAlive, upgrade, other bool }

// maxFields is how many fields a head may have. Each costs more in memory than
// the four bytes that it takes to send one.
const maxFields = 1000

// keptFields is for how many fields room is kept from one head to the next.
const keptFields = 64

// reset makes h ready for another head.
func (h *head) reset() {
	fields := h.fields[:0]
	if cap(fields) > keptFields {
		fields = nil
	}
	*h = head{fields: fields, host: -1, lengthAt: -1, length: -1}
}

// feed reads on. b is everything since the head's first byte. done is true
// when the head is complete; it is h.at bytes long then.
func (h *head) feed(b []byte) (done bool, no *refusal) {
	for {
		from := max(h.at, h.seen)
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			no = h.early(b, from)
			h.seen = len(b)
			return false, no
		}
		end := from + i - 1 // of the line without CR LF
		if end < h.at || b[end] != '\r' {
			return false, badLineEnd
		}
		line, at := b[h.at:end], h.at
		h.at = end + 2
		switch {
		case h.targetEnd == 0 && len(line) == 0:
			if h.lead {
				return false, badEmptyLine
			}
			h.lead, h.start = true, h.at
		case h.targetEnd == 0:
			no = h.requestLine(line, at)
		case len(line) == 0:
			return true, h.settle(b)
		default:
			no = h.fieldLine(b, line, at)
		}
		if no != nil {
			return false, no
		}
	}
}

// early refuses what can not become a head any more, before its line ends.
func (h *head) early(b []byte, from int) *refusal {
	from = max(h.at, from-1)
	if i := bytes.IndexByte(b[from:], '\r'); i >= 0 && from+i < len(b)-1 {
		return badLineEnd // a CR on its own
	}
	if h.targetEnd == 0 && len(b) > h.at && b[h.at] != '\r' && !isToken[b[h.at]] {
		return badRequestLine // such as TLS where none is spoken
	}
	return nil
}

// requestLine takes "GET /path HTTP/1.1" apart (RFC 9112 section 3).
func (h *head) requestLine(line []byte, at int) *refusal {
	m := bytes.IndexByte(line, ' ')
	last := bytes.LastIndexByte(line, ' ')
	if m <= 0 || last <= m+1 {
		return badRequestLine
	}
	if !tokenBytes(line[:m]) {
		return badMethod
	}
	target, version := line[m+1:last], line[last+1:]
	if no := h.version(version); no != nil {
		return no
	}
	for _, c := range target {
		if c <= ' ' || c == 0x7f || c == '#' {
			return badTarget
		}
	}
	h.methodEnd, h.target, h.targetEnd = at+m, at+m+1, at+last
	return nil
}

func (h *head) version(v []byte) *refusal {
	switch string(v) {
	case "HTTP/1.1":
		h.minor = 1
	case "HTTP/1.0":
		h.minor = 0
	default:
		if len(v) == 8 && string(v[:5]) == "HTTP/" && isDigit(v[5]) && v[6] == '.' && isDigit(v[7]) {
			return unknownVersion
		}
		return badRequestLine
	}
	return nil
}

// fieldLine takes "Name: value" apart (RFC 9112 section 5).
func (h *head) fieldLine(b, line []byte, at int) *refusal {
	f, no := splitField(line, at)
	if no != nil {
		return no
	}
	if len(h.fields) == maxFields {
		return tooLarge
	}
	h.fields = append(h.fields, f)
	if f.known == nil {
		return nil
	}
	return h.mean(f.known.means, b[f.value:f.valueEnd])
}

// splitField checks a field line and finds its parts.
func splitField(line []byte, at int) (field, *refusal) {
	if line[0] == ' ' || line[0] == '\t' {
		return field{}, badFold
	}
	i, key, canonical, upper := 0, uint32(0), true, true
	for ; i < len(line) && isToken[line[i]]; i++ {
		c := line[i]
		if upper && 'a' <= c && c <= 'z' || !upper && 'A' <= c && c <= 'Z' {
			canonical = false
		}
		upper = c == '-'
		key = key*31 + uint32(c|0x20)
	}
	if i == 0 || i == len(line) || line[i] != ':' {
		return field{}, badName
	}
	name := line[:i]
	if lookalike(name) {
		return field{}, badLookalike
	}
	value, end := i+1, len(line)
	for value < end && (line[value] == ' ' || line[value] == '\t') {
		value++
	}
	for end > value && (line[end-1] == ' ' || line[end-1] == '\t') {
		end--
	}
	if !validValue(line[value:end]) {
		return field{}, badValue
	}
	return field{
		name: at, nameEnd: at + i, value: at + value, valueEnd: at + end,
		known: names.find(key, name), canonical: canonical,
	}, nil
}

// mean notes what a field says about the message itself.
func (h *head) mean(m meaning, v []byte) *refusal {
	switch m {
	case meansHost:
		if h.host >= 0 {
			return badHosts
		}
		h.host = len(h.fields) - 1
	case meansLength:
		if h.lengthAt >= 0 {
			return badLength
		}
		h.lengthAt = len(h.fields) - 1
		var ok bool
		if h.length, ok = parseLength(v); !ok {
			return badLength
		}
	case meansCoding:
		h.codings(v)
	case meansConnection:
		return h.opts.read(v)
	case meansUpgrade:
		h.upgrade = h.upgrade || !foldEqual(v, "h2c")
	case meansExpect:
		h.expect = true
	case meansTrailer:
		h.trailer = true
	case meansPragma:
		h.pragma = true
	}
	return nil
}

// settle looks at the head as a whole when it is complete.
func (h *head) settle(b []byte) *refusal {
	switch {
	case h.coding > 0 && h.minor == 0:
		return badCoding10
	case h.coding > 0 && h.lengthAt >= 0:
		return badLengths
	case h.badTE != nil:
		return h.badTE
	case h.host < 0 && h.minor == 1:
		return badNoHost
	}
	return h.checkTarget(b)
}

// parseLength reads a Content-Length: digits, at most 18 of them.
func parseLength(v []byte) (n int64, ok bool) {
	if len(v) == 0 || len(v) > 18 {
		return 0, false
	}
	for _, c := range v {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// codings reads a Transfer-Encoding line; chunked alone is served.
func (h *head) codings(v []byte) {
	for item := range bytes.SplitSeq(v, []byte{','}) {
		item = bytes.Trim(item, " \t")
		h.coding++
		switch {
		case !tokenBytes(item) || h.chunked:
			h.badTE = badCoding
		case foldEqual(item, "chunked"):
			h.chunked = true
			if h.coding > 1 && h.badTE == nil {
				h.badTE = unknownCoding
			}
		case h.badTE == nil:
			h.badTE = unknownCoding
		}
	}
}

// read reads a Connection line. What frames or routes a message can not be
// taken off it by naming it there.
func (o *options) read(v []byte) *refusal {
	for item := range bytes.SplitSeq(v, []byte{','}) {
		item = bytes.Trim(item, " \t")
		switch {
		case len(item) == 0:
		case foldEqual(item, "keep-alive"):
			o.keepAlive = true
		case foldEqual(item, "close"):
			o.close = true
		case foldEqual(item, "upgrade"):
			o.upgrade = true
		case foldEqual(item, "host"), foldEqual(item, "content-length"):
			return badOption
		default:
			o.other = true
		}
	}
	return nil
}
