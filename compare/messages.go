package compare

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// Messages are the protobuf message types and gRPC services that bodies are
// read by. Safe for concurrent use.
type Messages struct {
	files    *protoregistry.Files
	types    *dynamicpb.Types
	fallback protoreflect.MessageDescriptor // nil when there is none
}

// ParseMessages reads a serialized google.protobuf.FileDescriptorSet with all
// that it imports, as protoc --include_imports --descriptor_set_out writes it.
// defaultType is the full name of the message that protobuf bodies are which
// name no type themselves, "" for none.
func ParseMessages(descriptorSet []byte, defaultType string) (*Messages, error) {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(descriptorSet, &set); err != nil {
		return nil, errors.New("it is not a FileDescriptorSet\nmake it with protoc --include_imports --descriptor_set_out=FILE, or buf build -o FILE")
	}
	if len(set.File) == 0 {
		return nil, errors.New("there is no file in the FileDescriptorSet\nmake it with protoc --include_imports --descriptor_set_out=FILE, or buf build -o FILE")
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return nil, fmt.Errorf("%w\nmake it with --include_imports, so that it has all that its files import", err)
	}
	m := &Messages{files: files, types: dynamicpb.NewTypes(files)}
	if defaultType != "" {
		if m.fallback = m.message(defaultType); m.fallback == nil {
			return nil, fmt.Errorf("it has no message %q%s", defaultType, m.some())
		}
	}
	return m, nil
}

// some names a few messages, on a second line.
func (m *Messages) some() string {
	var names []string
	m.files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := 0; i < f.Messages().Len() && len(names) < 5; i++ {
			names = append(names, string(f.Messages().Get(i).FullName()))
		}
		return len(names) < 5
	})
	if len(names) == 0 {
		return "\nit has no messages at all"
	}
	return "\nwrite its full name, such as " + strings.Join(names, ", ")
}

func (m *Messages) message(name string) protoreflect.MessageDescriptor {
	d, err := m.files.FindDescriptorByName(protoreflect.FullName(strings.TrimPrefix(name, ".")))
	if err != nil {
		return nil
	}
	message, _ := d.(protoreflect.MessageDescriptor)
	return message
}

// method is the gRPC method that a request's target names, nil for none.
func (m *Messages) method(target string) protoreflect.MethodDescriptor {
	path, _, _ := strings.Cut(target, "?")
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return nil
	}
	service, name := parts[len(parts)-2], parts[len(parts)-1]
	d, err := m.files.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return nil
	}
	s, ok := d.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil
	}
	return s.Methods().ByName(protoreflect.Name(name))
}

// messages are those of the rules' options, nil when there are none.
func (p *pair) messages() *Messages {
	if p.rules == nil {
		return nil
	}
	return p.rules.options.Messages
}

// method is the gRPC method that was called, nil when that is not known.
func (p *pair) method() protoreflect.MethodDescriptor {
	if m := p.messages(); m != nil && p.legacy.Request != nil {
		return m.method(p.legacy.Request.Target)
	}
	return nil
}

// typeOf is the message type of a body: that in its Content-Type, that of the
// method, or the default; nil when none is known.
func (p *pair) typeOf(m media) protoreflect.MessageDescriptor {
	for _, param := range []string{"messagetype", "proto", "message"} {
		if name := m.params[param]; name != "" {
			return p.messages().message(name)
		}
	}
	if method := p.method(); method != nil {
		return method.Output()
	}
	return p.messages().fallback
}

// compareProtobuf compares single messages, by bytes when their type is not known.
func (p *pair) compareProtobuf(c *content) (*bodies, error) {
	if p.messages() == nil {
		return compareBytes(c), nil
	}
	typeL, typeN := p.typeOf(c.media[0]), p.typeOf(c.media[1])
	if typeL == nil || typeN == nil {
		return compareBytes(c), nil
	}
	leftL, leftN := maxNodes, maxNodes
	l, errL := p.messages().render(nil, typeL, c.legacy, &leftL)
	n, errN := p.messages().render(nil, typeN, c.new, &leftN)
	return p.compareRendered(c, l, n, errL, errN)
}

// compareRendered compares messages that were written as JSON.
func (p *pair) compareRendered(c *content, legacy, new []byte, errL, errN error) (*bodies, error) {
	for _, err := range []error{errL, errN} {
		if hopeless(err) {
			return &bodies{}, fmt.Errorf("a protobuf body can not be compared: %w", err)
		}
	}
	if errL != nil || errN != nil {
		return nil, misfit{errText(errL), errText(errN)}
	}
	b, err := p.walkJSON(legacy, new, &c.base)
	if b == nil && err == nil {
		return compareBytes(c), nil
	}
	return b, err
}

// maxMessageDepth bounds how deep messages may stand in each other, so that
// they stay below jsontext.MaxDepth as JSON, where lists and maps are levels as well.
const maxMessageDepth = jsontext.MaxDepth/2 - 8

// render appends a message as JSON: see renderer. What is in it is taken from left.
func (m *Messages) render(out []byte, d protoreflect.MessageDescriptor, wire []byte, left *int) ([]byte, error) {
	r := renderer{m, out, min(*left, maxNodes)}
	before := r.left
	if err := countWire(d, wire, &r.left, 0); err != nil {
		return nil, err
	}
	*left -= before - r.left
	message := dynamicpb.NewMessage(d)
	o := proto.UnmarshalOptions{AllowPartial: true, Resolver: m.types, RecursionLimit: maxMessageDepth}
	if err := o.Unmarshal(wire, message); err != nil {
		return nil, fmt.Errorf("not a %s: %w", d.FullName(), err)
	}
	if err := r.message(message, 0); err != nil {
		return nil, err
	}
	return r.out, nil
}

// countWire takes the messages and the elements of lists in a message from
// left, before they are made: two bytes are enough for one.
func countWire(d protoreflect.MessageDescriptor, wire []byte, left *int, depth int) error {
	if depth > maxMessageDepth {
		return errTreeDeep
	}
	for len(wire) > 0 {
		number, kind, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(number, kind, wire[n:])
		if size < 0 {
			return protowire.ParseError(size)
		}
		value := wire[n : n+size]
		wire = wire[n+size:]
		*left--
		f := d.Fields().ByNumber(number)
		if kind == protowire.BytesType && f != nil {
			inner, _ := protowire.ConsumeBytes(value)
			switch {
			case f.Message() != nil:
				if err := countWire(f.Message(), inner, left, depth+1); err != nil {
					return err
				}
			case f.IsList() && f.Kind() != protoreflect.StringKind && f.Kind() != protoreflect.BytesKind:
				*left -= len(inner) // packed: at least a byte for each
			}
		}
		if *left < 0 {
			return errTreeLarge
		}
	}
	return nil
}
