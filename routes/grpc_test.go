package routes

import (
	"fmt"
	"strings"
	"testing"
)

func TestExplainGRPC(t *testing.T) {
	for _, c := range []struct{ reason, protocol, settings, want string }{
		{"safe, without a descriptor set", "h2", "safe: true", "compared by bytes"},
		{"unsafe", "h2", "shadow: {sample: 100%}", "say safe: true"},
		{"before the live call", "h2", "safe: true, shadow: {order: before}", "leave out order: before"},
		{"no HTTP/2, no gRPC", "http1", "safe: true", ""},
		{"nothing is shadowed", "h2", "safe: true, stage: legacy", ""},
	} {
		settings := c.settings
		if !strings.Contains(settings, "stage:") {
			settings += ", stage: shadow"
		}
		src := fmt.Sprintf("version: 1\nbackends:\n  a: {urls: [http://127.0.0.1:3000], protocol: %[1]s}\n  b: {urls: [http://127.0.0.1:3001], protocol: %[1]s, rollback: header}\n"+
			"defaults: {legacy: a, new: b}\nroutes:\n  - {match: POST /s/m, %[2]s}\n", c.protocol, settings)
		table, err := Parse("routes.yaml", []byte(src))
		if err != nil {
			t.Fatalf("%s: %v", c.reason, err)
		}
		got := ""
		for _, s := range table.Explain("POST", "/s/m").Happens {
			if s.What == "gRPC" {
				got = s.Text
			}
		}
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: explained as %q, want %q", c.reason, got, c.want)
		}
	}
}
