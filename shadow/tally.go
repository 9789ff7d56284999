package shadow

import (
	"strings"
	"sync"
)

// tally counts what happens often, so that the log says it the 1st, 10th,
// 100th, … time. It keeps tallyMax counts and forgets any of them for a new one.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

const tallyMax = 1024

// add counts one more of what, and reports whether its number deserves a line
// in the log.
func (t *tally) add(what ...string) (n int, notable bool) {
	k := strings.Join(what, "\x00")
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = make(map[string]int)
	}
	if _, known := t.n[k]; !known {
		makeRoom(t.n, tallyMax)
	}
	t.n[k]++
	n = t.n[k]
	return n, powerOfTen(n)
}

func powerOfTen(n int) bool {
	for n > 1 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}

// makeRoom deletes any entry of m when it is full.
func makeRoom[K comparable, V any](m map[K]V, most int) {
	if len(m) < most {
		return
	}
	for k := range m {
		delete(m, k)
		return
	}
}
