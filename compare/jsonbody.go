package compare

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// maxJSON is the size of body that is still compared as JSON: positions in it
// are kept in 32 bits.
const maxJSON = 1 << 30

// compareJSON compares JSON texts (RFC 8259).
func (p *pair) compareJSON(c *content) (*bodies, error) {
	legacy, new := c.legacy, c.new
	if bom := []byte("\ufeff"); bytes.HasPrefix(legacy, bom) && bytes.HasPrefix(new, bom) {
		legacy, new = legacy[len(bom):], new[len(bom):]
	}
	if max(len(legacy), len(new)) >= maxJSON {
		return compareBytes(c), nil
	}
	b, err := p.walkJSON(legacy, new, &c.base)
	if b != nil || err != nil {
		return b, err
	}
	return nil, misfit{notJSONText(legacy), notJSONText(new)}
}

func notJSONText(s []byte) string {
	if jsontext.ScanDocument(s) < 0 {
		return "not JSON"
	}
	return ""
}

// newWalk makes a walk that knows the ids of the answers.
func (p *pair) newWalk(legacy, new []byte, rules *Rules) *walk {
	w := newWalk(legacy, new, rules)
	if w.ids = p.ids; w.ids != nil {
		w.apart = w.ids.apart
	}
	return w
}

// walkJSON gives nil when a text is not JSON.
func (p *pair) walkJSON(legacy, new []byte, at *base) (*bodies, error) {
	w := p.newWalk(legacy, new, p.rules)
	w.start(at)
	failed := w.compare()
	if failed == 0 {
		return &bodies{[]piece{w}}, nil
	}
	w.free()
	switch failed {
	case jsontext.TooDeep:
		return &bodies{}, fmt.Errorf("a JSON body has arrays or objects more than %d deep", jsontext.MaxDepth)
	case tooLong:
		return &bodies{}, errors.New("the JSON bodies are nested deeply and differ in order at each level: comparing them would take too long")
	}
	return nil, nil
}
