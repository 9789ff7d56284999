package export_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/quackproxy/quack/reports/export"
	"github.com/quackproxy/quack/reports/internal/sample"
	"github.com/quackproxy/quack/reports/render"
)

// steering is what a client can send as it is: CSI as one character, which
// terminals take for ESC [, text that is written the other way round, and the
// byte of CSI alone.
const steering = "/accounts?q=\u009b31m\u202eevil\x9b"

func steersTerminal(c rune) bool {
	return unicode.IsControl(c) && c != '\n' && c != '\t' || unicode.Is(unicode.Bidi_Control, c)
}

// TestNothingExportedSteersATerminal: quack diff and quack export print commands
// to a terminal, and clients choose what stands in them.
func TestNothingExportedSteersATerminal(t *testing.T) {
	c := sample.Request("POST", steering, nil, []byte("{\"a\":\"\u202e\u009b2J\"}"))
	c.Legacy.Answer.Body = []byte("\u009b2J\x7f")
	for _, as := range []export.Format{export.AsCurl, export.AsHurl, export.AsHAR, export.AsGo} {
		text := exported(t, c, as, "")
		if i := strings.IndexFunc(text, steersTerminal); i >= 0 || strings.Contains(text, "\x9b") {
			t.Errorf("%s: %q", as, text)
		}
	}
	c.Request.Body = nil
	http := exported(t, c, export.AsHTTP, "legacy")
	if strings.ContainsFunc(http, steersTerminal) || !strings.Contains(http, "/accounts?q=%C2%9B31m%E2%80%AEevil%9B HTTP/1.1") {
		t.Errorf("http: %q", http)
	}
	var b bytes.Buffer
	if err := render.Comparison(&b, c, render.Screen{}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsFunc(b.String(), steersTerminal) || strings.Contains(b.String(), "\x9b") {
		t.Errorf("diff: %q", b.String())
	}
}

// TestURLsStayWhatTheyAre: letters of other languages are no danger.
func TestURLsStayWhatTheyAre(t *testing.T) {
	text := exported(t, sample.Request("GET", "/größe/%C2%9B?q=日本", nil, nil), export.AsCurl, "new")
	if !strings.Contains(text, "'http://127.0.0.1:4000/größe/%C2%9B?q=日本'") {
		t.Error(text)
	}
}
