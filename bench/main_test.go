package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serveRole runs a role that listens within the test, and returns its address.
func serveRole(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, nil, in, io.Discard) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line := make([]byte, 64)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(line[:n]))
}

func TestSettings(t *testing.T) {
	for _, c := range []struct{ args, want, reason string }{
		{"", "", "all parts"},
		{"-only p99,go -short", "", "parts by name"},
		{"-only speed", `-only "speed": there is no such part`, "a part that is not known"},
		{"-rounds -1", "-rounds and -connections are 1 or more", "no turns at all"},
		{"-duration -1s", "a duration below zero", "a length that can not be"},
		{"now", `"now" is no flag`, "a word"},
		{"-fast", "flag provided but not defined: -fast", "an unknown flag"},
	} {
		var said bytes.Buffer
		s, err := parseSettings(strings.Fields(c.args), &said)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.reason, err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%s: error %v, want %q", c.reason, err, c.want)
		case err == nil && (s.rounds < 1 || s.duration < time.Second || len(s.only) == 0):
			t.Errorf("%s: %+v", c.reason, s)
		}
	}
	if s, err := parseSettings([]string{"-help"}, io.Discard); s != nil || err != nil {
		t.Errorf("-help: %+v, %v", s, err)
	}
}
