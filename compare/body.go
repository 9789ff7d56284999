package compare

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// compareBodies compares the bodies by what they are. Equal ones are read only
// when linked says that a mapping needs their values.
func (p *pair) compareBodies(linked bool) (*bodies, error) {
	same := p.sameBytes() && !p.recoded()
	if same && !(linked && p.rules.linked && whole(p.legacy)) {
		return &bodies{}, nil
	}
	if !whole(p.legacy) || !whole(p.new) {
		return p.compareDigests()
	}
	legacy, errL := decode(p.legacy)
	new, errN := decode(p.new)
	if errL != nil || errN != nil {
		return p.undecoded(same, errL, errN)
	}
	p.ids.contents(legacy, new)
	return p.compareContent(p.answer(legacy, new))
}

// undecoded handles bodies whose coding can not be undone: one that is not
// known leaves the bytes as received to be compared.
func (p *pair) undecoded(same bool, legacy, new error) (*bodies, error) {
	if same {
		return &bodies{}, nil
	}
	unknown := func(err error) bool { return err == nil || errors.Is(err, errUnknownCoding) }
	if unknown(legacy) && unknown(new) {
		return compareBytes(p.answer(p.legacy.Body, p.new.Body)), nil
	}
	var err error
	if legacy != nil {
		err = fmt.Errorf("decode legacy's body: %w", legacy)
	}
	if new != nil {
		err = errors.Join(err, fmt.Errorf("decode new's body: %w", new))
	}
	return &bodies{}, err
}

// compareDigests compares bodies of which not all is there.
func (p *pair) compareDigests() (*bodies, error) {
	if coding(p.legacy.Header) != "" || coding(p.new.Header) != "" {
		return &bodies{}, errors.New("a body is content-encoded and larger than the copy that is kept\nraise max_body, or ask the backends for identity coding on this route")
	}
	return p.answer(nil, nil).one(KindBody, describe(p.legacy.Size, digest(p.legacy)), describe(p.new.Size, digest(p.new))), nil
}

// digest is the SHA-256 of the whole body.
func digest(e *Exchange) [32]byte {
	if whole(e) {
		return sha256.Sum256(e.Body)
	}
	return e.Digest
}

func describe(size int64, digest [32]byte) string {
	return fmt.Sprintf("%d bytes, sha256 %x", size, digest)
}

// content is a body, or a part of one, on both sides, without content codings.
type content struct {
	legacy, new []byte
	media       [2]media // of legacy and new
	base        base
}

// answer is the content of the whole bodies.
func (p *pair) answer(legacy, new []byte) *content {
	typeL, typeN := p.legacy.Header["Content-Type"], p.new.Header["Content-Type"]
	m := mediaOf(typeL)
	other := m
	if !slices.Equal(typeL, typeN) {
		other = mediaOf(typeN)
	}
	return &content{legacy, new, [2]media{m, other}, rootBase}
}

func (c *content) equal() bool { return bytes.Equal(c.legacy, c.new) }

// isText reports whether both sides are UTF-8.
func (c *content) isText() bool { return utf8.Valid(c.legacy) && utf8.Valid(c.new) }

// compareContent compares two bodies by what they are: their charset is
// undone, and then it is for the format to say. What is not in the format that
// it says it is in falls back to less: see compareMisfit.
func (p *pair) compareContent(c *content) (*bodies, error) {
	if c.equal() && !p.rules.linksBody() {
		return &bodies{}, nil
	}
	if len(c.legacy) == 0 || len(c.new) == 0 {
		return c.compareEmpty(), nil
	}
	f, sniffed := c.format()
	if f.compare == nil {
		return compareBytes(c), nil
	}
	recoded, ok := c, true
	if f.textual {
		if recoded, ok = c.withoutCharset(f); !ok {
			return compareBytes(c), nil
		}
	}
	b, err := f.compare(p, recoded)
	if err != nil {
		return p.notCompared(recoded, sniffed, b, err)
	}
	if f.textual {
		b.addFirst(c.otherCharset(f))
	}
	return b, nil
}

// notCompared handles contents that their format could not compare; sniffed
// says that they only looked like it.
func (p *pair) notCompared(c *content, sniffed bool, b *bodies, err error) (*bodies, error) {
	m := misfit{}
	switch {
	case !errors.As(err, &m):
		return b, err
	case sniffed:
		return compareBytes(c), nil
	}
	return p.compareMisfit(c, m), nil
}

// linksBody reports whether some rule with same is for values in the body.
func (r *Rules) linksBody() bool { return r != nil && r.linked }

func (c *content) compareEmpty() *bodies {
	switch {
	case len(c.legacy) > 0:
		return c.one(KindMissing, shown(c.legacy, c.media[0]), "")
	case len(c.new) > 0:
		return c.one(KindAdded, "", shown(c.new, c.media[1]))
	}
	return &bodies{}
}

// misfit is the error of a format for contents of which one or both are not
// in it: why not, "" for a side that is.
type misfit struct{ legacy, new string }

func (m misfit) Error() string { return strings.TrimSpace(m.legacy + " " + m.new) }

// compareMisfit compares contents of which at least one is not in the format
// that it says it is in. One alone is the difference; when both are, they are
// compared by line, as bytes when they are no text.
func (p *pair) compareMisfit(c *content, m misfit) *bodies {
	switch both := m.legacy != "" && m.new != ""; {
	case c.equal():
		return &bodies{}
	case !c.isText():
		return compareBytes(c)
	case both:
		return p.compareText(c)
	}
	return c.one(KindBody, shown(c.legacy, c.media[0]), shown(c.new, c.media[1]))
}

// shown is a body for a person: itself when it is text, else its size and
// digest. What is neither said to be text nor anything else is judged by its bytes.
func shown(body []byte, m media) string {
	name := formatOf(m.name)
	if !utf8.Valid(body) || m.name != "" && name != "parts" && !formatNamed(name).textual {
		return describe(int64(len(body)), sha256.Sum256(body))
	}
	return show(body)
}

// compareBytes compares contents that can not be taken apart.
func compareBytes(c *content) *bodies {
	if c.equal() {
		return &bodies{}
	}
	return c.one(KindBody, describe(int64(len(c.legacy)), sha256.Sum256(c.legacy)), describe(int64(len(c.new)), sha256.Sum256(c.new)))
}
