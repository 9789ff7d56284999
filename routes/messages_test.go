package routes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestMessages(t *testing.T) {
	dir := t.TempDir()
	set, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto)}})
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{"time.pb": set, "time.proto": []byte(`syntax = "proto3";`), "long.pb": make([]byte, maxDescriptors+1)} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	src := func(messages string) []byte {
		return []byte("version: 1\nbackends: {a: {urls: [http://127.0.0.1:3000]}}\n" +
			"defaults: {legacy: a, new: a, compare: {messages: " + messages + "}}\nroutes:\n  - {match: GET /, compare: {rules: [{path: $.seconds, ignore: true}]}}\n")
	}
	t.Run("inherited, beside rules, and shown", func(t *testing.T) {
		table, err := Parse(filepath.Join(dir, "routes.yaml"), src("{file: time.pb, type: google.protobuf.Timestamp}"))
		if err != nil {
			t.Fatal(err)
		}
		r := table.Routes()[0]
		if r.Compare.Options().Messages == nil || len(r.Compare.List()) != 1 {
			t.Errorf("the route has %+v and %d rules", r.Compare.Options(), len(r.Compare.List()))
		}
		var shown string
		for _, s := range table.Explain("GET", "/").Settings {
			if s.Name == "compare.messages" {
				shown = s.Value
			}
		}
		if shown != "time.pb, google.protobuf.Timestamp" {
			t.Errorf("explained as %q", shown)
		}
		if table.fallback.Compare.Options().Messages != nil {
			t.Error("the default route is never compared")
		}
	})
	for _, tt := range []struct{ reason, messages, want string }{
		{"a .proto file", "{file: time.proto}", "routes.yaml:3:58: compare.messages.file \"time.proto\": it is not a FileDescriptorSet\n  make it with protoc"},
		{"a type that it does not have", "{file: time.pb, type: Timestamp}", "routes.yaml:3:73: compare.messages.file \"time.pb\": it has no message \"Timestamp\"\n  write its full name, such as google.protobuf.Timestamp"},
		{"a file that is too long", "{file: long.pb}", "routes.yaml:3:58: compare.messages.file \"long.pb\": is longer than 16 MiB\n"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			_, err := Parse(filepath.Join(dir, "routes.yaml"), src(tt.messages))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
