package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/quackproxy/quack/internal/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal notes what happened, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) part(name string, started *sync.WaitGroup, err error) lifecycle.Part {
	return lifecycle.Part{Name: name, Run: func(ctx context.Context) error {
		started.Done()
		<-ctx.Done()
		j.add(name)
		return err
	}}
}

func TestStopsInReverseOrder(t *testing.T) {
	var j journal
	var started sync.WaitGroup
	started.Add(3)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { started.Wait(); cancel() }()
	err := lifecycle.Run(ctx, j.part("store", &started, nil), j.part("shadow", &started, errors.New("broke")), j.part("live", &started, nil))
	if want := []string{"live", "shadow", "store"}; !slices.Equal(j.lines, want) {
		t.Errorf("stopped in order %v, want %v", j.lines, want)
	}
	if err == nil || err.Error() != "shadow: broke" {
		t.Errorf("error %v, want shadow's", err)
	}
}

func TestOneThatReturnsEndsTheOthers(t *testing.T) {
	for _, tt := range []struct {
		err    error
		want   string
		reason string
	}{
		{nil, "first: ended before it was told to", "a part that just ends has left its work undone"},
		{errors.New("no port"), "first: no port", "its own error is the one to show"},
		{context.Canceled, "", "a part that reports its own cancelling is not at fault"},
	} {
		var j journal
		var started sync.WaitGroup
		started.Add(1)
		first := lifecycle.Part{Name: "first", Run: func(context.Context) error { started.Wait(); return tt.err }}
		err := lifecycle.Run(context.Background(), first, j.part("second", &started, nil))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tt.want) || (tt.want == "") != (got == "") {
			t.Errorf("%s: error %q, want %q", tt.reason, got, tt.want)
		}
		if !slices.Equal(j.lines, []string{"second"}) {
			t.Errorf("the second part was not stopped: %v", j.lines)
		}
	}
}
