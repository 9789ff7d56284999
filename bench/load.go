package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// loadSpec says what load to make. With Rate it is an open loop: request i is
// due at i/Rate, and its latency counts from then on, whether a connection was
// free or not. A slow answer so shows in all requests that it held up
// ("coordinated omission"). Without Rate it is a closed loop: each connection
// sends its next request when it has its answer.
type loadSpec struct {
	Addr        string
	Connections int
	Duration    time.Duration
	Rate        float64  // requests a second; 0: closed loop
	Requests    [][]byte // sent in turns, as they are
	Length      int      // of each answer's body; another is a failure
}

// loadResult is what came of it.
type loadResult struct {
	Requests int64            // answered as they should be
	Failed   map[string]int64 `json:",omitempty"` // by reason
	Reopened int64            // connections that the server closed after an answer
	Seconds  float64          // until the last answer
	P50, P99 time.Duration
	P999     time.Duration
	Max      time.Duration
	CPU      time.Duration // of the client's process
}

func (r *loadResult) perSecond() float64 { return float64(r.Requests) / r.Seconds }

func (r *loadResult) failures() (n int64) {
	for _, k := range r.Failed {
		n += k
	}
	return n
}

// load makes a load from a process of its own, and waits for its end.
func load(ctx context.Context, spec loadSpec) (*loadResult, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "load")
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("load on %s: %w\n%s", spec.Addr, err, complaint.Bytes())
	}
	var r loadResult
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return nil, fmt.Errorf("result of the load on %s: %w", spec.Addr, err)
	}
	r.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return &r, nil
}

// runLoad is the process that makes the load: the spec comes on in, the result
// goes to out.
func runLoad(ctx context.Context, _ []string, in io.Reader, out io.Writer) error {
	var spec loadSpec
	if err := json.NewDecoder(in).Decode(&spec); err != nil {
		return fmt.Errorf("read what load to make: %w", err)
	}
	r, err := makeLoad(ctx, spec)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}
