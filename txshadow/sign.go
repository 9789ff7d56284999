package txshadow

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
)

// signer makes signatures with one secret: lower-case hex of HMAC-SHA256 over
// the fields joined by newlines. A signature stands in each live call, so the
// key is prepared once and not for each of them.
type signer struct{ macs sync.Pool }

func newSigner(s Secret) *signer {
	key := []byte(*s.key)
	return &signer{macs: sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }}}
}

// mac is a keyed hash with room for what goes in and comes out.
type mac struct {
	hash.Hash
	buf [256]byte
}

func (s *signer) sign(fields ...string) string {
	m := s.macs.Get().(*mac)
	defer s.macs.Put(m)
	m.Reset()
	joined := m.buf[:0]
	for i, f := range fields {
		if i > 0 {
			joined = append(joined, '\n')
		}
		joined = append(joined, f...)
	}
	m.Write(joined)
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], m.Sum(m.buf[:0]))
	return string(text[:])
}
