package demo

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/demo/accounts"
	"github.com/quackproxy/quack/demo/shop"
	"github.com/quackproxy/quack/txshadow"
)

// Each write of either application, made as a shadow: answered as it would be
// live, acknowledged, with its footprint, and gone.
func TestShadowsLeaveNothing(t *testing.T) {
	codec := testCodec(t)
	for _, side := range []struct {
		name    string
		make    newApp
		deposit string // footprint
	}{
		{"shop", shop.New, "accounts 0 1 0|audit_log 1 0 0|entries 1 0 0"},
		{"accounts", accounts.New, "accounts 0 1 0|entries 1 0 0"},
	} {
		t.Run(side.name, func(t *testing.T) {
			db := shopDatabase(t)
			before := counted(t, db)
			a := appForTest(t, side.make, db)
			for i, c := range []struct{ method, path, body, status, footprint string }{
				{"POST", "/api/accounts", `{"email":"a@example.com","name":"A","tags":["b","a"]}`, "201", "accounts 1 0 0|account_tags 2 0 0|audit_log 1 0 0"},
				{"POST", "/api/accounts", `{"email":"a@example.com","name":"A"}`, "201", "accounts 1 0 0|audit_log 1 0 0"}, // the first has left no such email
				{"POST", "/api/accounts", `{"email":"customer1@example.com","name":"A"}`, "409", ""},
				{"PATCH", "/api/accounts/3", `{"name":"Grace"}`, "200", "accounts 0 1 0|audit_log 1 0 0"},
				{"POST", "/api/accounts/3/deposits", `{"amount":1250,"note":"first"}`, "201", side.deposit},
			} {
				id := fmt.Sprintf("shadow-%d", i)
				ack := shadowed(t, codec, a, id, c.method, c.path, c.body, c.status)
				if ack.Outcome != txshadow.RolledBack || ack.Reason != "" {
					t.Errorf("%s %s %s: acknowledged as %q, reason %q", c.method, c.path, c.body, ack.Outcome, ack.Reason)
				}
				if c.status != "409" && !sameRows(ack.Footprint, c.footprint) {
					t.Errorf("%s %s %s: footprint %v, want %s", c.method, c.path, c.body, ack.Footprint, c.footprint)
				}
			}
			if got := counted(t, db); got != before {
				t.Errorf("the database has %+v, want %+v as before", got, before)
			}
		})
	}
}

// A shadow that nobody has signed is refused, and never run.
func TestAShadowWithoutASignatureIsRefused(t *testing.T) {
	db := shopDatabase(t)
	before := counted(t, db)
	secrets, err := txshadow.ParseSecrets("fedcba9876543210-of-another")
	if err != nil {
		t.Fatal(err)
	}
	other, err := txshadow.NewCodec(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]newApp{"shop": shop.New, "accounts": accounts.New} {
		h, body := http.Header{}, `{"amount":1250}`
		other.MarkShadow(h, "forged", txshadow.ModeRollback, time.Second, "POST", "/api/accounts/3/deposits", []byte(body))
		got := request(t, appForTest(t, make, db), "POST", "/api/accounts/3/deposits", body, h)
		if !strings.HasPrefix(got, "403") {
			t.Errorf("%s: %s, want 403", name, got)
		}
	}
	if got := counted(t, db); got != before {
		t.Errorf("the database has %+v, want %+v as before", got, before)
	}
}

func testCodec(t *testing.T) *txshadow.Codec {
	t.Helper()
	secrets, err := txshadow.ParseSecrets(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := txshadow.NewCodec(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// shadowed makes a shadow request and returns what the adapter vouches for.
func shadowed(t *testing.T, codec *txshadow.Codec, a *app, id, method, path, body, status string) txshadow.Ack {
	t.Helper()
	h := http.Header{txshadow.HeaderRequestID: {id}}
	codec.MarkShadow(h, id, txshadow.ModeRollback, 10*time.Second, method, path, []byte(body))
	resp := send(t, a, method, path, body, h)
	defer resp.Body.Close()
	if !strings.HasPrefix(resp.Status, status) {
		t.Errorf("%s %s %s: status %s, want %s", method, path, body, resp.Status, status)
	}
	ack, err := codec.Acknowledged(resp.Header, id)
	if err != nil {
		t.Fatalf("%s %s %s: %v", method, path, body, err)
	}
	return ack
}

// sameRows compares a footprint with "TABLE INSERTED UPDATED DELETED|…", in
// any order.
func sameRows(f txshadow.Footprint, want string) bool {
	rows := map[string]bool{}
	for row := range strings.SplitSeq(want, "|") {
		rows[row] = true
	}
	for _, r := range f {
		if !rows[fmt.Sprintf("%s %d %d %d", r.Table, r.Inserted, r.Updated, r.Deleted)] {
			return false
		}
	}
	return len(f) == len(rows)
}
