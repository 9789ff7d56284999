package shadow

import "testing"

func TestMixedHistory(t *testing.T) {
	y, n, silent := helloReady, helloRefused, helloSilent
	for _, c := range []struct {
		reason  string
		answers []helloKind
		mixed   bool
	}{
		{"always ready", []helloKind{y, y, y, y}, false},
		{"never ready", []helloKind{n, n, n}, false},
		{"it got the adapter", []helloKind{n, n, y, y}, false},
		{"it lost the adapter", []helloKind{y, y, n}, false},
		{"to and fro", []helloKind{y, n, y}, true},
		{"fro and to", []helloKind{n, y, n}, true},
		{"a restart in between says nothing", []helloKind{y, silent, silent, y, silent, y}, false},
		{"long ago", []helloKind{y, n, y, y, y, y, y, y}, false},
	} {
		var h history
		for _, k := range c.answers {
			h.add(k)
		}
		if h.mixed() != c.mixed {
			t.Errorf("%s: mixed(%v) = %v", c.reason, h, h.mixed())
		}
	}
}
