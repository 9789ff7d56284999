package jsontree

import (
	"strings"
	"testing"
)

// write is a value as JSON on one line.
func (v *Value) write() string {
	if v.Bracket == 0 {
		return v.Text
	}
	var items []string
	for i, item := range v.Items {
		text := item.write()
		if v.Bracket == '{' {
			text = Quote(v.Names[i]) + ":" + text
		}
		items = append(items, text)
	}
	return string(v.Bracket) + strings.Join(items, ",") + v.Closing()
}

func TestAsItWasWritten(t *testing.T) {
	for _, c := range []struct{ reason, in, want string }{
		{"members in their order, one twice", `{"b":1,"a":2,"b":3}`, `{"b":1,"a":2,"b":3}`},
		{"all digits of numbers", `[1.0, 1e0, 12345678901234567890.10]`, `[1.0,1e0,12345678901234567890.10]`},
		{"scalars", ` [null,true,false,"a<b&"] `, `[null,true,false,"a<b&"]`},
		{"empty ones", `{"a":{},"b":[]}`, `{"a":{},"b":[]}`},
		{"a scalar root", `"x"`, `"x"`},
		{"500 deep", strings.Repeat("[", 500) + strings.Repeat("]", 500), strings.Repeat("[", 500) + strings.Repeat("]", 500)},
	} {
		v, err := Parse([]byte(c.in))
		if err != nil || v.write() != c.want {
			t.Errorf("%s: %v, %v", c.reason, v, err)
		}
	}
	for _, bad := range []string{``, `{`, `{"a"}`, `[1,]`, `1 2`, `nul`, strings.Repeat("[", 502) + strings.Repeat("]", 502)} {
		if v, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%.20q is %v", bad, v)
		}
	}
}
