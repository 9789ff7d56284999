package txshadow

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// capableSQL says why a database can not give the rows of a prepared
// transaction, "" when it can.
const capableSQL = `SELECT CASE
	WHEN pg_catalog.current_setting('server_version_num')::int < 140000 THEN 'the server is older than 14'
	WHEN pg_catalog.current_setting('wal_level') <> 'logical' THEN 'wal_level is not logical'
	WHEN pg_catalog.current_setting('max_prepared_transactions')::int = 0 THEN 'max_prepared_transactions is 0'
	WHEN (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') < 0
		THEN 'max_slot_wal_keep_size is -1, so that a slot could fill the disk'
	WHEN (SELECT pg_catalog.strpos(prosrc, 'txshadow.probe') FROM pg_catalog.pg_proc WHERE oid = pg_catalog.to_regprocedure('txshadow.refuse()')) = 0
		THEN 'the fuse is of an older version: quack txshadow install'
	ELSE '' END`

// incapable says why ModePrepare is not to be had on the database of s, ""
// when it is. When whole, it is tried: the fuse has to refuse a PREPARE with
// another nonce, and to let one pass with its own. s is armed before and after.
// An error says that the fuse does not hold.
func (a *Adapter) incapable(ctx context.Context, s *session, whole bool) (why string, err error) {
	row, err := s.row(ctx, capableSQL)
	if err != nil {
		return "", fmt.Errorf("ask whether rows can be read: %w", err)
	}
	if row[0] != "" || !whole {
		return row[0], nil
	}
	if why, err = s.drillLift(ctx); err != nil {
		return "", err
	}
	if st := s.conn.PgConn().TxStatus(); st != 'I' {
		return "", fmt.Errorf("after the drill of the fuse's lift the session has status %c", st)
	}
	return why, s.arm(ctx, rand.Text(), proofTimeout, a.lockTimeout, a.layers)
}

// drillLift tries both nonces, each in a transaction of its own: the second is
// opened here.
func (s *session) drillLift(ctx context.Context) (why string, err error) {
	gid := drillGID()
	own, xid := s.nonce, s.xid
	s.nonce = rand.Text()
	if _, err := s.prepareTransaction(ctx, "SELECT", "drill", gid); sqlState(err) != catalog.StateFuse {
		return "", fmt.Errorf("the fuse did not refuse a PREPARE with another transaction's nonce (%s): %w\n  install it anew: quack txshadow install",
			outcomeOf(err), s.settled(ctx, gid))
	}
	s.nonce, s.xid = own, xid
	if _, err := s.control(ctx, "BEGIN READ WRITE; INSERT INTO txshadow.fuse (nonce) VALUES ("+catalog.Literal(s.nonce)+")"); err != nil {
		return "", fmt.Errorf("arm the fuse: %w", err)
	}
	row, err := s.row(ctx, "SELECT pg_catalog.txid_current()")
	if err != nil {
		return "", err
	}
	s.xid = row[0]
	_, refused := s.prepareTransaction(ctx, "SELECT", "drill", gid)
	if err := s.settle(ctx, gid); err != nil {
		return "", err
	}
	if refused != nil {
		why = "PREPARE TRANSACTION was refused: " + refused.Error()
	}
	return why, nil
}

// settled is settle for a message that has another error to tell.
func (s *session) settled(ctx context.Context, gid string) error {
	if err := s.settle(ctx, gid); err != nil {
		return err
	}
	return errSettled
}

var errSettled = errors.New("it was rolled back")

// drillGID is a gid that no reader waits for.
func drillGID() string {
	var b [8]byte
	rand.Read(b[:])
	return "txshadow-drill-" + strconv.FormatUint(binary.BigEndian.Uint64(b[:])>>1, 10)
}
