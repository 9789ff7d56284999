package shadow

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/quackproxy/quack/routes"
)

// TestRechecksWaitForTheirTime: each for as long as its route says, and those
// that are left when the process ends are handed out once.
func TestRechecksWaitForTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		waits := func(delay time.Duration) *recheck {
			route := &routes.Route{Shadow: routes.Shadow{Recheck: routes.Recheck{Delay: delay}}}
			return &recheck{pairing: pairing{req: &Request{Route: route}}}
		}
		var due []time.Duration
		s := rechecks{max: 2}
		note := func(*recheck) { due = append(due, time.Since(began)) }
		long, short := waits(3*time.Second), waits(200*time.Millisecond)
		if !s.add(long, note) || !s.add(short, note) {
			t.Fatal("there is room for two")
		}
		if s.add(waits(time.Second), note) {
			t.Error("a third has found room")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(due) != 1 || due[0] != 200*time.Millisecond || s.count() != 1 {
			t.Errorf("due after %v, %d wait", due, s.count())
		}
		if left := s.close(); len(left) != 1 || left[0] != long {
			t.Errorf("left %v", left)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(due) != 1 || s.add(short, note) {
			t.Errorf("due after the end: %v", due)
		}
	})
}
