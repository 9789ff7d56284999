package compare_test

import (
	"testing"

	"github.com/quackproxy/quack/compare"
)

const (
	uuidA, uuidB = "'6f1c2b52-7a55-4d3f-9d0e-0b7b5a0e8f11'", "'0d1e7f6a-3c58-4a51-8d5c-2f6f3e9b7c22'"
	uuidC, uuidD = "'9a3b1c2d-4e5f-4a6b-8c7d-1e2f3a4b5c6d'", "'3c4d5e6f-7a8b-4c9d-ae0f-1b2c3d4e5f6a'"
)

// TestWritesByTheCatalogue holds that keys and references which are known count,
// whatever their names.
func TestWritesByTheCatalogue(t *testing.T) {
	tests := []struct {
		reason      string
		legacy, new string
		want        []string
	}{
		{"a number under another name", "insert orders order_no*#=10 x='1'", "insert orders order_no*#=11 x='1'", []string{"forgiven 1 writes table:orders.order_no: generated id"}},
		{"a number that is no key", "insert t code*='a' seq#=10", "insert t code*='a' seq#=11", []string{"forgiven 1 writes table:t.seq: generated id"}},
		{"a natural key called id", "insert t id*=10 x='1'", "insert t id*=11 x='1'", []string{"writes table:t.id at table:t[0].id: 10 | 11"}},
		{"a natural key of text", "insert t code*='de' n=1", "insert t code*='fr' n=1", []string{`writes table:t.code at table:t[0].code: "de" | "fr"`}},
		{"natural keys tell rows apart, whatever else is in them", "insert t code*='de' n=1 m=2\ninsert t code*='fr' n=3 m=4", "insert t code*='fr' n=1 m=2\ninsert t code*='de' n=3 m=4", []string{
			"writes table:t.n at table:t[0].n: 1 | 3", "writes table:t.m at table:t[0].m: 2 | 4", "writes table:t.n at table:t[1].n: 3 | 1", "writes table:t.m at table:t[1].m: 4 | 2"}},
		{"an update of another row, by a key of another name", "update t code*='de' n=1", "update t code*='fr' n=1", []string{
			`writes table:t at table:t[0]: update {"code":"de","n":1} | `, `writes table:t at table:t[0]:  | update {"code":"fr","n":1}`}},
		{"a reference of an odd name", "insert people id*#=10\ninsert orders no*#=5 buyer>people.id=10", "insert people id*#=12\ninsert orders no*#=6 buyer>people.id=12", []string{
			"forgiven 1 writes table:orders.no: generated id", "forgiven 1 writes table:orders.buyer: generated id", "forgiven 1 writes table:people.id: generated id"}},
		{"an odd reference to the row of another", "insert people id*#=10 name='a'\ninsert people id*#=11 name='b'\ninsert orders no*#=5 buyer>people.id=10 x='1'",
			"insert people id*#=12 name='a'\ninsert people id*#=13 name='b'\ninsert orders no*#=6 buyer>people.id=13 x='1'", []string{
				"writes table:orders.buyer at table:orders[0].buyer: 10 | 13", "forgiven 1 writes table:orders.no: generated id", "forgiven 2 writes table:people.id: generated id"}},
		{"a foreign key is to its table alone", "insert people id*#=10\ninsert orders id*#=10 person_id>people.id=7 x='1'", "insert people id*#=11\ninsert orders id*#=11 person_id>people.id=8 x='1'", []string{
			"writes table:orders.person_id at table:orders[0].person_id: 7 | 8", "forgiven 1 writes table:orders.id: generated id", "forgiven 1 writes table:people.id: generated id"}},
		{"the same, when another table has that number", "insert shops id*#=7\ninsert orders id*#=10 person_id>people.id=7 x='1'", "insert shops id*#=8\ninsert orders id*#=11 person_id>people.id=8 x='1'", []string{
			"writes table:orders.person_id at table:orders[0].person_id: 7 | 8", "forgiven 1 writes table:orders.id: generated id", "forgiven 1 writes table:shops.id: generated id"}},
		{"without a foreign key the name counts still", "insert accounts id*#=10\ninsert audits id*#=1 account_id=10", "insert accounts id*#=11\ninsert audits id*#=2 account_id=11", []string{
			"forgiven 1 writes table:accounts.id: generated id", "forgiven 1 writes table:audits.id: generated id", "forgiven 1 writes table:audits.account_id: generated id"}},
		{"a row that refers to its own table", "insert t id*#=10 up>t.id=null x='r'\ninsert t id*#=11 up>t.id=10 x='s'", "insert t id*#=20 up>t.id=null x='r'\ninsert t id*#=21 up>t.id=20 x='s'", []string{
			"forgiven 2 writes table:t.id: generated id", "forgiven 1 writes table:t.up: generated id"}},
		{"to the wrong row of its own table", "insert t id*#=10 up>t.id=null x='r'\ninsert t id*#=11 up>t.id=10 x='s'\ninsert t id*#=12 up>t.id=10 x='u'",
			"insert t id*#=20 up>t.id=null x='r'\ninsert t id*#=21 up>t.id=20 x='s'\ninsert t id*#=22 up>t.id=21 x='u'", []string{
				"writes table:t.up at table:t[2].up: 10 | 21", "forgiven 3 writes table:t.id: generated id", "forgiven 1 writes table:t.up: generated id"}},
		{"a key of a reference and a position", "insert orders no*#=10\ninsert lines order*>orders.no=10 pos*=1 n=5\ninsert lines order*>orders.no=10 pos*=2 n=6",
			"insert orders no*#=12\ninsert lines order*>orders.no=12 pos*=2 n=5\ninsert lines order*>orders.no=12 pos*=1 n=6", []string{
				"writes table:lines.n at table:lines[0].n: 5 | 6", "writes table:lines.n at table:lines[1].n: 6 | 5",
				"forgiven 2 writes table:lines.order: generated id", "forgiven 1 writes table:orders.no: generated id"}},
		{"a generated part of a key", "insert t tenant*=1 id*#=10 x='1'\nupdate t tenant*=1 id*#=10 x='2'", "insert t tenant*=1 id*#=12 x='1'\nupdate t tenant*=1 id*#=12 x='2'", []string{"forgiven 2 writes table:t.id: generated id"}},
		{"a key that is another table's, and who refers to it", "insert people id*#=10\ninsert managers id*>people.id=10 n=1\ninsert teams no*#=1 lead>managers.id=10",
			"insert people id*#=20\ninsert managers id*>people.id=20 n=1\ninsert teams no*#=2 lead>managers.id=20", []string{
				"forgiven 1 writes table:managers.id: generated id", "forgiven 1 writes table:people.id: generated id", "forgiven 1 writes table:teams.no: generated id", "forgiven 1 writes table:teams.lead: generated id"}},
		{"rows are told apart by the UUIDs that they refer to",
			"insert docs id*=" + uuidA + " x='1'\ninsert docs id*=" + uuidB + " x='2'\ninsert pages doc>docs.id=" + uuidA + " n=1\ninsert pages doc>docs.id=" + uuidB + " n=1",
			"insert docs id*=" + uuidC + " x='1'\ninsert docs id*=" + uuidD + " x='2'\ninsert pages doc>docs.id=" + uuidD + " n=1\ninsert pages doc>docs.id=" + uuidC + " n=1", []string{
				"forgiven 2 writes table:docs.id: generated id", "forgiven 2 writes table:pages.doc: generated id"}},
		{"the wrong UUID is found where it is",
			"insert docs id*=" + uuidA + " x='1'\ninsert docs id*=" + uuidB + " x='2'\ninsert a doc>docs.id=" + uuidA + " n=1",
			"insert docs id*=" + uuidC + " x='1'\ninsert docs id*=" + uuidD + " x='2'\ninsert a doc>docs.id=" + uuidD + " n=1", []string{
				"writes table:a.doc at table:a[0].doc: " + inDouble(uuidA) + " | " + inDouble(uuidD), "forgiven 2 writes table:docs.id: generated id"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			checkLines(t, compare.Exchanges(writing(t, tt.legacy), writing(t, tt.new), nil), tt.want)
		})
	}
}

func inDouble(word string) string { return `"` + word[1:len(word)-1] + `"` }

// TestTheCatalogueOfOneSide holds that what is known of one side's columns holds
// for the other's: the catalogue may not have been read for it in time.
func TestTheCatalogueOfOneSide(t *testing.T) {
	known, open := "insert t id*=10 x='1'", "insert t id=11 x='1'"
	want := []string{"writes table:t.id at table:t[0].id: 10 | 11"}
	checkLines(t, compare.Exchanges(writing(t, known), writing(t, open), nil), want)
	known, open = "insert t id*=11 x='1'", "insert t id=10 x='1'"
	checkLines(t, compare.Exchanges(writing(t, open), writing(t, known), nil), want)
}
