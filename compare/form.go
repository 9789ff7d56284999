package compare

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
)

// compareForm compares application/x-www-form-urlencoded bodies: a value by
// its name. The order of names is free, that of the values of one name is not.
func (p *pair) compareForm(c *content) (*bodies, error) {
	return p.compareTrees(c, "a form", parseForm, treeOptions{loose: true})
}

// parseForm reads a form as a document of one element for each value.
func parseForm(text []byte, _ media, names *names) (*tree, error) {
	b := newBuilder(names, 2*bytes.Count(text, []byte("&"))+2)
	for field := range bytes.SplitSeq(bytes.TrimSpace(text), []byte("&")) {
		if len(field) == 0 {
			continue
		}
		rawName, rawValue, _ := bytes.Cut(field, []byte("="))
		name, errName := url.QueryUnescape(string(rawName))
		value, errValue := url.QueryUnescape(string(rawValue))
		switch {
		case errName != nil || errValue != nil:
			return nil, fmt.Errorf("a form has %w", errors.Join(errName, errValue))
		case name == "":
			return nil, errors.New("a form has a value without a name")
		}
		if err := b.start(name, ""); err != nil {
			return nil, err
		}
		if err := b.addText(value); err != nil {
			return nil, err
		}
		b.end()
	}
	return b.tree, nil
}
