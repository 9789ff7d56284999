package routes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/quackproxy/quack/internal/golden"
)

// shop is a file with some of everything; its tree, warnings and explanations
// are held as text.
func shop(t *testing.T) *Table {
	src, err := os.ReadFile("testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	table, err := Parse("shop.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestWriteTree(t *testing.T) {
	table := shop(t)
	var b bytes.Buffer
	if err := table.WriteTree(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "shop-tree.txt", b.Bytes())

	with, _, err := table.WithStages(map[string]StageSetting{"items.list": {Stage: StageRamp, Percent: 5}})
	if err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := with.WriteTree(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "shop-tree-live.txt", b.Bytes())
	if err := table.WriteTree(brokenWriter{}); !errors.Is(err, errBroken) {
		t.Errorf("an error of the writer is lost: %v", err)
	}
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWarnings(t *testing.T) {
	warnings := shop(t).warnings(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	golden.Check(t, "shop-warnings.txt", []byte(Errors(warnings).Error()+"\n"))
}

// TestRuleIsNeededOnItsLastDay: until names a whole day.
func TestRuleIsNeededOnItsLastDay(t *testing.T) {
	table := parse(t, head+"  - match: GET /a\n    compare: {rules: [{path: $.a, ignore: true, until: 2026-11-30}]}\n")
	for _, c := range []struct {
		now  time.Time
		want int
	}{
		{time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC), 0},
		{time.Date(2026, 12, 1, 0, 0, 1, 0, time.UTC), 1},
	} {
		if got := table.warnings(c.now); len(got) != c.want {
			t.Errorf("%v: %v", c.now, Errors(got))
		}
	}
}

func TestExplain(t *testing.T) {
	table := shop(t)
	live, _, err := table.WithStages(map[string]StageSetting{"orders.place": {Stage: StageVerify}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, target string
		table                *Table
	}{
		{"read", "GET", "/api/items/7%2F8?x=1", table},
		{"head", "HEAD", "/api/items/7", table},
		{"ramp", "POST", "/api/search", table},
		{"write", "POST", "/api/orders", table},
		{"write-live", "POST", "/api/orders", live},
		{"any-get", "GET", "/api/legacy/x", table},
		{"any-delete", "DELETE", "/api/legacy/x", table},
		{"none", "POST", "/api/none", table},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := c.table.Explain(c.method, c.target)
			var b bytes.Buffer
			if n, err := e.WriteTo(&b); err != nil || int(n) != b.Len() {
				t.Fatal(n, err)
			}
			golden.Check(t, fmt.Sprintf("explain-%s.txt", c.name), b.Bytes())
			var back Explanation
			if src, err := json.Marshal(e); err != nil || json.Unmarshal(src, &back) != nil || back.Route != e.Route {
				t.Errorf("as JSON: %v", err)
			}
		})
	}
}
