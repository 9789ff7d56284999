package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Restart stops the server, whoever is connected, starts it again at the same
// port, and waits until it answers.
func (c *Cluster) Restart(ctx context.Context) error {
	before, err := c.server()
	if err != nil {
		return fmt.Errorf("restart PostgreSQL: %w", err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "again"), nil, 0o600); err != nil {
		return fmt.Errorf("restart PostgreSQL: %w", err)
	}
	if err := syscall.Kill(before, syscall.SIGINT); err != nil {
		return fmt.Errorf("restart PostgreSQL: %w", err)
	}
	for now := before; now == before || err != nil; now, err = c.server() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("restart PostgreSQL: %w\n%s", ctx.Err(), c.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return c.ready(ctx)
}

// server is the process id of the server.
func (c *Cluster) server() (int, error) {
	b, err := os.ReadFile(filepath.Join(c.dir, "server"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}
