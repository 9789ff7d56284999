package redact

import (
	"strings"
	"testing"
)

// TestRows holds that values of rows are redacted by the names of their columns, as
// members of JSON are, with one fingerprint wherever they stand.
func TestRows(t *testing.T) {
	r := New([]byte("key"))
	secret := r.Fingerprint("hunter2")
	for _, tt := range []struct{ reason, path, value, want string }{
		{"a column", "table:accounts.password_hash", `"hunter2"`, `"` + secret + `"`},
		{"a column that is none", "table:accounts.email", `"hunter2"`, `"hunter2"`},
		{"nothing", "table:accounts.token", `null`, `null`},
		{"a row", "table:accounts", `insert {"id":7,"token":"hunter2","name":"Ada"}`, `insert {"id":7,"token":"` + secret + `","name":"Ada"}`},
		{"a row that is cut off", "table:accounts", `update {"id":7,"token":"hunter2","name":"A…`, `update {"id":7,"token":"` + secret + `","name":"A…`},
		{"JSON in a column", "table:accounts.doc", `{"password":"hunter2"}`, `{"password":"` + secret + `"}`},
		{"in a member of a column", "table:accounts.doc.password", `"hunter2"`, `"` + secret + `"`},
		{"a table of secrets", "table:credentials", `delete {"value":"hunter2"}`, `delete {"value":"` + secret + `"}`},
		{"numbers of rows", "table:credentials", `inserted 1, updated 0, deleted 0`, `inserted 1, updated 0, deleted 0`},
		{"a truncated table", "table:credentials", `truncate`, `truncate`},
	} {
		if got := r.Value(tt.path, tt.value); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.reason, got, tt.want)
		}
	}
	for _, tt := range []struct{ table, column, value, want string }{
		{"accounts", "password_hash", "hunter2", secret},
		{"credentials", "value", "hunter2", secret},
		{"accounts", "name", "hunter2", "hunter2"},
		{"accounts", "doc", `{"token":"hunter2"}`, `{"token":"` + secret + `"}`},
		{"accounts", "token", "", ""},
	} {
		if got := r.Column(tt.table, tt.column, tt.value); got != tt.want {
			t.Errorf("%s.%s: %s, want %s", tt.table, tt.column, got, tt.want)
		}
	}
	if card := r.Column("accounts", "note", "paid with 4111 1111 1111 1111"); strings.Contains(card, "4111") {
		t.Errorf("a card number stays: %s", card)
	}
}
