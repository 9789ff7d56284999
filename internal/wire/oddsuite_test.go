package wire

import (
	"net/http"
	"os"
	"sync"
	"testing"
)

var errDeadline = os.ErrDeadlineExceeded

// Odd requests: what is malformed or ambiguous is refused and the connection
// closed, what is only unusual arrives once and in its plainest form, and
// nothing ever makes two requests of one.
func TestOddRequests(t *testing.T) {
	all := corpus()
	if len(all) < 700 {
		t.Fatalf("%d cases, want 700", len(all))
	}
	overBoth(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		w := newWitness(t, strictSize)
		run := start(t, newPath(t, w.url))
		got := askAll(t.Errorf, run.addr, all)
		if err := run.drain(); err != nil {
			t.Error(err)
		}
		for n, o := range all {
			if fault := judge(w, n, o, got[n]); fault != "" {
				raw, _, _ := o.bytes(n)
				t.Errorf("%04d %s\n\t%s: %s\n\t%.200q", n, o.reason, o.label, fault, raw)
			}
		}
	})
}

// askAll sends the corpus, eight at a time. tell is told of answers that are
// none.
func askAll(tell func(format string, args ...any), addr string, all []odd) []told {
	got := make([]told, len(all))
	next := make(chan int)
	var askers sync.WaitGroup
	for range 8 {
		askers.Go(func() {
			for n := range next {
				raw, _, _ := all[n].bytes(n)
				var err error
				if got[n], err = askOddly(addr, raw, all[n].label != refuse); err != nil {
					tell("%04d %s\n\t%.200q\n\t%v", n, all[n].reason, raw, err)
				}
			}
		})
	}
	for n := range all {
		next <- n
	}
	close(next)
	askers.Wait()
	return got
}
