package compare

import (
	"bytes"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// compareEvents compares server-sent events as the elements of one array:
// $[*].event, $[*].id, $[*].retry, and $[*].data, which is read as JSON where
// it is an array or an object.
func (p *pair) compareEvents(c *content) (*bodies, error) {
	if !c.isText() {
		return compareBytes(c), nil
	}
	legacy, new := eventsArray(c.legacy), eventsArray(c.new)
	if max(len(legacy), len(new)) >= maxJSON {
		return compareBytes(c), nil
	}
	b, err := p.walkJSON(legacy, new, &c.base)
	if b == nil && err == nil {
		return nil, misfit{"not events", "not events"}
	}
	return b, err
}

// eventsArray writes a stream of events as a JSON array. Comments (which keep
// a connection alive) and fields that are none are left out, as a client does
// (HTML Living Standard, section 9.2.6).
func eventsArray(stream []byte) []byte {
	stream = bytes.TrimPrefix(stream, []byte("\ufeff"))
	stream = bytes.ReplaceAll(stream, []byte("\r\n"), []byte("\n"))
	stream = bytes.ReplaceAll(stream, []byte("\r"), []byte("\n"))
	out := append(make([]byte, 0, 2*len(stream)+2), '[')
	var e sseEvent
	for line := range bytes.SplitSeq(stream, []byte("\n")) {
		if len(line) > 0 {
			e.field(line)
			continue
		}
		out = e.append(out)
		e = sseEvent{data: e.data[:0]}
	}
	return append(e.append(out), ']')
}

// sseEvent is one server-sent event as far as it is read.
type sseEvent struct {
	fields [3][]byte // those of eventFields; nil when it has none
	data   []byte
	any    bool // it has data
}

var eventFields = [3]string{"event", "id", "retry"}

func (e *sseEvent) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	if string(name) == "data" {
		if e.any {
			e.data = append(e.data, '\n')
		}
		e.data, e.any = append(e.data, value...), true
		return
	}
	for i, f := range eventFields {
		if string(name) == f {
			e.fields[i] = append([]byte{}, value...)
		}
	}
}

// append appends the event to an array of them, if it has any field.
func (e *sseEvent) append(out []byte) []byte {
	from := len(out)
	for i, v := range e.fields {
		if v != nil {
			out = appendMember(out, eventFields[i], jsontext.Quote(v))
		}
	}
	if e.any {
		data := e.data
		if c := jsontext.Blank(data, 0); c == len(data) || data[c] != '{' && data[c] != '[' || jsontext.ScanDocument(data) < 0 {
			data = jsontext.Quote(data)
		}
		out = appendMember(out, "data", data)
	}
	if len(out) == from {
		return out
	}
	out[from] = '{'
	if from > 1 {
		out = append(out, 0)
		copy(out[from+1:], out[from:])
		out[from] = ','
	}
	return append(out, '}')
}

// appendMember appends a member with a comma in front.
func appendMember(out []byte, name string, value []byte) []byte {
	out = append(out, ',')
	out = append(out, jsontext.Quote([]byte(name))...)
	out = append(out, ':')
	return append(out, value...)
}
