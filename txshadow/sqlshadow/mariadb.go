package sqlshadow

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/mariatext"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// mariadb is MariaDB, by any driver whose errors have a field Number.
//
// It has no deferred constraints to make a fuse of. But in the middle of an XA
// transaction the server refuses all that would commit: COMMIT, ROLLBACK,
// whatever commits implicitly, and the beginning of another. Only XA END leads
// out, and what begins with XA is intercepted.
type mariadb struct {
	// tolerated are tables that can not roll back and that shadows never write,
	// in lower case, as schema.table.
	tolerated map[string]bool
}

func (mariadb) number() string { return "CONNECTION_ID()" }

// since is when the server was started, give or take a second.
const since = "UNIX_TIMESTAMP() - (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME')"

func (d mariadb) identify(ctx context.Context, s *session, l layers) error {
	row, err := s.row(ctx, "SELECT CONNECTION_ID(), "+since+", CONCAT_WS(':', @@hostname, @@port, @@datadir), @@session.sql_mode, "+
		"@@session.tx_isolation, @@session.character_set_client, @@global.innodb_rollback_on_timeout, @@session.autocommit")
	if err != nil {
		return fmt.Errorf("ask the session who it is: %w", err)
	}
	started, err := strconv.ParseFloat(row[1], 64)
	if err != nil {
		return fmt.Errorf("read the time of the server's start: %w", err)
	}
	s.id, s.started, s.server = row[0], strconv.FormatInt(int64(started), 10), row[2]
	mode := strings.Split(row[3], ",")
	s.escapes, s.quotes = !slices.Contains(mode, "NO_BACKSLASH_ESCAPES"), slices.Contains(mode, "ANSI_QUOTES")
	s.isolation = row[4]
	switch {
	case !slices.Contains([]string{"utf8mb4", "utf8mb3", "utf8", "latin1", "ascii", "binary"}, row[5]):
		return fmt.Errorf("character_set_client is %s: what is sent can not be read safely\n  set it to utf8mb4", row[5])
	case row[6] == "1":
		return errors.New("innodb_rollback_on_timeout is on: a lock timeout would end a shadow's transaction behind its back")
	case row[7] != "1":
		return errors.New("autocommit is off in a fresh session: sqlshadow needs the default of database/sql")
	}
	s.flushed = true
	if err := d.engines(ctx, s); err != nil {
		return err
	}
	if !l.noBelt {
		err = s.exec(ctx, "SET SESSION TRANSACTION READ ONLY")
	}
	return err
}

// engines finds the tables that can not roll back.
func (d mariadb) engines(ctx context.Context, s *session) error {
	rows, err := s.query(ctx, `SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.ENGINE FROM information_schema.TABLES t
		JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
		WHERE t.TABLE_TYPE = 'BASE TABLE' AND COALESCE(e.TRANSACTIONS, 'NO') <> 'YES'
		AND t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') ORDER BY 1, 2`)
	if err != nil {
		return fmt.Errorf("look for tables that can not roll back: %w", err)
	}
	s.lasting = map[string]bool{}
	var named []string
	for _, row := range rows {
		table := strings.ToLower(row[0] + "." + row[1])
		s.lasting[strings.ToLower(row[1])] = true
		if !d.tolerated[table] {
			named = append(named, table+" ("+row[2]+")")
		}
	}
	if len(named) > 0 {
		return fmt.Errorf("tables that can not roll back: %s\n  convert them to InnoDB; or, when no shadow writes them, by triggers and functions neither, list them in Config.Lasting",
			strings.Join(named[:min(len(named), 10)], ", "))
	}
	return nil
}

func (mariadb) open(ctx context.Context, s *session, o opening) error {
	if s.isolation == "SERIALIZABLE" {
		return errSerializable
	}
	s.limit, s.lockTimeout = (o.budget+graceOfServer).Truncate(limitStep)+limitStep, o.lockTimeout
	s.transaction = "'txshadow-" + o.nonce + "'"
	begin := []string{"SET SESSION innodb_lock_wait_timeout = " + seconds(o.lockTimeout) + ", lock_wait_timeout = " + seconds(o.lockTimeout) +
		", max_statement_time = " + strconv.FormatFloat(s.limit.Seconds(), 'f', 3, 64) + ", idle_transaction_timeout = " + seconds(s.limit+time.Second)}
	if !o.readOnly {
		begin = append(begin, "SET TRANSACTION READ WRITE")
	}
	if s.unfused = o.layers.noFuse; s.unfused {
		begin = append(begin, "START TRANSACTION")
	} else {
		begin = append(begin, "XA START "+s.transaction)
	}
	if err := s.exec(ctx, append(begin, "SAVEPOINT "+root)...); err != nil {
		return err
	}
	row, err := s.row(ctx, "SELECT @@session.tx_read_only, @@in_transaction")
	switch {
	case err != nil:
		return err
	case row[0] != "1" && !o.layers.noBelt:
		return errors.New("tx_read_only is not on in the shadow's session")
	case row[1] != "1":
		return errors.New("the session is in no transaction")
	}
	return nil
}

// seconds rounds up to one at least: MariaDB counts in no less.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(max(1, (d+time.Second-1)/time.Second)), 10)
}

// drill commits, in which the server has to refuse it, and looks whether it
// writes when the transaction is over.
func (d mariadb) drill(ctx context.Context, s *session) error {
	if err := s.exec(ctx, "COMMIT"); d.kind(err) != fuseBlown {
		return fmt.Errorf("the server did not refuse a COMMIT inside of XA (%s)", outcomeOf(err))
	}
	if err := d.rollBack(ctx, s); err != nil {
		return fmt.Errorf("roll the drill back: %w", err)
	}
	rows, err := s.query(ctx, `SELECT CONCAT('DELETE FROM ', CHAR(96), REPLACE(TABLE_SCHEMA, CHAR(96), REPEAT(CHAR(96), 2)), CHAR(96), '.',
		CHAR(96), REPLACE(TABLE_NAME, CHAR(96), REPEAT(CHAR(96), 2)), CHAR(96), ' WHERE 1 = 0') FROM information_schema.TABLES
		WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE = 'InnoDB' AND TABLE_SCHEMA = DATABASE() LIMIT 1`)
	if err != nil || len(rows) == 0 {
		return err
	}
	if err := s.exec(ctx, rows[0][0]); d.kind(err) != readOnly && numberOf(err) != noRight {
		return fmt.Errorf("the session did not refuse to write after its transaction (%s)", outcomeOf(err))
	}
	return nil
}

func (mariadb) glance(query string) []sqltext.Statement {
	return mariatext.Split(query, mariatext.Mode{})
}

// split refuses what writes to a table that can not roll back, too.
func (mariadb) split(_ context.Context, s *session, query string) ([]sqltext.Statement, error) {
	mode := mariatext.Mode{NoBackslash: !s.escapes, ANSIQuotes: s.quotes}
	stmts := mariatext.Split(query, mode)
	for i, st := range stmts {
		if !st.Writes || st.Refusal != "" || len(s.lasting) == 0 {
			continue
		}
		for name := range mariatext.Names(query[st.Start:st.End], mode) {
			if s.lasting[name] {
				stmts[i].Refusal = "unsupported:engine"
			}
		}
	}
	return stmts, nil
}

// judge refuses to write in a transaction of the application that is
// read-only: a savepoint can not be made so.
func (mariadb) judge(_ context.Context, t *transaction, st *sqltext.Statement, on *tx) error {
	if on != nil && on.read && st.Writes {
		return t.refuse("unsupported:read-only-transaction")
	}
	return nil
}

func (mariadb) instead(context.Context, *transaction, *sqltext.Statement) (string, bool, error) {
	return "", false, nil
}

func (mariadb) fireDeferred(context.Context, *session) (bool, error) { return false, nil }

func (mariadb) counts(context.Context, *session) (ledger.Counts, error) { return nil, nil }

// still looks for the first savepoint, which ends with the transaction.
func (d mariadb) still(ctx context.Context, s *session) (bool, error) {
	err := s.exec(ctx, "ROLLBACK TO SAVEPOINT "+root)
	switch d.kind(err) {
	case noSavepoint, noTransaction:
		return false, nil
	case undone:
		return true, nil
	}
	return err == nil, err
}

// rollBack ends the XA transaction of the session by its name: that the server
// finds it shows that it was still there.
func (d mariadb) rollBack(ctx context.Context, s *session) error {
	if s.unfused {
		return s.exec(ctx, "ROLLBACK")
	}
	if err := s.exec(ctx, "XA END "+s.transaction); err != nil && d.kind(err) != undone {
		return err
	}
	return s.exec(ctx, "XA ROLLBACK "+s.transaction)
}

func (mariadb) rolledBack(context.Context, *session) error { return nil }

func (mariadb) readOnlyTx() string { return "" }

func (mariadb) same(l sql.IsolationLevel, usual string) bool {
	return strings.ReplaceAll(strings.ToUpper(l.String()), " ", "-") == usual
}

func (mariadb) cancels(s *session) string { return "KILL QUERY " + s.id }

func (mariadb) ends(s *session) string { return "KILL CONNECTION " + s.id }

// finds counts the thread: the server takes it off the list when its transaction
// has been rolled back. (INNODB_TRX would show old rows to who asks often.)
func (mariadb) finds(s *session) string {
	return "SELECT IF(ABS(" + since + " - " + s.started + ") <= 2, CONCAT_WS(':', @@hostname, @@port, @@datadir), 'started anew'), " +
		"(SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = " + s.id + ")"
}

// noRight is the number of the error for a missing privilege.
const noRight = 1142

// numberOf is the server's number of err, 0 when it is none of its.
func numberOf(err error) uint64 {
	if v, ok := field(err, "Number"); ok && v.CanUint() && v.Kind() != reflect.Uintptr {
		return v.Uint()
	}
	return 0
}

func (mariadb) kind(err error) errorKind {
	if err == nil {
		return otherError
	}
	switch numberOf(err) {
	case 0:
		if cutOff(err) {
			return sessionGone
		}
	case 1305: // SAVEPOINT … does not exist
		return noSavepoint
	case 1399: // XAER_RMFAIL
		if strings.Contains(err.Error(), "ACTIVE") {
			return fuseBlown
		}
		return noTransaction
	case 1397, 1400: // XAER_NOTA, XAER_OUTSIDE
		return noTransaction
	case 1317, 1969:
		return cancelledStatement
	case 1792:
		return readOnly
	case 1205:
		return lockTimeout
	case 1213, 1402, 1613, 1614: // a deadlock; XA_RB…
		return undone
	case 1053, 1927, 2006, 2013, 4031:
		return sessionGone
	}
	return otherError
}

func (mariadb) ofServer(err error) bool { return numberOf(err) != 0 }

func (mariadb) aborts(error) bool { return false }

func (mariadb) remedy(error) string { return "" }
