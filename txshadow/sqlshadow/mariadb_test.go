//go:build unix

package sqlshadow_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/quackproxy/quack/internal/escapes"
	"github.com/quackproxy/quack/internal/mariadb"
	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/harness"
	"github.com/quackproxy/quack/txshadow/sqlshadow"
)

var mariaServer *mariadb.Server // kept: when nobody holds it, it ends

// maria is the server that the tests of this process share. It ends with the
// process.
var maria = sync.OnceValues(func() (string, error) {
	s, err := mariadb.Start(context.Background())
	mariaServer = s
	if err != nil {
		return "", err
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "unix", s.Socket(), "root"
	cfg.MultiStatements = true
	db, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		return "", err
	}
	defer db.Close()
	cfg.DBName = "shop"
	_, err = db.Exec(`CREATE DATABASE shop; USE shop;
		CREATE TABLE accounts (id BIGINT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(100) NOT NULL UNIQUE, n INT NOT NULL DEFAULT 0);
		CREATE TABLE audit (id BIGINT AUTO_INCREMENT PRIMARY KEY, what TEXT NOT NULL);
		CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, account BIGINT NOT NULL, FOREIGN KEY (account) REFERENCES accounts (id));
		CREATE TRIGGER audit_account AFTER INSERT ON accounts FOR EACH ROW INSERT INTO audit (what) VALUES (NEW.email);
		CREATE PROCEDURE commits() COMMIT;
		CREATE USER shop@localhost;
		GRANT ALL ON shop.* TO shop@localhost;
		GRANT CREATE USER, RELOAD ON *.* TO shop@localhost`)
	return cfg.FormatDSN(), err
})

func sharedMaria(t testing.TB) string {
	dsn, err := maria()
	if errors.Is(err, mariadb.ErrMissing) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

func overMySQL(t testing.TB, dsn string) driver.Connector {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.User = "shop" // no superuser
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var onMaria = server{"mysql", sqlshadow.MariaDB, overMySQL, sharedMaria, "mysql", allRows,
	[]string{"SET FOREIGN_KEY_CHECKS = 0; TRUNCATE accounts; TRUNCATE audit; TRUNCATE orders; SET FOREIGN_KEY_CHECKS = 1"}}

const mariaInsert = "INSERT INTO accounts (email) VALUES (UUID())"

var mariaEscapes = []escapes.Escape{
	escapes.Of("COMMIT"),
	escapes.Of("# c\ncommit"),
	escapes.Of("-- c\ncommit"),
	escapes.Of("/*!50000 COMMIT */"),
	escapes.Of("/*M! COMMIT */"),
	escapes.Of("SELECT 1; COMMIT"),
	escapes.Of(`SELECT '\'; -- '; COMMIT`),
	escapes.Of("COMMIT AND CHAIN"),
	escapes.Of("COMMIT", "INSERT …"),
	escapes.Of("ROLLBACK", "INSERT …"),
	escapes.Of("ROLLBACK; INSERT …"),
	escapes.Of("ROLLBACK AND CHAIN", "INSERT …", "COMMIT"),
	escapes.Of("BEGIN"),
	escapes.Of("START TRANSACTION READ WRITE", "INSERT …", "COMMIT"),
	escapes.Of("BEGIN NOT ATOMIC COMMIT; END"),
	escapes.Of("SET autocommit = 0", "SET autocommit = 1"),
	escapes.Of("SET @a = 1, @@session.autocommit = 0", "SET autocommit = 1"),
	escapes.Of("CREATE TABLE escapee (id INT)"),
	escapes.Of("ALTER TABLE accounts COMMENT 'escapee'"),
	escapes.Of("TRUNCATE audit"),
	escapes.Of("LOCK TABLES accounts WRITE", "UNLOCK TABLES"),
	escapes.Of("CREATE USER escapee"),
	escapes.Of("ANALYZE TABLE accounts"),
	escapes.Of("FLUSH TABLES"),
	escapes.Of("CALL commits()"),
	escapes.Of("PREPARE p FROM 'COMMIT'", "EXECUTE p"),
	escapes.Of("EXECUTE IMMEDIATE 'COMMIT'"),
	escapes.Of("RELEASE SAVEPOINT _TS_0", "COMMIT"),
	escapes.Of("SET SESSION TRANSACTION READ WRITE", "COMMIT", "INSERT …"),
	escapes.Of("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", `SELECT '\'; COMMIT; -- '`),
	escapes.Of("XA END 'guess'", "XA COMMIT 'guess' ONE PHASE"),
}

// TestMariaDBEscapes is TestEscapes for MariaDB: testdata/mariadb.md.
func TestMariaDBEscapes(t *testing.T) {
	sets := make([]layerSet, len(layerSets))
	copy(sets, layerSets)
	columns := make([][]outcome, len(sets))
	for i := range sets {
		columns[i] = make([]outcome, len(mariaEscapes))
		sets[i].name = strings.ReplaceAll(sets[i].name, "fuse", "XA")
		t.Run(sets[i].name, func(t *testing.T) {
			tryEscapes(t, onMaria, sets[i], columns[i], mariaEscapes, mariaInsert, leakedMaria)
		})
	}
	checkAll(t, columns[allLayers], mariaEscapes)
	harness.Golden(t, *update, "testdata/mariadb.md", layersTable(sets, columns, mariaEscapes))
}

func leakedMaria(s *service) int {
	n := ask[int](s, "SELECT count(*) FROM accounts")
	n += ask[int](s, "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_NAME = 'escapee' OR TABLE_COMMENT = 'escapee'")
	n += ask[int](s, "SELECT count(*) FROM mysql.user WHERE User = 'escapee'")
	if n > 0 {
		_, err := s.outside.Exec("DELETE FROM accounts; DROP TABLE IF EXISTS escapee; ALTER TABLE accounts COMMENT ''; DROP USER IF EXISTS escapee")
		s.must(err)
	}
	return n
}

// A shadow on MariaDB sees what it writes and leaves nothing.
func TestMariaDB(t *testing.T) {
	s := serve(t, onMaria, says(func(s *service, ctx context.Context) any {
		var said []string
		add := func(err error) { said = append(said, text(err)) }
		_, err := s.db.ExecContext(ctx, "INSERT INTO accounts (email) VALUES (?)", "a")
		add(err)
		_, err = s.db.ExecContext(ctx, "INSERT INTO accounts (email) VALUES (?)", "a")
		said = append(said, fmt.Sprint(strings.Contains(text(err), "1062")))
		tx, err := s.db.BeginTx(ctx, nil)
		add(err)
		_, err = tx.Exec("INSERT INTO accounts (email) VALUES (?)", "b")
		add(err)
		add(tx.Rollback())
		tx, err = s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		add(err)
		r, err := tx.Exec("INSERT INTO accounts (email) VALUES ('c')")
		add(err)
		id, err := r.LastInsertId()
		add(err)
		_, err = tx.Exec("INSERT INTO orders (account) VALUES (?)", id)
		add(err)
		add(tx.Commit())
		var n int
		add(s.db.QueryRowContext(ctx, allRows).Scan(&n))
		return append(said, fmt.Sprint(n))
	}))
	out := s.shadow("/")
	if want := `["","true","","","","","","","","","","5"]`; strings.TrimSpace(out.body) != want || out.ack.Reason != "" {
		t.Errorf("%s (%s), want %s\n%s", out.body, out.ack.Reason, want, s.logs)
	}
	if n := s.rows(); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if hello := s.do(s.marked(txshadow.ModeHello, time.Second, "GET", txshadow.HelloPath, "")); hello.err != nil || hello.ack.Outcome != txshadow.Ready {
		t.Errorf("%d %s: %v\n%s", hello.status, hello.body, hello.err, s.logs)
	}
}

// A GET that writes fails, and is found.
func TestMariaDBReading(t *testing.T) {
	s := serve(t, onMaria, says(func(s *service, ctx context.Context) any {
		_, err := s.db.ExecContext(ctx, mariaInsert)
		return strings.Contains(text(err), "1792")
	}))
	if out := s.reading("/"); strings.TrimSpace(out.body) != "true" || out.ack.Reason != "write:25006:insert:accounts" {
		t.Errorf("%s (%s)", out.body, out.ack.Reason)
	}
}

// At the budget a statement is cancelled on the server.
func TestMariaDBBudget(t *testing.T) {
	s := serve(t, onMaria, func(s *service, w http.ResponseWriter, r *http.Request) {
		s.db.ExecContext(r.Context(), mariaInsert)
		s.db.ExecContext(r.Context(), "SELECT SLEEP(20)")
	})
	out := s.acknowledged(s.marked(txshadow.ModeRollback, 200*time.Millisecond, "POST", "/", ""))
	if out.ack.Reason != "budget" || out.took > 10*time.Second {
		t.Errorf("%q after %v", out.ack.Reason, out.took)
	}
	if n := s.rows(); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// A deadlock ends the whole transaction on the server: the shadow is not
// compared, and not taken for an escape.
func TestMariaDBDeadlock(t *testing.T) {
	s := serve(t, onMaria, func(s *service, w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		s.db.ExecContext(ctx, "UPDATE accounts SET n = 1 WHERE email = 'a'")
		live, err := s.outside.BeginTx(context.WithoutCancel(ctx), nil)
		if err != nil {
			panic(err)
		}
		defer live.Rollback()
		for range 50 { // the heavier transaction survives
			live.Exec("INSERT INTO audit (what) VALUES ('heavy')")
		}
		live.Exec("UPDATE accounts SET n = 2 WHERE email = 'b'")
		done := make(chan error, 1)
		go func() {
			_, err := live.Exec("UPDATE accounts SET n = 2 WHERE email = 'a'")
			done <- err
		}()
		s.until("the live one waits", func() bool {
			time.Sleep(150 * time.Millisecond) // the server keeps the view for those who ask more often
			return ask[int](s, "SELECT count(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'") == 1
		})
		s.db.ExecContext(ctx, "UPDATE accounts SET n = 1 WHERE email = 'b'")
		s.db.ExecContext(ctx, mariaInsert)
		<-done
	})
	_, err := s.outside.Exec("INSERT INTO accounts (email) VALUES ('a'), ('b')")
	s.must(err)
	before := s.rows()
	if out := s.shadow("/"); out.ack.Reason != "unsupported:deadlock" || s.rows() != before {
		t.Errorf("%q, %d rows in place of %d\n%s", out.ack.Reason, s.rows(), before, s.logs)
	}
}

// A table that can not roll back keeps shadows away, unless it is listed; then
// a statement that writes it is refused.
func TestMariaDBEngines(t *testing.T) {
	write := func(s *service, w http.ResponseWriter, r *http.Request) {
		s.db.ExecContext(r.Context(), "INSERT INTO `Counts` VALUES (1)")
	}
	make := func(s *service) {
		_, err := s.outside.Exec("CREATE TABLE Counts (n INT) ENGINE = MyISAM")
		s.must(err)
		t.Cleanup(func() {
			db := s.outside
			db.Exec("DROP TABLE Counts")
		})
	}
	s := serve(t, onMaria, write)
	make(s)
	if out := s.shadow("/"); out.ack.Reason != "unsupported:arm" || !strings.Contains(s.logs.String(), "shop.counts (MyISAM)") {
		t.Errorf("%q\n%s", out.ack.Reason, s.logs)
	}
	s = serve(t, onMaria, write, withConfig(func(c *sqlshadow.Config) { c.Lasting = []string{"shop.Counts"} }))
	if out := s.shadow("/"); out.ack.Reason != "unsupported:engine" || ask[int](s, "SELECT count(*) FROM Counts") != 0 {
		t.Errorf("%q\n%s", out.ack.Reason, s.logs)
	}
}
