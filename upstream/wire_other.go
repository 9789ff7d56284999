//go:build !linux

package upstream

import "fmt"

// quiet is never sure: kept connections are not used.
func (w *wire) quiet() bool { return false }

// unreceived is never sure: nothing unsafe is sent again.
func (w *wire) unreceived(int64) bool { return false }

type talk struct{}

func (w *wire) converse(out, in []byte, wrote func()) (got int, stale bool, err error) {
	if _, err := w.Write(out); err != nil {
		return 0, false, fmt.Errorf("send the request: %w", err)
	}
	if wrote != nil {
		wrote()
	}
	got, err = w.Conn.Read(in)
	return got, false, err
}
