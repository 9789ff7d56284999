package routes

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

var fieldOfFile = regexp.MustCompile(`field\{"([a-z_]+)"`)

// TestGuideHasAllSettings wants docs/routes.md to have every key that the file
// may have: settings of nodes, and what is read by mapping.
func TestGuideHasAllSettings(t *testing.T) {
	guide, err := os.ReadFile("../docs/routes.md")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, s := range settings {
		keys = append(keys, strings.Split(s.key, ".")...)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range sources {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fieldOfFile.FindAllStringSubmatch(string(text), -1) {
			keys = append(keys, m[1])
		}
	}
	if len(keys) < 80 {
		t.Fatalf("only %d keys found", len(keys))
	}
	for _, key := range keys {
		if !regexp.MustCompile("[`{ .]" + key + "[`:.,}]").Match(guide) {
			t.Errorf("docs/routes.md does not have %s", key)
		}
	}
}

var urlOfFile = regexp.MustCompile(`http://[0-9.:]+`)

var yamlBlock = regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```")

// TestExamplesOfPages loads each piece of a routes.yaml that a page shows, with
// what it leaves out put in.
func TestExamplesOfPages(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() // where shop.pb is, by its type
	if err := os.WriteFile(filepath.Join(dir, "shop.pb"), shopDescriptors(t), 0o644); err != nil {
		t.Fatal(err)
	}
	loaded := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			whole := completed(t, page, m[1])
			if _, err := Parse(filepath.Join(dir, "routes.yaml"), whole); err != nil {
				t.Errorf("%s:\n%s\n%v\n(as %s)", page, m[1], err, whole)
			}
			loaded++
		}
	}
	if loaded < 12 {
		t.Fatalf("only %d examples found", loaded)
	}
}

// completed is the file of which a page shows a piece: of its top, of a node's
// settings, or of its rules.
func completed(t *testing.T, page, piece string) []byte {
	t.Helper()
	var top map[string]any
	piece = strings.ReplaceAll(piece, "routes: …", "routes: [{match: /any}]")
	piece = urlOfFile.ReplaceAllString(piece, `"$0"`)
	if regexp.MustCompile(`(?m)^(rules|learn|redact|ready|shadow|compare):`).MatchString(piece) {
		text := strings.TrimRight(strings.ReplaceAll("\n"+piece, "\n", "\n    "), " ")
		if strings.HasPrefix(piece, "rules:") {
			text = "\n    compare:" + strings.ReplaceAll(text, "\n", "\n  ")
		}
		piece = "routes:\n  - match: GET /piece/{id}" + text
	}
	if err := yaml.Unmarshal([]byte(piece), &top); err != nil {
		t.Fatalf("%s: %v\n%s", page, err, piece)
	}
	put := func(into map[string]any, key string, value any) {
		if _, there := into[key]; !there {
			into[key] = value
		}
	}
	put(top, "version", 1)
	put(top, "backends", map[string]any{})
	put(top, "defaults", map[string]any{})
	put(top, "databases", map[string]any{})
	backends := top["backends"].(map[string]any)
	legacy := map[string]any{"urls": []string{"http://127.0.0.1:3000"}, "rollback": "header"}
	newer := map[string]any{"urls": []string{"http://127.0.0.1:4000"}, "rollback": "header"}
	if strings.Contains(piece, "order: clone") {
		legacy["database"], newer["database"] = "shop", "shop_copy"
		delete(newer, "rollback")
	}
	put(backends, "monolith", legacy)
	put(backends, "accounts", newer)
	databases := top["databases"].(map[string]any)
	for _, b := range backends {
		if name, has := b.(map[string]any)["database"]; has {
			put(databases, name.(string), map[string]any{})
		}
	}
	put(top["defaults"].(map[string]any), "legacy", "monolith")
	put(top["defaults"].(map[string]any), "new", "accounts")
	whole, err := yaml.Marshal(top)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// shopDescriptors is a descriptor set with the types of the pages.
func shopDescriptors(t *testing.T) []byte {
	t.Helper()
	text := func(s string) *string { return &s }
	account := &descriptorpb.DescriptorProto{Name: text("Account")}
	set, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{
		Name: text("shop.proto"), Package: text("shop.v1"), Syntax: text("proto3"), MessageType: []*descriptorpb.DescriptorProto{account},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}
