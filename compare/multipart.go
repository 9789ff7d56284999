package compare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/textproto"
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare/internal/align"
	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// Bounds of multipart bodies. Those with more parts are compared by bytes, and
// so are parts that stand deeper in parts.
const (
	maxParts     = 10_000
	maxPartDepth = 4
)

// part is one of a multipart body.
type part struct {
	name   string // of form-data
	header textproto.MIMEHeader
	body   []byte
}

func (p *part) media() media {
	if lines := p.header["Content-Type"]; len(lines) > 0 {
		return mediaOf(lines)
	}
	return media{name: "text/plain"} // RFC 2046 section 5.1
}

func (p *part) hash() uint64 {
	return bytewise.Mix(bytewise.Hash(p.body), bytewise.Hash([]byte(p.header.Get("Content-Disposition")+"\n"+p.header.Get("Content-Type"))))
}

// compareMultipart compares the parts of multipart bodies: those of form-data
// by name, others by position; each by its own type. The boundary is free.
func (p *pair) compareMultipart(c *content) (*bodies, error) {
	if c.base.depth >= maxPartDepth {
		return compareBytes(c), nil
	}
	l, errL := readParts(c.legacy, c.media[0])
	n, errN := readParts(c.new, c.media[1])
	if errors.Is(errL, errManyParts) || errors.Is(errN, errManyParts) {
		return compareBytes(c), nil
	}
	if errL != nil || errN != nil {
		return nil, misfit{errText(errL), errText(errN)}
	}
	if c.media[0].name != "multipart/form-data" || c.media[1].name != "multipart/form-data" {
		return p.compareParts(l, n, func(index int32) base { return c.base.element(index) })
	}
	b := &bodies{}
	for _, name := range partNames(l, n) {
		ofL, ofN := partsNamed(l, name), partsNamed(n, name)
		alone := len(ofL) <= 1 && len(ofN) <= 1
		part, err := p.compareParts(ofL, ofN, func(index int32) base {
			if alone {
				index = -1
			}
			return c.base.member(name, index)
		})
		if err != nil {
			return b, err
		}
		b.add(part)
	}
	return b, nil
}

var errManyParts = fmt.Errorf("more than %d parts", maxParts)

// readParts reads a multipart body (RFC 2046).
func readParts(body []byte, m media) ([]*part, error) {
	boundary := m.params["boundary"]
	if boundary == "" {
		return nil, errors.New("no boundary between parts is named")
	}
	if !bytes.Contains(body, []byte("--"+boundary+"--")) { // the reader takes what breaks off for the end
		return nil, errors.New("the last boundary is missing")
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	var list []*part
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		if list = append(list, &part{p.FormName(), p.Header, data}); len(list) > maxParts {
			return nil, errManyParts
		}
	}
}

// partNames are those of both sides in order, those of legacy first.
func partNames(l, n []*part) (names []string) {
	seen := map[string]bool{}
	for _, p := range slices.Concat(l, n) {
		if !seen[p.name] {
			seen[p.name] = true
			names = append(names, p.name)
		}
	}
	return names
}

func partsNamed(list []*part, name string) (named []*part) {
	for _, p := range list {
		if p.name == name {
			named = append(named, p)
		}
	}
	return named
}

// compareParts compares two lists of parts with the fewest edits.
func (p *pair) compareParts(l, n []*part, at func(index int32) base) (*bodies, error) {
	hashes := func(list []*part) (sums []uint64) {
		for _, p := range list {
			sums = append(sums, p.hash())
		}
		return sums
	}
	b := &bodies{}
	for _, k := range align.Edits(hashes(l), hashes(n)) {
		here := at(k.Index())
		switch {
		case k.New < 0:
			b.add(p.lonePart(&here, KindMissing, l[k.Legacy].show(), ""))
		case k.Legacy < 0:
			b.add(p.lonePart(&here, KindAdded, "", n[k.New].show()))
		default:
			found, err := p.comparePart(l[k.Legacy], n[k.New], &here)
			if err != nil {
				return b, fmt.Errorf("%s: %w", here.at, err)
			}
			b.add(found)
		}
	}
	return b, nil
}

// show is a part for a person.
func (p *part) show() string { return show(p.body) }

// lonePart is the difference of a part that one side has alone.
func (p *pair) lonePart(at *base, kind Kind, legacy, new string) *bodies {
	f := finding{Difference: Difference{Path: at.path, At: at.at, Kind: kind, Weight: 1, Legacy: legacy, New: new}, level: -1}
	f.judge(p.rules, p.rules.rulesAt(at), at.name(), legacy, new)
	return &bodies{[]piece{&findings{found: []finding{f}}}}
}

// comparePart compares two parts: their header fields, and what is in them.
func (p *pair) comparePart(l, n *part, at *base) (*bodies, error) {
	c := &content{l.body, n.body, [2]media{l.media(), n.media()}, *at}
	heads := p.comparePartHeads(l, n, at)
	for _, r := range p.rules.rulesAt(at) {
		if !p.rules.actions[r].ignore {
			continue
		}
		if c.equal() && len(heads.found) == 0 {
			return &bodies{}, nil
		}
		b := c.one(KindBody, l.show(), n.show())
		b.pieces[0].(*findings).found[0].verdict = forgivenBy(r)
		return b, nil
	}
	b := &bodies{[]piece{heads}}
	found, err := p.compareContent(c)
	b.add(found)
	return b, err
}

// comparePartHeads compares the header fields of two parts.
func (p *pair) comparePartHeads(l, n *part, at *base) *findings {
	s := &findings{listing: &p.listing}
	names := slices.Sorted(maps.Keys(l.header))
	for name := range n.header {
		if _, both := l.header[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		legacy, new := strings.Join(l.header[name], ", "), strings.Join(n.header[name], ", ")
		if legacy == new || name == "Content-Length" || name == "Content-Type" && (sameMediaType(legacy, new) || sameButBoundary(legacy, new)) {
			continue
		}
		here := at.member("@"+name, -1)
		f := newFinding(here.path, KindValue, l.header[name], n.header[name])
		f.At, f.Weight, f.level = here.at, 1, -1
		f.judge(p.rules, p.rules.rulesAt(&here), name, legacy, new)
		s.add(f)
	}
	return s
}

// sameButBoundary reports whether two Content-Types of multipart bodies differ
// in the boundary alone.
func sameButBoundary(a, b string) bool {
	typeA, paramsA, errA := mime.ParseMediaType(a)
	typeB, paramsB, errB := mime.ParseMediaType(b)
	if errA != nil || errB != nil || typeA != typeB || !strings.HasPrefix(typeA, "multipart/") {
		return false
	}
	if paramsA["boundary"] == "" || paramsB["boundary"] == "" {
		return false
	}
	delete(paramsA, "boundary")
	delete(paramsB, "boundary")
	return maps.Equal(paramsA, paramsB)
}
