package reports

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestRunsAreComparedOneAtATime: each takes memory by the number of groups, of
// the process that also serves clients.
func TestRunsAreComparedOneAtATime(t *testing.T) {
	r := openTest(t, Config{Key: make([]byte, 32)})
	if _, err := r.Mark(t.Context(), Mark{Name: "v1"}); err != nil {
		t.Fatal(err)
	}
	r.comparing <- struct{}{} // one is under way
	ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer stop()
	if _, err := r.Compare(ctx, Span{}, Span{From: "v1"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it did not wait: %v", err)
	}
	<-r.comparing
	for range 2 {
		if _, err := r.Compare(t.Context(), Span{}, Span{From: "v1"}); err != nil {
			t.Fatal(err)
		}
	}
}
