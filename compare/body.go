package compare

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// bodies is what comparing the bodies found: in a JSON walk, or as findings.
type bodies struct {
	walk  *walk
	found []finding

	// places is how many places found is of: its weights are set when all
	// verdicts are settled. 0 when they are set already.
	places int
}

// matches reports whether nothing in the bodies counts.
func (b *bodies) matches() bool {
	return counting(b.found) == 0 && (b.walk == nil || b.walk.counting() == 0)
}

func (b *bodies) list(l *ledger) {
	if b.walk != nil {
		b.walk.list(l)
	}
	l.addAll(b.found)
}

// free ends the use of what was found.
func (b *bodies) free() {
	if b.walk != nil {
		b.walk.free()
		b.walk = nil
	}
}

func (b *bodies) enterEqual(all *links) {
	if b.walk != nil {
		b.walk.enterEqual(all)
	}
}

func (b *bodies) settleLinks(settle func(*verdict, linkValue, linkValue)) {
	if b.walk != nil {
		b.walk.settleLinks(settle)
	}
}

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
	return p.compareContents(legacy, new)
}

// undecoded handles bodies whose coding can not be undone: one that is not
// known leaves the bytes as received to be compared.
func (p *pair) undecoded(same bool, legacy, new error) (*bodies, error) {
	if same {
		return &bodies{}, nil
	}
	unknown := func(err error) bool { return err == nil || errors.Is(err, errUnknownCoding) }
	if unknown(legacy) && unknown(new) {
		return p.compareBytes(p.legacy.Body, p.new.Body), nil
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
	f := bodyFinding(KindBody, "", "")
	f.Legacy, f.New = describe(p.legacy.Size, digest(p.legacy)), describe(p.new.Size, digest(p.new))
	return &bodies{found: []finding{f}}, nil
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

func bodyFinding(kind Kind, legacy, new string) finding {
	return finding{Difference: Difference{Path: "body", At: "body", Kind: kind, Weight: 1, Legacy: legacy, New: new}}
}

// compareContents compares two bodies without their content codings.
func (p *pair) compareContents(legacy, new []byte) (*bodies, error) {
	p.ids.contents(legacy, new)
	equal := bytes.Equal(legacy, new)
	if equal && !p.rules.linksBody() {
		return &bodies{}, nil
	}
	if len(legacy) == 0 || len(new) == 0 {
		return emptyBody(legacy, new), nil
	}
	typeL, typeN := mediaType(p.legacy.Header), mediaType(p.new.Header)
	jsonL, jsonN := isJSON(typeL), isJSON(typeN)
	if (jsonL || typeL == "") && (jsonN || typeN == "") && max(len(legacy), len(new)) < maxJSON {
		b, err := p.compareJSON(legacy, new)
		if b != nil || err != nil {
			return b, err
		}
		if jsonL && jsonN {
			return p.compareBroken(legacy, new), nil
		}
	}
	switch {
	case equal:
		return &bodies{}, nil
	case typeL == typeN && strings.HasPrefix(typeL, "text/") && utf8.Valid(legacy) && utf8.Valid(new):
		return compareText(legacy, new, p.rules), nil
	}
	return p.compareBytes(legacy, new), nil
}

// linksBody reports whether some rule with same is for values in the body.
func (r *Rules) linksBody() bool { return r != nil && r.linked }

func emptyBody(legacy, new []byte) *bodies {
	b := &bodies{}
	switch {
	case len(legacy) > 0:
		b.found = []finding{bodyFinding(KindMissing, show(legacy), "")}
	case len(new) > 0:
		b.found = []finding{bodyFinding(KindAdded, "", show(new))}
	}
	return b
}

// maxJSON is the size of body that is still compared as JSON: positions in it
// are kept in 32 bits.
const maxJSON = 1 << 30

// compareJSON gives nil when a body is not JSON.
func (p *pair) compareJSON(legacy, new []byte) (*bodies, error) {
	if bom := []byte("\ufeff"); bytes.HasPrefix(legacy, bom) && bytes.HasPrefix(new, bom) {
		legacy, new = legacy[len(bom):], new[len(bom):]
	}
	w := newWalk(legacy, new, p.rules)
	if w.ids = p.ids; w.ids != nil {
		w.apart = w.ids.apart
	}
	failed := w.compare()
	if failed == 0 {
		return &bodies{walk: w}, nil
	}
	w.free()
	switch failed {
	case tooDeep:
		return &bodies{}, fmt.Errorf("a JSON body has arrays or objects more than %d deep", maxDepth)
	case tooLong:
		return &bodies{}, errors.New("the JSON bodies are nested deeply and differ in order at each level: comparing them would take too long")
	}
	return nil, nil
}

// compareBroken compares bodies that say they are JSON when at least one is not.
func (p *pair) compareBroken(legacy, new []byte) *bodies {
	text := utf8.Valid(legacy) && utf8.Valid(new)
	switch both := scanDocument(legacy) < 0 && scanDocument(new) < 0; {
	case bytes.Equal(legacy, new):
		return &bodies{}
	case text && both:
		return compareText(legacy, new, p.rules)
	case text:
		return &bodies{found: []finding{bodyFinding(KindBody, show(legacy), show(new))}}
	}
	return p.compareBytes(legacy, new)
}

// compareBytes compares bodies that can not be taken apart.
func (p *pair) compareBytes(legacy, new []byte) *bodies {
	f := bodyFinding(KindBody, "", "")
	f.Legacy = describe(int64(len(legacy)), sha256.Sum256(legacy))
	f.New = describe(int64(len(new)), sha256.Sum256(new))
	return &bodies{found: []finding{f}}
}

// mediaType is the type of a body in lower case without parameters, "" when it
// has none.
func mediaType(h http.Header) string {
	value := ""
	if v := h["Content-Type"]; len(v) > 0 {
		value = v[0]
	}
	t, _, err := mime.ParseMediaType(value)
	if err != nil {
		t, _, _ = strings.Cut(strings.ToLower(value), ";")
		t = strings.TrimSpace(t)
	}
	return t
}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || mediaType == "text/json" || strings.HasSuffix(mediaType, "+json")
}
