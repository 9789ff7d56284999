package sqlshadow_test

import (
	"os"
	"strings"
	"testing"
)

// docs/database-sql.md shows the tables that the tests make.
func TestTheGuideShowsTheTables(t *testing.T) {
	const file = "../../docs/database-sql.md"
	guide, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(guide)
	for _, name := range []string{"postgres.md", "mariadb.md"} {
		table, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		mark := "<!-- table of " + name + ": go test ./txshadow/sqlshadow -update -->\n"
		before, rest, found := strings.Cut(text, mark)
		shown, after, ended := strings.Cut(rest, "<!-- end of table -->")
		if !found || !ended {
			t.Fatalf("%s has no place for %s", file, name)
		}
		want := "\n" + string(table) + "\n"
		if shown != want && !*update {
			t.Errorf("%s shows another %s: go test ./txshadow/sqlshadow -update", file, name)
		}
		text = before + mark + want + "<!-- end of table -->" + after
	}
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
