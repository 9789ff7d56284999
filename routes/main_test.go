package routes

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// head is the part of a file above its routes; both backends roll back.
const head = `version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000], rollback: header}
  accounts: {urls: [http://127.0.0.1:4000], rollback: header}
defaults: {legacy: monolith, new: accounts}
routes:
`

func parse(t testing.TB, src string) *Table {
	t.Helper()
	table, err := Parse("routes.yaml", []byte(src))
	if err != nil {
		t.Fatalf("%v\nin:\n%s", err, src)
	}
	return table
}

// route is the only route of a file.
func route(t testing.TB, settings ...string) *Route {
	t.Helper()
	table := parse(t, head+"  - "+strings.Join(settings, "\n    ")+"\n")
	if len(table.Routes()) != 1 {
		t.Fatalf("%d routes", len(table.Routes()))
	}
	return table.Routes()[0]
}
