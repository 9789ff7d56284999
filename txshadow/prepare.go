package txshadow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

const (
	// decodeCap is how long a prepared transaction waits for the decoder, at
	// most: it holds the shadow's locks, and no session is there to be ended.
	decodeCap = 150 * time.Millisecond
	// The decoder is looked for after the first, and then at every other.
	firstLook = time.Millisecond
	laterLook = 2 * time.Millisecond
)

// decodesFrom is the first version of the server that decodes prepared
// transactions.
const decodesFrom = 140000

// preparation is what came of a PREPARE TRANSACTION.
type preparation struct {
	answers []*pgconn.Result // to what was asked before it
	lsn     string           // the decoder has read the transaction when it has passed this; "" when nothing is prepared
}

// prepares reports whether the shadow's transaction is worth preparing: nothing
// is held against it, and there is time left for the decoder.
func (s *shadow) prepares() bool {
	return s.gid != "" && s.noted() == "" && s.session.conn.PgConn().TxStatus() == 'T' && time.Until(s.deadline) > firstLook
}

// decode has the transaction decoded before it is rolled back, and returns the
// answers to ask. An error means that it is not known to be rolled back.
func (s *shadow) decode(ctx context.Context, ask string) (answers []*pgconn.Result, err error) {
	p, err := s.session.prepareTransaction(ctx, ask, s.id, s.gid)
	if err != nil {
		s.log.Debug("a shadow's transaction can not be prepared: its rows are counted only", "err", err)
	}
	if s.session.conn.IsClosed() {
		return nil, err
	}
	if s.session.conn.PgConn().TxStatus() != 'I' { // it did not get as far as PREPARE
		answers, escaped, err := s.session.rollback(ctx, "")
		if err == nil && escaped {
			err = errors.New("the transaction has ended by itself")
		}
		return answers, err
	}
	if p.lsn == "" {
		return p.answers, s.session.settle(ctx, s.gid)
	}
	s.awaitDecoder(ctx, p.lsn)
	return p.answers, s.session.takeBack(ctx, s.gid)
}

// prepareTransaction asks what is to be asked, lifts the fuse for this one
// statement by the nonce of this transaction's row, and prepares. The message
// makes a transaction that has written nothing known to the decoder as well.
// An error with the session idle says that the transaction was aborted, as far
// as is known: settle makes sure.
func (s *session) prepareTransaction(ctx context.Context, ask, id, gid string) (p preparation, err error) {
	s.gid = gid
	results, err := s.control(ctx, ask+"; SELECT pg_catalog.pg_logical_emit_message(true, 'txshadow',"+catalog.Literal(id)+");"+
		asLogin+"SET SESSION synchronous_commit = local; SET LOCAL txshadow.probe ="+catalog.Literal(s.nonce)+"; PREPARE TRANSACTION"+catalog.Literal(gid)+
		"; SELECT pg_catalog.pg_current_wal_flush_lsn()")
	p.answers = results
	if err != nil || len(results) == 0 {
		return p, err
	}
	if last := results[len(results)-1]; len(last.Rows) == 1 {
		p.lsn = string(last.Rows[0][0])
	}
	return p, nil
}

// asLogin gives the session its own role back, whatever the application or a
// hook has made of it: only the role that is in force at the PREPARE may end the
// prepared transaction, and SET LOCAL ROLE ends with the PREPARE.
const asLogin = "RESET SESSION AUTHORIZATION; RESET ROLE;"

// awaitDecoder waits until the slot has passed lsn, is gone, or the time is up.
func (s *shadow) awaitDecoder(ctx context.Context, lsn string) {
	until := time.Now().Add(decodeCap)
	if s.deadline.Before(until) {
		until = s.deadline
	}
	slot := "txshadow_" + gidForm.FindStringSubmatch(s.gid)[1]
	ask := passedSQL(lsn, slot)
	for pause := firstLook; time.Now().Add(pause).Before(until); pause = laterLook {
		time.Sleep(pause)
		row, err := s.session.row(ctx, ask)
		if err != nil || row[0] != "f" {
			return
		}
	}
}

// passedSQL asks whether a slot has passed lsn. It is pg_replication_slots
// without its join.
func passedSQL(lsn, slot string) string {
	return "SELECT confirmed_flush_lsn >=" + catalog.Literal(lsn) + "::pg_catalog.pg_lsn FROM pg_catalog.pg_get_replication_slots() WHERE slot_name =" + catalog.Literal(slot)
}

// rehearsalOfRows is run once where a session is made, as the rest of what is
// run around a shadow's work: what is first in a session is slow.
var rehearsalOfRows = passedSQL("0/0", "") + "; SELECT pg_catalog.pg_xact_status('3'); SELECT pg_catalog.pg_current_wal_flush_lsn();" +
	"SELECT pg_catalog.pg_logical_emit_message(true, '', '') WHERE false; SET LOCAL txshadow.probe = '';"

// settle rolls back what may have been prepared as gid, and returns nil when
// the server says of the transaction that it is aborted.
func (s *session) settle(ctx context.Context, gid string) error {
	there, err := s.insist(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_prepared_xacts WHERE gid ="+catalog.Literal(gid)+
		" AND transaction ="+catalog.Literal(s.xid)+"::pg_catalog.xid8::pg_catalog.xid)")
	if err != nil {
		return fmt.Errorf("look for the prepared transaction %s: %w", gid, err)
	}
	if there[0] == "t" {
		return s.takeBack(ctx, gid)
	}
	return s.aborted(ctx)
}

// takeBack rolls gid back and makes sure of it. An error of the ROLLBACK alone
// is none: somebody else may have done it, or a cancel request has come late.
// What counts is what the server says then.
func (s *session) takeBack(ctx context.Context, gid string) error {
	_, err := s.control(ctx, "ROLLBACK PREPARED"+catalog.Literal(gid))
	if sqlState(err) == catalog.StateCancelled {
		_, err = s.control(ctx, "ROLLBACK PREPARED"+catalog.Literal(gid))
	}
	for range 100 { // somebody else is about to
		if sqlState(err) != catalog.StateBusy {
			break
		}
		time.Sleep(laterLook)
		_, err = s.control(ctx, "ROLLBACK PREPARED"+catalog.Literal(gid))
	}
	if err != nil && s.conn.IsClosed() {
		return fmt.Errorf("roll back the prepared transaction %s: %w", gid, err)
	}
	return s.aborted(ctx)
}

// aborted is nil when the server says that the session's transaction is.
func (s *session) aborted(ctx context.Context) error {
	status, err := s.insist(ctx, "SELECT pg_catalog.pg_xact_status("+catalog.Literal(s.xid)+")")
	if err != nil {
		return fmt.Errorf("ask what became of the transaction %s: %w", s.xid, err)
	}
	if status[0] != "aborted" {
		return &notAbortedError{status[0]}
	}
	return nil
}

// notAbortedError says that the server has not rolled a transaction back.
type notAbortedError struct{ status string }

func (e *notAbortedError) Error() string {
	return fmt.Sprintf("the transaction of a shadow is %q, and should be aborted\n"+
		"  look into pg_prepared_xacts, and compare the tables of this request with what live requests have written", e.status)
}

// insist is row, once more when a cancel request that came late has hit it.
func (s *session) insist(ctx context.Context, sql string) (row []string, err error) {
	for range 2 {
		if row, err = s.row(ctx, sql); sqlState(err) != catalog.StateCancelled {
			break
		}
	}
	return row, err
}
