package pgwire

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"
)

// keys are the cancel keys that clients were given, and whom each cancels.
type keys struct {
	mu  sync.Mutex
	who map[string]canceller
}

// canceller cancels what a client has under way. It returns when a cancel
// request can not hit anything later any more.
type canceller interface{ cancel(ctx context.Context) }

// cancelTimeout is for a cancel request on its way to the database.
const cancelTimeout = 5 * time.Second

func (k *keys) init() { k.who = map[string]canceller{} }

// add makes a key: four bytes in the place of a process id, and a secret, as
// long as the client's protocol allows. Neither can be guessed.
func (k *keys) add(version uint32, c canceller) []byte {
	size := 4 + 4
	if version >= version32 {
		size = 4 + 32
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		key := make([]byte, size)
		rand.Read(key)
		binary.BigEndian.PutUint32(key, binary.BigEndian.Uint32(key)&0x7fffffff) // a pid is not negative
		if _, taken := k.who[string(key)]; !taken {
			k.who[string(key)] = c
			return key
		}
	}
}

func (k *keys) remove(key []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.who, string(key))
}

// cancel passes a request on to the session that the key is for. One with a
// key that is not known is dropped without a word, as PostgreSQL does.
func (k *keys) cancel(ctx context.Context, key []byte) {
	k.mu.Lock()
	c := k.who[string(key)]
	k.mu.Unlock()
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, cancelTimeout)
	defer cancel()
	c.cancel(ctx)
}
