package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// colliding is a JSON string of one hash for all v below a million: a block
// that makes a factor of mix zero wipes out what stands in front of it.
func colliding(v int) string {
	return fmt.Sprintf("\"%08d\xdb\x28\xb4\xa0\xd1\\u007e\\u0003\xe7\"", v)
}

func hashOf(quoted string) uint64 {
	return hashText([]byte(jsontext.Unescaped([]byte(quoted[1:len(quoted)-1]))), nil, leniency{})
}

// TestCollidingElementsHideNothing compares arrays whose elements all have one
// hash. They can not be told apart when they are paired; all are compared.
func TestCollidingElementsHideNothing(t *testing.T) {
	const n = 5000
	elements := make([]string, n)
	for i := range elements {
		elements[i] = colliding(i)
		if hashOf(elements[i]) != hashOf(colliding(0)) {
			t.Fatalf("%q has a hash of its own", elements[i])
		}
	}
	array := func(list []string) *Exchange { return jsonExchange([]byte("[" + strings.Join(list, ",") + "]")) }
	unordered, errs := Compile([]Rule{{Path: "$", Unordered: true}})
	if errs != nil {
		t.Fatal(errs)
	}
	for name, rules := range map[string]*Rules{"in order": nil, "unordered": unordered} {
		t.Run(name, func(t *testing.T) {
			changed := slices.Clone(elements)
			changed[17] = colliding(n)
			r := Exchanges(array(elements), array(changed), rules)
			if len(r.Differences) != 1 || r.Differences[0].At != "$[17]" || r.Differences[0].Kind != KindValue {
				t.Errorf("one changed: %+v", r)
			}
			if r := Exchanges(array(elements), array(append(slices.Clone(elements), colliding(n))), rules); len(r.Differences) != 1 || r.Differences[0].Kind != KindLength {
				t.Errorf("one more: %d differences", len(r.Differences)+r.Truncated)
			}
			slices.Reverse(changed)
			if r := Exchanges(array(elements), array(changed), rules); r.Match() {
				t.Error("reversed, and one changed: a match")
			}
			spaced := jsonExchange([]byte("[ " + strings.Join(elements, " , ") + "]"))
			if r := Exchanges(array(elements), spaced, rules); !r.Match() {
				t.Errorf("the same: %+v", r)
			}
		})
	}
}
