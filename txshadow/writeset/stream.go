package writeset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/quackproxy/quack/txshadow/internal/connect"
)

const (
	connectTimeout = 10 * time.Second
	// lookEvery is how often the slot is looked at, and the server told that
	// we live: it gives up after wal_sender_timeout, 60 s by default.
	lookEvery = 10 * time.Second
	// confirmEvery is how often the server is told how far we are while nobody
	// waits: what it is told lets it drop WAL.
	confirmEvery    = time.Second
	applicationName = "quack-writeset"
	// maxMessage is the longest message that is read, which has one row in it.
	maxMessage = 128 << 20
)

// stream is one slot, from its making to its end. One goroutine owns it.
type stream struct {
	reader *Reader
	conn   *pgconn.PgConn // streams
	side   *pgx.Conn      // asks
	gather collector

	seen      pglogrepl.LSN // everything before is dealt with
	confirmed pglogrepl.LSN
	told      time.Time // of confirmed
	looked    time.Time
}

// stream makes a slot and reads it until something fails.
func (r *Reader) stream(ctx context.Context) error {
	s := &stream{reader: r, gather: collector{maxRows: r.maxRows, maxBytes: r.maxBytes}}
	defer s.close()
	if err := s.connect(ctx); err != nil {
		return err
	}
	if err := s.fit(ctx); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	r.available()
	r.log.Info("the rows that shadows write are read", "slot", r.slot)
	return s.read(ctx)
}

// settings are the server's forms of values, so that both sides of a comparison
// have the same, whoever is asked.
var settings = map[string]string{
	"TimeZone": "UTC", "DateStyle": "ISO", "IntervalStyle": "postgres", "bytea_output": "hex", "extra_float_digits": "1",
}

func (s *stream) connect(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	side := s.reader.config.Copy()
	side.RuntimeParams["application_name"] = applicationName
	if s.side, err = pgx.ConnectConfig(ctx, side); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	config := s.reader.config.Config.Copy()
	config.RuntimeParams["application_name"] = applicationName
	config.RuntimeParams["replication"] = "database"
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		f := pgproto3.NewFrontend(r, w)
		f.SetMaxBodyLen(maxMessage)
		return f
	}
	if s.conn, err = pgconn.ConnectConfig(ctx, config); err != nil {
		return fmt.Errorf("connect for replication: %w\n  the role needs the attribute REPLICATION, and the DSN has to lead to the database itself and not to a pooler", err)
	}
	for name, value := range settings {
		if _, err := s.conn.Exec(ctx, "SET "+name+" = '"+value+"'").ReadAll(); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// goneTimeout is how long the slot's end is waited for.
const goneTimeout = 2 * time.Second

// close closes the connections and waits until the server has the slot no
// more: it stands in the way of who drops the database.
func (s *stream) close() {
	ctx, cancel := context.WithTimeout(context.Background(), goneTimeout)
	defer cancel()
	if s.conn != nil {
		connect.Close(ctx, s.conn)
	}
	if s.side == nil {
		return
	}
	for there := true; there && ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
		err := s.side.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_replication_slots WHERE slot_name = $1)", s.reader.slot).Scan(&there)
		if err != nil {
			break
		}
	}
	connect.Close(ctx, s.side.PgConn())
}

// start makes the slot and starts to stream. A slot can not begin in the middle
// of a transaction, so this waits for those that are open.
func (s *stream) start(ctx context.Context) error {
	slot := s.reader.slot
	s.reader.pending("waiting for the transactions that are open now to end")
	// TWO_PHASE stands where pglogrepl puts what follows the plugin.
	_, err := pglogrepl.CreateReplicationSlot(ctx, s.conn, slot, "test_decoding", pglogrepl.CreateReplicationSlotOptions{
		Temporary: true, Mode: pglogrepl.LogicalReplication, SnapshotAction: "NOEXPORT_SNAPSHOT TWO_PHASE",
	})
	if err != nil {
		return fmt.Errorf("make the replication slot %s: %w%s", slot, err, remedy(err))
	}
	err = pglogrepl.StartReplication(ctx, s.conn, slot, 0, pglogrepl.StartReplicationOptions{
		Mode:       pglogrepl.LogicalReplication,
		PluginArgs: []string{`"include-xids" 'on'`, `"skip-empty-xacts" 'off'`},
	})
	if err != nil {
		return fmt.Errorf("read the replication slot %s: %w", slot, err)
	}
	return nil
}

// remedy is the next step after an error of making a slot.
func remedy(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code {
	case "53400":
		return "\n  raise max_replication_slots, or drop slots that nobody reads"
	case "42501":
		return "\n  ALTER ROLE … REPLICATION for the role of the DSN"
	case "58P01":
		return "\n  test_decoding comes with the server's contrib package (postgresql-contrib)"
	case "42710":
		return "\n  another reader has this instance's name"
	}
	return ""
}

// read reads messages until something fails. Each row of live clients is a
// message, so no context is watched for each: the connection has a deadline,
// which the end of ctx brings forward.
func (s *stream) read(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { s.conn.Conn().SetDeadline(time.Unix(1, 0)) })()
	for {
		if err := s.conn.Conn().SetReadDeadline(s.looked.Add(lookEvery)); err != nil {
			return fmt.Errorf("read the replication slot: %w", err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := s.messages(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil || pgconn.Timeout(err) {
			err = s.look(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// messages reads until it is time to look at the slot.
func (s *stream) messages(ctx context.Context) error {
	for n := 1; ; n++ {
		msg, err := s.conn.ReceiveMessage(context.Background())
		if err == nil {
			err = s.message(ctx, msg)
		}
		if err != nil {
			return err
		}
		if n%256 == 0 && time.Since(s.looked) > lookEvery { // while they come without end
			return nil
		}
	}
}

func (s *stream) message(ctx context.Context, msg pgproto3.BackendMessage) error {
	switch msg := msg.(type) {
	case *pgproto3.CopyData:
		return s.data(ctx, msg.Data)
	case *pgproto3.ErrorResponse:
		return fmt.Errorf("read the replication slot: %w", pgconn.ErrorResponseToPgError(msg))
	case *pgproto3.CopyDone:
		return errors.New("the server has ended the replication stream")
	}
	return nil // notices and changed parameters
}

func (s *stream) data(ctx context.Context, data []byte) error {
	if len(data) == 0 {
		return errors.New("read the replication slot: an empty message")
	}
	switch data[0] {
	case pglogrepl.PrimaryKeepaliveMessageByteID:
		alive, err := pglogrepl.ParsePrimaryKeepaliveMessage(data[1:])
		if err != nil {
			return fmt.Errorf("read the replication slot: %w", err)
		}
		if !s.gather.open {
			s.seen = max(s.seen, alive.ServerWALEnd)
		}
		return s.confirm(alive.ReplyRequested || s.seen > s.confirmed)
	case pglogrepl.XLogDataByteID:
		x, err := pglogrepl.ParseXLogData(data[1:])
		if err != nil {
			return fmt.Errorf("read the replication slot: %w", err)
		}
		return s.line(ctx, x.WALStart, x.WALData)
	}
	return nil
}
