package compare

import (
	"bytes"
	"fmt"
	"iter"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// recordSeparator begins each text of a JSON text sequence (RFC 7464).
const recordSeparator = 0x1e

// compareRecords compares JSON documents that follow each other, one a line or
// as RFC 7464 has it, as the elements of one array. With a broken record on
// either side they are compared by line, and the difference says which it was.
func (p *pair) compareRecords(c *content) (*bodies, error) {
	legacy, brokenL := joinRecords(c.legacy)
	new, brokenN := joinRecords(c.new)
	if brokenL == "" && brokenN == "" {
		if max(len(legacy), len(new)) >= maxJSON {
			return compareBytes(c), nil
		}
		b, err := p.walkJSON(legacy, new, &c.base)
		if b == nil && err == nil {
			return nil, misfit{"not JSON", "not JSON"}
		}
		return b, err
	}
	if c.equal() || brokenL != "" && brokenN != "" || !c.isText() {
		return nil, misfit{brokenL, brokenN}
	}
	b := c.one(KindBody, either(brokenL, "JSON records"), either(brokenN, "JSON records"))
	b.add(p.compareText(c))
	return b, nil
}

func either(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// records splits by line, or by the separator when the text begins with one.
func records(text []byte) iter.Seq[[]byte] {
	if len(text) > 0 && text[0] == recordSeparator {
		return bytes.SplitSeq(text[1:], []byte{recordSeparator})
	}
	return bytes.SplitSeq(text, []byte("\n"))
}

// joinRecords makes one array of the records, those that are blank left out,
// and says which is the first that is not JSON.
func joinRecords(text []byte) (array []byte, broken string) {
	array = append(make([]byte, 0, len(text)+2), '[')
	n := 0
	for r := range records(text) {
		if jsontext.Blank(r, 0) == len(r) {
			continue
		}
		n++
		if jsontext.ScanDocument(r) == jsontext.NotJSON {
			return nil, fmt.Sprintf("record %d is not JSON: %s", n, show(r))
		}
		if n > 1 {
			array = append(array, ',')
		}
		array = append(array, r...)
	}
	return append(array, ']'), ""
}
