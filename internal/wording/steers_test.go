package wording

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func steersTerminal(c rune) bool {
	return unicode.IsControl(c) && c != '\n' && c != '\t' || unicode.Is(unicode.Bidi_Control, c)
}

func TestJSON(t *testing.T) {
	want := map[string]string{"\u009b": "\u009b31m \x7f \u202e <b> größe\n\U0001F986 \u2028"}
	var b bytes.Buffer
	if err := JSON(&b, want); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsFunc(b.String(), steersTerminal) {
		t.Errorf("%q", b.String())
	}
	var got map[string]string
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it means something else (-want +got):\n%s", diff)
	}
	if !strings.Contains(b.String(), "<b> größe") {
		t.Errorf("more is escaped than has to be: %s", b.String())
	}
}
