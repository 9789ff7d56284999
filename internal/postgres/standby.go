package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/keeper"
)

// Standby makes a server that streams all that is written to c, and waits until
// it answers, to who only reads. Its settings are c's, and those of o over
// them; o.Password is not used: it has c's roles. In pg_stat_replication it is
// called "walreceiver".
func (c *Cluster) Standby(ctx context.Context, o Options) (*Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for range 5 {
		s, err := c.standby(ctx, o)
		if err == nil || !strings.Contains(err.Error(), "Address already in use") {
			return s, err
		}
	}
	return nil, errors.New("start a standby: each of 5 free ports was taken by another process before the server bound it")
}

func (c *Cluster) standby(ctx context.Context, o Options) (*Cluster, error) {
	port, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("find a free port for a standby: %w", err)
	}
	home, err := keeper.NewHome("PostgreSQL", "postgres")
	if err != nil {
		return nil, err
	}
	s := &Cluster{bin: c.bin, port: port, password: c.password, settings: maps.Clone(c.settings)}
	maps.Copy(s.settings, o.Settings)
	from := "host=" + c.Dir() + " port=" + strconv.Itoa(c.port) + " user=postgres" // its socket trusts everybody
	s.process, err = home.Start(ctx, keeper.Server{
		Prepare: []string{s.Program("pg_basebackup"), "-D", home.Path("data"), "-R", "-X", "stream", "--checkpoint=fast", "--no-sync", "-d", from},
		Run:     append([]string{s.Program("postgres")}, s.arguments(home)...),
		Stop:    syscall.SIGINT,
		Kill:    syscall.SIGQUIT,
		Answers: func(ctx context.Context) error { return s.answers(ctx, home) },
	})
	if err != nil {
		return nil, fmt.Errorf("start a standby by %q: %w", s.Program("pg_basebackup"), err)
	}
	return s, nil
}

// Promote makes a standby a primary, and returns when it takes writes.
func (c *Cluster) Promote(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("promote the standby: %w", err)
	}
	defer conn.Close(ctx)
	var done bool
	if err := conn.QueryRow(ctx, "SELECT pg_promote(true, 60)").Scan(&done); err != nil {
		return fmt.Errorf("promote the standby: %w", err)
	}
	if !done {
		return errors.New("promote the standby: it is still one after 60 s")
	}
	return nil
}
