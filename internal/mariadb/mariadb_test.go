//go:build unix

package mariadb

import (
	"errors"
	"os"
	"testing"
)

// A server that is stopped leaves nothing.
func TestStartAndStop(t *testing.T) {
	s, err := Start(t.Context())
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Socket()); err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.process.Dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}
