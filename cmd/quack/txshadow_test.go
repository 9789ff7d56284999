package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
)

// The statements that are printed and those that are applied make the same
// fuse, twice does no harm, and uninstall removes it.
func TestTxshadowInstallApply(t *testing.T) {
	t.Parallel()
	dsn := pgtest.NewDatabase(t)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	fuse := func() (there bool) {
		if err := conn.QueryRow(ctx, "SELECT to_regclass('txshadow.fuse') IS NOT NULL").Scan(&there); err != nil {
			t.Fatal(err)
		}
		return there
	}
	verb := func(args ...string) string {
		cmd := exec.Command("quack", append([]string{"txshadow"}, args...)...)
		cmd.Env = append(os.Environ(), "QUACK_DB_SHOP="+dsn)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("quack txshadow %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	printed := verb("install")
	if fuse() {
		t.Error("printing has applied")
	}
	verb("install", "--apply", "--database", "shop")
	verb("install", "--apply", "--database", "shop", "--role", "postgres")
	if !fuse() {
		t.Fatal("applying has not made the fuse")
	}
	verb("uninstall", "--apply", "--database", "shop")
	if fuse() {
		t.Error("uninstall has left the fuse")
	}
	if _, err := conn.Exec(ctx, printed); err != nil || !fuse() {
		t.Errorf("the printed statements do not make the fuse: %v", err)
	}
	if _, err := conn.Exec(ctx, "INSERT INTO txshadow.fuse (nonce) VALUES ('x')"); err == nil || !strings.Contains(err.Error(), "QF001") {
		t.Errorf("a commit with the fuse armed: %v", err)
	}
}
