package txshadow

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Interfaces of pgx hand out *pgx.Conn and pgx.LargeObjects, which lead past
// the shadow. In a shadow they are of a connection that is closed: a nil one
// would crash the application, and with it the live requests it serves.

// closedConn is a connection on which everything fails.
func (a *Adapter) closedConn() *pgx.Conn {
	conn, _ := a.closedPair()
	return conn
}

// closedTx is a transaction on which everything fails.
func (a *Adapter) closedTx() pgx.Tx {
	_, tx := a.closedPair()
	return tx
}

// closedPair makes a connection to nobody and closes it. It can not fail but
// by a fault of our own: what it reads is written here.
func (a *Adapter) closedPair() (*pgx.Conn, pgx.Tx) {
	ctx := context.Background()
	conn := a.nobody(canned, io.EOF)
	tx, err := conn.Begin(ctx)
	if err != nil {
		panic("txshadow: a transaction with nobody: " + err.Error())
	}
	conn.Close(ctx)
	return conn, tx
}

// nobody is a connection that reads answers, and then end.
func (a *Adapter) nobody(answers string, end error) *pgx.Conn {
	cfg := a.config.Copy()
	cfg.Tracer, cfg.TLSConfig, cfg.Fallbacks = nil, nil, nil
	cfg.ValidateConnect, cfg.AfterConnect, cfg.AfterNetConnect = nil, nil, nil
	cfg.RequireAuth, cfg.ChannelBinding, cfg.MinProtocolVersion, cfg.KerberosSrvName = "", "disable", "3.0", ""
	cfg.Host, cfg.ConnectTimeout = "/closed", 0
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		return &farewell{answers: strings.NewReader(answers), end: end}, nil
	}
	conn, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		panic("txshadow: a connection to nobody: " + err.Error())
	}
	return conn
}

// makeTimeout asks pgx for its error of a deadline, which has a type that
// nobody else can make and pgconn.Timeout looks for.
func (a *Adapter) makeTimeout() error {
	conn := a.nobody(canned[:idle], os.ErrDeadlineExceeded)
	defer closeConn(conn)
	_, err := conn.PgConn().Exec(expired{context.Background()}, "").ReadAll()
	if !pgconn.Timeout(err) {
		return fmt.Errorf("timeout: %w", context.DeadlineExceeded)
	}
	return err
}

// expired has passed its deadline and tells only who asks for the error.
type expired struct{ context.Context }

func (expired) Err() error { return context.DeadlineExceeded }

// canned is AuthenticationOk, ReadyForQuery, and the answer to BEGIN.
const canned = "R\x00\x00\x00\x08\x00\x00\x00\x00" + "Z\x00\x00\x00\x05I" +
	"C\x00\x00\x00\x0aBEGIN\x00" + "Z\x00\x00\x00\x05T"

// idle is how much of it is read before BEGIN.
const idle = 9 + 6

// farewell is a net.Conn that reads what is canned and writes to nowhere.
type farewell struct {
	answers *strings.Reader
	end     error
}

func (f *farewell) Read(b []byte) (int, error) {
	n, err := f.answers.Read(b)
	if err != nil {
		err = f.end
	}
	return n, err
}

func (f *farewell) Write(b []byte) (int, error) { return io.Discard.Write(b) }
func (*farewell) Close() error                  { return nil }
func (*farewell) LocalAddr() net.Addr           { return &net.UnixAddr{Name: "closed", Net: "unix"} }
func (*farewell) RemoteAddr() net.Addr          { return &net.UnixAddr{Name: "closed", Net: "unix"} }
func (*farewell) SetDeadline(time.Time) error   { return nil }

func (*farewell) SetReadDeadline(time.Time) error  { return nil }
func (*farewell) SetWriteDeadline(time.Time) error { return nil }
