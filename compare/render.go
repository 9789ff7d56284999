package compare

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// renderer writes messages as JSON that is always the same and loses nothing:
// fields by their names in the .proto file, in its order; those that know
// whether they are set only when they are, all others always; integers with
// all digits; a google.protobuf.Timestamp as RFC 3339; bytes in base64; what
// the type does not have as ?NUMBER, in base64 as on the wire.
type renderer struct {
	m    *Messages
	out  []byte
	left int // messages and elements of lists that may still be made
}

func (r *renderer) message(m protoreflect.Message, depth int) error {
	switch {
	case depth > maxMessageDepth:
		return errTreeDeep
	case len(r.out) > decodedMost:
		return errTreeLarge
	case r.timestamp(m):
		return nil
	}
	from := len(r.out)
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.HasPresence() && !m.Has(f) {
			continue
		}
		r.name(string(f.Name()))
		if err := r.field(f, m.Get(f), depth); err != nil {
			return err
		}
	}
	if err := r.extensions(m, depth); err != nil {
		return err
	}
	r.any(m, depth)
	r.unknown(m.GetUnknown())
	r.close(from, '{', '}')
	return nil
}

// name begins a member.
func (r *renderer) name(name string) {
	r.out = append(r.out, ',')
	r.out = append(r.out, jsontext.Quote([]byte(name))...)
	r.out = append(r.out, ':')
}

// close puts brackets around what was written with commas in front.
func (r *renderer) close(from int, opening, closing byte) {
	if len(r.out) == from {
		r.out = append(r.out, opening)
	} else {
		r.out[from] = opening
	}
	r.out = append(r.out, closing)
}

func (r *renderer) field(f protoreflect.FieldDescriptor, v protoreflect.Value, depth int) error {
	switch {
	case f.IsMap():
		return r.mapField(f, v.Map(), depth)
	case f.IsList():
		from, list := len(r.out), v.List()
		for i := range list.Len() {
			r.out = append(r.out, ',')
			if err := r.value(f, list.Get(i), depth); err != nil {
				return err
			}
		}
		r.close(from, '[', ']')
		return nil
	}
	return r.value(f, v, depth)
}

// mapField writes the entries of a map, sorted by key.
func (r *renderer) mapField(f protoreflect.FieldDescriptor, m protoreflect.Map, depth int) error {
	var keys []protoreflect.MapKey
	for k := range m.Range {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
	from := len(r.out)
	for _, k := range keys {
		r.name(k.String())
		if err := r.value(f.MapValue(), m.Get(k), depth); err != nil {
			return err
		}
	}
	r.close(from, '{', '}')
	return nil
}

func (r *renderer) value(f protoreflect.FieldDescriptor, v protoreflect.Value, depth int) error {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return r.message(v.Message(), depth+1)
	case protoreflect.BoolKind:
		r.out = strconv.AppendBool(r.out, v.Bool())
	case protoreflect.StringKind:
		r.out = append(r.out, jsontext.Quote([]byte(v.String()))...)
	case protoreflect.BytesKind:
		r.base64(v.Bytes())
	case protoreflect.FloatKind:
		r.float(v.Float(), 32)
	case protoreflect.DoubleKind:
		r.float(v.Float(), 64)
	case protoreflect.EnumKind:
		if e := f.Enum().Values().ByNumber(v.Enum()); e != nil {
			r.out = append(r.out, jsontext.Quote([]byte(e.Name()))...)
		} else {
			r.out = strconv.AppendInt(r.out, int64(v.Enum()), 10)
		}
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		r.out = strconv.AppendUint(r.out, v.Uint(), 10)
	default:
		r.out = strconv.AppendInt(r.out, v.Int(), 10)
	}
	return nil
}

func (r *renderer) base64(b []byte) {
	r.out = append(r.out, '"')
	r.out = base64.StdEncoding.AppendEncode(r.out, b)
	r.out = append(r.out, '"')
}

// float writes what JSON has no numbers for as a string, as protobuf's JSON does.
func (r *renderer) float(v float64, bits int) {
	switch {
	case math.IsNaN(v):
		r.out = append(r.out, `"NaN"`...)
	case math.IsInf(v, 0):
		r.out = append(r.out, `"Infinity"`...)
		if v < 0 {
			r.out = append(r.out[:len(r.out)-len(`"Infinity"`)], `"-Infinity"`...)
		}
	default:
		r.out = strconv.AppendFloat(r.out, v, 'g', -1, bits)
	}
}

// timestamp writes a google.protobuf.Timestamp, so that it is judged as one.
// The fraction always has nine digits, because both sides may mean it.
func (r *renderer) timestamp(m protoreflect.Message) bool {
	d := m.Descriptor()
	if d.FullName() != "google.protobuf.Timestamp" || len(m.GetUnknown()) > 0 {
		return false
	}
	seconds, nanos := d.Fields().ByNumber(1), d.Fields().ByNumber(2)
	if seconds == nil || nanos == nil || seconds.Kind() != protoreflect.Int64Kind || nanos.Kind() != protoreflect.Int32Kind {
		return false
	}
	const first, last = -62135596800, 253402300799 // years 1 to 9999
	s, n := m.Get(seconds).Int(), m.Get(nanos).Int()
	if s < first || s > last || n < 0 || n > 999_999_999 {
		return false
	}
	r.out = time.Unix(s, n).UTC().AppendFormat(r.out, `"2006-01-02T15:04:05.000000000Z"`)
	return true
}

// extensions writes the extension fields that are set, by name.
func (r *renderer) extensions(m protoreflect.Message, depth int) error {
	var set []protoreflect.FieldDescriptor
	for f := range m.Range {
		if f.IsExtension() {
			set = append(set, f)
		}
	}
	slices.SortFunc(set, func(a, b protoreflect.FieldDescriptor) int { return int(a.Number()) - int(b.Number()) })
	for _, f := range set {
		r.name("[" + string(f.FullName()) + "]")
		if err := r.field(f, m.Get(f), depth); err != nil {
			return err
		}
	}
	return nil
}

// any writes the message in a google.protobuf.Any beside its bytes, in place
// of them, when its type is known.
func (r *renderer) any(m protoreflect.Message, depth int) {
	d := m.Descriptor()
	if d.FullName() != "google.protobuf.Any" {
		return
	}
	url, wire := d.Fields().ByNumber(1), d.Fields().ByNumber(2)
	if url == nil || wire == nil || url.Kind() != protoreflect.StringKind || wire.Kind() != protoreflect.BytesKind || wire.HasPresence() {
		return
	}
	t, err := r.m.types.FindMessageByURL(m.Get(url).String())
	if err != nil {
		return
	}
	value := m.Get(wire).Bytes()
	inner := dynamicpb.NewMessage(t.Descriptor())
	if countWire(t.Descriptor(), value, &r.left, depth) != nil || (proto.UnmarshalOptions{AllowPartial: true, Resolver: r.m.types, RecursionLimit: maxMessageDepth}).Unmarshal(value, inner) != nil {
		return
	}
	// The bytes are the last field that was written.
	written := len(`,"value":""`) + base64.StdEncoding.EncodedLen(len(value))
	before := append([]byte(nil), r.out[len(r.out)-written:]...)
	r.out = r.out[:len(r.out)-written]
	from := len(r.out)
	r.name("value")
	if r.message(inner, depth+1) != nil {
		r.out = append(r.out[:from], before...)
	}
}

// unknown writes the fields that the type does not have, those of one number
// together.
func (r *renderer) unknown(wire []byte) {
	values := map[protowire.Number][]byte{}
	var numbers []protowire.Number
	for len(wire) > 0 {
		number, _, n := protowire.ConsumeField(wire)
		if n < 0 {
			break // it has been read once already
		}
		if _, known := values[number]; !known {
			numbers = append(numbers, number)
		}
		values[number] = append(values[number], wire[:n]...)
		wire = wire[n:]
	}
	slices.Sort(numbers)
	for _, number := range numbers {
		r.name("?" + strconv.Itoa(int(number)))
		r.base64(values[number])
	}
}
