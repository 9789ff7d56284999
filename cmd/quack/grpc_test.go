package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/quackproxy/quack/reports"
)

// accountFile is the file of a small service:
//
//	message Account { string name = 1; string password = 2; }
//	service Accounts { rpc Show(Account) returns (Account); rpc Watch(Account) returns (stream Account); }
func accountFile() *descriptorpb.FileDescriptorProto {
	field := func(name string, number int32) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	}
	account := proto.String(".shop.v1.Account")
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("shop.proto"), Package: proto.String("shop.v1"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Account"), Field: []*descriptorpb.FieldDescriptorProto{field("name", 1), field("password", 2)}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Accounts"), Method: []*descriptorpb.MethodDescriptorProto{
			{Name: proto.String("Show"), InputType: account, OutputType: account},
			{Name: proto.String("Watch"), InputType: account, OutputType: account, ServerStreaming: proto.Bool(true)},
		}}},
	}
}

// accounts is one side of the service.
type accounts struct {
	of  protoreflect.MessageDescriptor
	new bool
}

func (a accounts) message(name, password string) *dynamicpb.Message {
	m := dynamicpb.NewMessage(a.of)
	m.Set(a.of.Fields().ByName("name"), protoreflect.ValueOfString(name))
	m.Set(a.of.Fields().ByName("password"), protoreflect.ValueOfString(password))
	return m
}

func (a accounts) field(m *dynamicpb.Message, name protoreflect.Name) string {
	return m.Get(a.of.Fields().ByName(name)).String()
}

// show answers as it is asked by the name; the new side differs in some.
func (a accounts) show(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := dynamicpb.NewMessage(a.of)
	if err := decode(in); err != nil {
		return nil, err
	}
	name, password := a.field(in, "name"), a.field(in, "password")
	if a.new {
		switch name {
		case "wrong":
			return a.message("another", password), nil
		case "secret":
			return a.message(name, "hunter2-of-new"), nil
		case "refused":
			return nil, status.Error(codes.PermissionDenied, "no")
		}
	}
	return a.message(name, password), nil
}

func (a accounts) watch(_ any, s grpc.ServerStream) error {
	if err := s.RecvMsg(dynamicpb.NewMessage(a.of)); err != nil {
		return err
	}
	for range 3 {
		if err := s.SendMsg(a.message("x", "y")); err != nil {
			return err
		}
	}
	return nil
}

// serve is the URL of a server of the side.
func (a accounts) serve(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "shop.v1.Accounts", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Show", Handler: a.show}},
		Streams: []grpc.StreamDesc{{StreamName: "Watch", Handler: a.watch, ServerStreams: true}},
	}, nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return "http://" + ln.Addr().String()
}

// A real client and two real servers of gRPC, told apart field by field.
func TestGRPCIsCompared(t *testing.T) {
	t.Parallel()
	file, err := protodesc.NewFile(accountFile(), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{accountFile()}})
	if err != nil {
		t.Fatal(err)
	}
	descriptors := filepath.Join(t.TempDir(), "shop.pb")
	if err := os.WriteFile(descriptors, set, 0o600); err != nil {
		t.Fatal(err)
	}
	side := accounts{of: file.Messages().ByName("Account")}
	lines := strings.Replace(table(side.serve(t), accounts{side.of, true}.serve(t), ", protocol: h2", `  - name: accounts
    match: POST /shop.v1.Accounts/*
    stage: shadow
    safe: true
    compare: {messages: {file: `+descriptors+`}}
`), "]}", "], protocol: h2}", 1)
	q := start(t, lines)
	conn, err := grpc.NewClient(strings.TrimPrefix(q.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	for _, name := range []string{"same", "wrong", "secret", "refused"} {
		out := dynamicpb.NewMessage(side.of)
		err := conn.Invoke(ctx, "/shop.v1.Accounts/Show", side.message(name, "hunter2-of-client"), out)
		if err != nil || side.field(out, "name") != name || side.field(out, "password") != "hunter2-of-client" {
			t.Fatalf("%s: legacy's answer became %v, %v", name, out, err)
		}
	}
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/shop.v1.Accounts/Watch")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SendMsg(side.message("a", "b")); err != nil {
		t.Fatal(err)
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.RecvMsg(dynamicpb.NewMessage(side.of)); err != nil {
			t.Fatal(err)
		}
	}
	r := q.until("accounts", "four compared, one skipped", func(r reports.RouteReport) bool {
		return r.Matched == 1 && r.Mismatched == 3 && r.Skipped["stream"] == 1
	})
	if r.Errors != 0 || r.Noise != 0 {
		t.Errorf("%+v", r)
	}
	found := map[string]string{}
	for _, g := range q.differences() {
		if g.Verdict == "mismatch" && len(g.Samples) > 0 {
			found[g.Path] = g.Samples[0].Legacy + " | " + g.Samples[0].New
			if out, code := q.run("diff", g.Samples[0].ID); code != 0 || !strings.Contains(out, g.Path) || strings.Contains(out, "hunter2") {
				t.Errorf("quack diff: code %d\n%s", code, out)
			}
		}
	}
	if found["$.name"] != `"wrong" | "another"` || found["trailer:Grpc-Status"] != "0 | 7" || !strings.Contains(found["$.password"], "redacted") {
		t.Errorf("found %v", found)
	}
	q.withoutSecrets([]string{"hunter2", "hunter2-of-new", "hunter2-of-client", "aHVudGVyMi1v"})
}
