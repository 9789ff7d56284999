package txshadow

import (
	"context"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
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
	cfg := a.config.Copy()
	cfg.Tracer, cfg.TLSConfig, cfg.Fallbacks = nil, nil, nil
	cfg.ValidateConnect, cfg.AfterConnect, cfg.AfterNetConnect = nil, nil, nil
	cfg.RequireAuth, cfg.ChannelBinding, cfg.MinProtocolVersion, cfg.KerberosSrvName = "", "disable", "3.0", ""
	cfg.Host, cfg.ConnectTimeout = "/closed", 0
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		return &farewell{answers: strings.NewReader(canned)}, nil
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		panic("txshadow: a connection to nobody: " + err.Error())
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		panic("txshadow: a transaction with nobody: " + err.Error())
	}
	conn.Close(ctx)
	return conn, tx
}

// canned is AuthenticationOk, ReadyForQuery, and the answer to BEGIN.
const canned = "R\x00\x00\x00\x08\x00\x00\x00\x00" + "Z\x00\x00\x00\x05I" +
	"C\x00\x00\x00\x0aBEGIN\x00" + "Z\x00\x00\x00\x05T"

// farewell is a net.Conn that reads what is canned and writes to nowhere.
type farewell struct{ answers *strings.Reader }

func (f *farewell) Read(b []byte) (int, error)  { return f.answers.Read(b) }
func (f *farewell) Write(b []byte) (int, error) { return io.Discard.Write(b) }
func (*farewell) Close() error                  { return nil }
func (*farewell) LocalAddr() net.Addr           { return &net.UnixAddr{Name: "closed", Net: "unix"} }
func (*farewell) RemoteAddr() net.Addr          { return &net.UnixAddr{Name: "closed", Net: "unix"} }
func (*farewell) SetDeadline(time.Time) error   { return nil }

func (*farewell) SetReadDeadline(time.Time) error  { return nil }
func (*farewell) SetWriteDeadline(time.Time) error { return nil }
