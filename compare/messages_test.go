package compare_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/quackproxy/quack/compare"
)

// shopSet is the descriptor set of a small service:
//
//	message Account { int64 id = 1; string name = 2; optional string nick = 3; repeated Item items = 4;
//	  map<string, int32> stock = 5; google.protobuf.Timestamp created_at = 6; State state = 7;
//	  bytes key = 8; double score = 9; google.protobuf.Any extra = 10; Account parent = 11; }
//	message Item { string sku = 1; uint64 price = 2; }
//	service Accounts { rpc Show(Account) returns (Account); rpc Watch(Account) returns (stream Account); }
func shopSet() *descriptorpb.FileDescriptorSet {
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type, typeName string, repeated bool) *descriptorpb.FieldDescriptorProto {
		f := &descriptorpb.FieldDescriptorProto{Name: proto.String(name), Number: proto.Int32(number), Type: kind.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
		if typeName != "" {
			f.TypeName = proto.String(typeName)
		}
		if repeated {
			f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		}
		return f
	}
	const (
		str   = descriptorpb.FieldDescriptorProto_TYPE_STRING
		i64   = descriptorpb.FieldDescriptorProto_TYPE_INT64
		i32   = descriptorpb.FieldDescriptorProto_TYPE_INT32
		u64   = descriptorpb.FieldDescriptorProto_TYPE_UINT64
		msg   = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
		enum  = descriptorpb.FieldDescriptorProto_TYPE_ENUM
		byt   = descriptorpb.FieldDescriptorProto_TYPE_BYTES
		float = descriptorpb.FieldDescriptorProto_TYPE_DOUBLE
	)
	nick := field("nick", 3, str, "", false)
	nick.Proto3Optional, nick.OneofIndex = proto.Bool(true), proto.Int32(0)
	account := &descriptorpb.DescriptorProto{
		Name: proto.String("Account"),
		Field: []*descriptorpb.FieldDescriptorProto{
			field("id", 1, i64, "", false), field("name", 2, str, "", false), nick, field("items", 4, msg, ".shop.v1.Item", true),
			field("stock", 5, msg, ".shop.v1.Account.StockEntry", true), field("created_at", 6, msg, ".google.protobuf.Timestamp", false),
			field("state", 7, enum, ".shop.v1.State", false), field("key", 8, byt, "", false), field("score", 9, float, "", false),
			field("extra", 10, msg, ".google.protobuf.Any", false), field("parent", 11, msg, ".shop.v1.Account", false),
		},
		OneofDecl: []*descriptorpb.OneofDescriptorProto{{Name: proto.String("_nick")}},
		NestedType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("StockEntry"), Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
			Field: []*descriptorpb.FieldDescriptorProto{field("key", 1, str, "", false), field("value", 2, i32, "", false)},
		}},
	}
	item := &descriptorpb.DescriptorProto{Name: proto.String("Item"), Field: []*descriptorpb.FieldDescriptorProto{field("sku", 1, str, "", false), field("price", 2, u64, "", false)}}
	method := func(name string, stream bool) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{Name: proto.String(name), InputType: proto.String(".shop.v1.Account"), OutputType: proto.String(".shop.v1.Account"), ServerStreaming: proto.Bool(stream)}
	}
	shop := &descriptorpb.FileDescriptorProto{
		Name: proto.String("shop.proto"), Package: proto.String("shop.v1"), Syntax: proto.String("proto3"),
		Dependency:  []string{"google/protobuf/timestamp.proto", "google/protobuf/any.proto"},
		MessageType: []*descriptorpb.DescriptorProto{account, item},
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("State"), Value: []*descriptorpb.EnumValueDescriptorProto{
			{Name: proto.String("OPEN"), Number: proto.Int32(0)}, {Name: proto.String("CLOSED"), Number: proto.Int32(1)}}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Accounts"), Method: []*descriptorpb.MethodDescriptorProto{method("Show", false), method("Watch", true)}}},
	}
	return &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto),
		protodesc.ToFileDescriptorProto(anypb.File_google_protobuf_any_proto), shop,
	}}
}

type shop struct {
	t        testing.TB
	account  protoreflect.MessageDescriptor
	types    *dynamicpb.Types
	messages *compare.Messages
}

func newShop(t testing.TB) *shop {
	t.Helper()
	set := shopSet()
	raw, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := compare.ParseMessages(raw, "shop.v1.Account")
	if err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	d, err := files.FindDescriptorByName("shop.v1.Account")
	if err != nil {
		t.Fatal(err)
	}
	return &shop{t, d.(protoreflect.MessageDescriptor), dynamicpb.NewTypes(files), messages}
}

// wire is an Account that stands in protobuf's JSON.
func (s *shop) wire(json string) []byte {
	s.t.Helper()
	m := dynamicpb.NewMessage(s.account)
	if err := (protojson.UnmarshalOptions{Resolver: s.types}).Unmarshal([]byte(json), m); err != nil {
		s.t.Fatal(err)
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

func (s *shop) rules(rules ...compare.Rule) *compare.Rules {
	return mustCompile(s.t, rules...).With(compare.Options{Messages: s.messages})
}

func TestProtobuf(t *testing.T) {
	s := newShop(t)
	unknown := func(wire []byte, v string) []byte {
		return protowire.AppendString(protowire.AppendTag(wire, 99, protowire.BytesType), v)
	}
	tests := []struct {
		reason      string
		legacy, new []byte
		want        []string
		rules       []compare.Rule
	}{
		{"fields in another order on the wire", append(s.wire(`{"id":1}`), s.wire(`{"name":"a"}`)...), append(s.wire(`{"name":"a"}`), s.wire(`{"id":1}`)...), nil, nil},
		{"an integer to its last digit", s.wire(`{"id":"9007199254740993"}`), s.wire(`{"id":"9007199254740992"}`), []string{"value $.id at $.id: 9007199254740993 | 9007199254740992"}, nil},
		{"a field without presence is its default", s.wire(`{"id":1}`), s.wire(`{"id":1,"name":"a"}`), []string{`value $.name at $.name: "" | "a"`}, nil},
		{"one with presence is missing", s.wire(`{"id":1,"nick":""}`), s.wire(`{"id":1}`), []string{`missing $.nick at $.nick: "" | `}, nil},
		{"one more of a list is one difference", s.wire(`{"items":[{"sku":"a"},{"sku":"b"}]}`), s.wire(`{"items":[{"sku":"x"},{"sku":"a"},{"sku":"b"}]}`), []string{`length $.items at $.items: 2 elements | 3 elements, only here: [0] {"sku":"x","price":0}`}, nil},
		{"a map", s.wire(`{"stock":{"a":1,"b":2}}`), s.wire(`{"stock":{"b":3,"a":1}}`), []string{"value $.stock.b at $.stock.b: 2 | 3"}, nil},
		{"a timestamp", s.wire(`{"created_at":"2026-03-04T05:06:07Z"}`), s.wire(`{"created_at":"2026-03-04T05:06:07.5Z"}`), []string{"forgiven 1 value $.created_at: timestamp"}, nil},
		{"a timestamp that is days off", s.wire(`{"created_at":"2026-03-04T05:06:07Z"}`), s.wire(`{"created_at":"2026-03-06T05:06:07Z"}`), []string{`value $.created_at at $.created_at: "2026-03-04T05:06:07.000000000Z" | "2026-03-06T05:06:07.000000000Z"`}, nil},
		{"an enum, one of them unknown", s.wire(`{"id":1,"state":"CLOSED"}`), s.wire(`{"id":1,"state":7}`), []string{`type $.state at $.state: "CLOSED" | 7`}, nil},
		{"bytes and floats", s.wire(`{"key":"AQI=","score":1.5}`), s.wire(`{"key":"AQM=","score":"NaN"}`), []string{`value $.key at $.key: "AQI=" | "AQM="`, `type $.score at $.score: 1.5 | "NaN"`}, nil},
		{"a message in an Any", s.wire(`{"extra":{"@type":"x/shop.v1.Item","sku":"a"}}`), s.wire(`{"extra":{"@type":"x/shop.v1.Item","sku":"b"}}`), []string{`value $.extra.value.sku at $.extra.value.sku: "a" | "b"`}, nil},
		{"a field that the type does not have", unknown(s.wire(`{"id":1}`), "a"), unknown(s.wire(`{"id":1}`), "b"), []string{`value $['?99'] at $['?99']: "mgYBYQ==" | "mgYBYg=="`}, nil},
		{"rules", s.wire(`{"items":[{"sku":"a"}]}`), s.wire(`{"items":[{"sku":"b"}]}`), []string{"forgiven 1 value $.items[*].sku: rule $.items[*].sku same sku"}, []compare.Rule{{Path: "$.items[*].sku", Same: "sku"}}},
		{"what is no message", s.wire(`{"id":1}`), []byte{0xff}, []string{"body body at body: 2 bytes, sha256 fb8da7eb5b1b399e7321179dac9e9f65773d7331e1e30554e3911e4325e1ef19 | 1 bytes, sha256 a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			checkLines(t, compare.Exchanges(answer("application/x-protobuf", string(tt.legacy)), answer("application/x-protobuf", string(tt.new)), s.rules(tt.rules...)), tt.want)
		})
	}
	t.Run("the type in Content-Type", func(t *testing.T) {
		const item = `application/x-protobuf; messageType="shop.v1.Item"`
		r := compare.Exchanges(answer(item, "\x0a\x01a"), answer(item, "\x0a\x01b"), s.rules())
		checkLines(t, r, []string{`value $.sku at $.sku: "a" | "b"`})
	})
	t.Run("without a descriptor", func(t *testing.T) {
		r := compare.Exchanges(answer("application/x-protobuf", "\x0a\x01a"), answer("application/x-protobuf", "\x0a\x01b"), nil)
		if len(r.Differences) != 1 || r.Differences[0].Kind != compare.KindBody {
			t.Errorf("%+v", r)
		}
	})
}

// frame is a gRPC message as it goes over the wire.
func frame(message []byte, compressed bool) string {
	flag := byte(0)
	if compressed {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write(message)
		w.Close()
		message, flag = b.Bytes(), 1
	}
	return string(append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(message))), message...))
}

func TestGRPC(t *testing.T) {
	s := newShop(t)
	one, other := s.wire(`{"id":1,"name":"a"}`), s.wire(`{"id":1,"name":"b"}`)
	tests := []struct {
		reason, target string
		legacy, new    string
		want           []string
	}{
		{"the one message of a unary method", "/shop.v1.Accounts/Show", frame(one, false), frame(other, false), []string{`value $.name at $.name: "a" | "b"`}},
		{"those of one that streams", "/shop.v1.Accounts/Watch", frame(one, false), frame(other, false), []string{`value $[*].name at $[0].name: "a" | "b"`}},
		{"one of them more", "/shop.v1.Accounts/Watch", frame(one, false), frame(one, false) + frame(other, false), []string{`length $ at $: 1 element | 2 elements, only here: [1] {"id":1,"name":"b","items":[],"stock":{},"state":"OPEN","key":"","score":0}`}},
		{"compressed", "/shop.v1.Accounts/Show?x=1", frame(one, true), frame(other, false), []string{`value $.name at $.name: "a" | "b"`}},
		{"compressed, the same", "/prefix/shop.v1.Accounts/Show", frame(one, true), frame(one, false), nil},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			l, n := answer("application/grpc", tt.legacy, "Grpc-Encoding: gzip"), answer("application/grpc", tt.new, "Grpc-Encoding: gzip")
			l.Request = &compare.Request{Method: "POST", Target: tt.target}
			n.Request = l.Request
			checkLines(t, compare.Exchanges(l, n, s.rules()), tt.want)
		})
	}
	for _, broken := range []struct{ reason, target, body string }{
		{"a message that breaks off", "/shop.v1.Accounts/Show", frame(one, false)[:8]},
		{"two messages of a unary method", "/shop.v1.Accounts/Show", frame(one, false) + frame(one, false)},
		{"a method that nobody knows", "/shop.v1.Accounts/Drop", frame(other, false)},
	} {
		t.Run(broken.reason, func(t *testing.T) {
			l, n := answer("application/grpc", frame(one, false)), answer("application/grpc", broken.body)
			l.Request = &compare.Request{Method: "POST", Target: broken.target}
			n.Request = l.Request
			r := compare.Exchanges(l, n, s.rules())
			if len(r.Differences) != 1 || r.Differences[0].Kind != compare.KindBody || r.Err != nil {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestHostileMessages(t *testing.T) {
	s := newShop(t)
	const levels = 100_000
	sizes := make([]int, levels+1) // of the message at each level, the innermost first
	for i := range levels {
		sizes[i+1] = protowire.SizeTag(11) + protowire.SizeBytes(sizes[i])
	}
	var nested []byte
	for i := levels - 1; i >= 0; i-- {
		nested = protowire.AppendVarint(protowire.AppendTag(nested, 11, protowire.BytesType), uint64(sizes[i]))
	}
	many := bytes.Repeat([]byte{0x22, 0}, 5<<20)
	for reason, body := range map[string][]byte{"levels": nested, "empty messages": many} {
		t.Run(reason, func(t *testing.T) {
			start := time.Now()
			r := compare.Exchanges(answer("application/protobuf", string(body)), answer("application/protobuf", string(body)+"\x08\x01"), s.rules())
			if r.Err == nil || !strings.Contains(r.Err.Error(), "can not be compared") {
				t.Errorf("%v: %+v", time.Since(start), r)
			}
		})
	}
}

func TestParseMessages(t *testing.T) {
	whole, _ := proto.Marshal(shopSet())
	lone, _ := proto.Marshal(&descriptorpb.FileDescriptorSet{File: shopSet().File[2:]})
	tests := []struct {
		reason, name string
		set          []byte
		want         string
	}{
		{"no descriptor set", "", []byte("syntax = \"proto3\";"), "it is not a FileDescriptorSet\nmake it with"},
		{"nothing in it", "", nil, "there is no file in the FileDescriptorSet\n"},
		{"without its imports", "", lone, "\nmake it with --include_imports"},
		{"a type that it does not have", "shop.Account", whole, "it has no message \"shop.Account\"\nwrite its full name, such as "},
		{"a service is no type", "shop.v1.Accounts", whole, "it has no message \"shop.v1.Accounts\"\n"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			m, err := compare.ParseMessages(tt.set, tt.name)
			if m != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v", m, err)
			}
		})
	}
}

// FuzzMessages holds that what is on the wire is compared without panic, and
// that equal messages match.
func FuzzMessages(f *testing.F) {
	s := newShop(f)
	f.Add(s.wire(`{"id":1,"nick":"a","items":[{"sku":"a"}],"stock":{"a":1},"created_at":"2026-03-04T05:06:07Z"}`), s.wire(`{"score":"NaN","extra":{"@type":"x/shop.v1.Item","sku":"a"},"parent":{"parent":{}}}`))
	f.Add([]byte("\x0b\x0c"), []byte("\xfa\x01\x00"))
	rules := s.rules(compare.Rule{Path: "$..name", Same: "x"})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, kind := range []string{"application/protobuf", "application/grpc"} {
			l, n := answer(kind, string(a)), answer(kind, string(b))
			l.Request = &compare.Request{Target: "/shop.v1.Accounts/Watch"}
			n.Request = l.Request
			r, back := compare.Exchanges(l, n, rules), compare.Exchanges(n, l, rules)
			if r.Match() != back.Match() {
				t.Fatalf("%q and %q: match is %v, with the sides swapped %v", a, b, r.Match(), back.Match())
			}
			twice := answer(kind, string(a), "X-A: 1")
			if bytes.Equal(a, b) && !compare.Exchanges(twice, twice, rules).Match() {
				t.Fatalf("%q differs from itself", a)
			}
		}
	})
}
