package proxy

import (
	"crypto/sha256"
	"hash"
	"sync"

	"github.com/quackproxy/quack/compare"
)

// keeper takes the copy of an answer's body while it passes: the body itself
// up to max bytes, as far as the budget goes; beyond, its size and digest.
type keeper struct {
	copies *budget
	on     bool
	max    int64
	length int64 // of the body, as far as it is announced; -1 is not known

	messages *framing // of a gRPC answer, nil of others
	streams  bool     // there was more than one of them: then nothing is kept

	body []byte
	size int64
	sum  hash.Hash // of all so far; nil while the body is kept
}

func (k *keeper) add(p []byte) {
	if !k.on {
		return
	}
	k.size += int64(len(p))
	if k.messages != nil {
		if k.messages.add(p); k.messages.more() {
			k.on, k.streams = false, true
			k.end()
			return
		}
	}
	if k.sum == nil {
		if k.size <= k.max && k.copies.take(int64(len(p))) {
			if k.body == nil && k.length > int64(len(p)) {
				k.body = make([]byte, 0, min(k.length, k.max)) // and not grown piece by piece
			}
			k.body = append(k.body, p...)
			return
		}
		k.sum = sha256.New()
		k.sum.Write(k.body)
		k.end()
	}
	k.sum.Write(p)
}

// put writes the copy into e.
func (k *keeper) put(e *compare.Exchange) {
	e.Body, e.Size = k.body, k.size
	if k.sum != nil {
		k.sum.Sum(e.Digest[:0])
	}
}

// end gives the copy's bytes back to the budget; who took the body with put
// keeps it.
func (k *keeper) end() {
	k.copies.give(int64(len(k.body)))
	k.body = nil
}

// buffer is what a body is copied through.
type buffer [32 << 10]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}
