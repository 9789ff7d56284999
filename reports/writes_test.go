package reports

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/redact"
)

func wrote(n int, value string) compare.WriteSet {
	set := compare.WriteSet{}
	for i := range n {
		set = append(set, compare.Change{Table: "accounts", Op: compare.OpInsert, New: []compare.Column{
			{Name: "id", Type: "integer", Value: fmt.Sprint(i)}, {Name: "token", Type: "text", Value: "hunter2hunter2"}, {Name: "note", Type: "text", Value: value},
		}})
	}
	return set
}

// TestWrittenRowsAreKeptRedactedAndBounded holds what is stored of the rows, and
// that it is read again; "wrote nothing" stays apart from "not known".
func TestWrittenRowsAreKeptRedactedAndBounded(t *testing.T) {
	c := &Comparison{ID: "a", Verdict: Match, Writes: "level 4",
		Legacy: Side{Answer: compare.Exchange{Status: 201, Writes: wrote(1000, "hunter2hunter2 said "+strings.Repeat("é", 2000))}},
		New:    Side{Answer: compare.Exchange{Status: 201, Writes: compare.WriteSet{}}}}
	stored := clean(redact.New([]byte("key")), c)
	b, err := json.Marshal(stored)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "hunter2") {
		t.Error("a secret is stored")
	}
	if len(b) > 6*valuesMax {
		t.Errorf("%d bytes are stored of 1,000 rows", len(b))
	}
	var read Comparison
	if err := json.Unmarshal(b, &read); err != nil {
		t.Fatal(err)
	}
	legacy := read.Legacy
	if n := len(legacy.Answer.Writes); n == 0 || n > rowsMax || legacy.WritesNote != fmt.Sprintf("cut to its first %d rows of 1000", n) {
		t.Errorf("%d rows are kept, %q", n, legacy.WritesNote)
	}
	if note := legacy.Answer.Writes[0].New[2].Value; len(note) > valueMax+len("…") || !strings.HasSuffix(note, "é…") {
		t.Errorf("a value of %d bytes is kept: …%s", len(note), note[len(note)-8:])
	}
	if !reflect.DeepEqual(legacy.Answer.Writes, stored.Legacy.Answer.Writes) || read.New.Answer.Writes == nil || len(read.New.Answer.Writes) != 0 {
		t.Error("what is read is not what was stored")
	}
	if len(c.Legacy.Answer.Writes) != 1000 || c.Legacy.Answer.Writes[0].New[1].Value != "hunter2hunter2" {
		t.Error("the comparison that was handed over has been changed")
	}
}

// TestComparisonsFromBeforeAreRead holds that evidence without rows is read as such.
func TestComparisonsFromBeforeAreRead(t *testing.T) {
	var c Comparison
	err := json.Unmarshal([]byte(`{"id":"a","writes":"footprint","legacy":{"footprint":[{"table":"a","inserted":1}]},"new":{"footprint":[]}}`), &c)
	if err != nil || c.Legacy.Answer.Writes != nil || len(c.WrittenRows()) != 0 || c.WritesText() != "writes compared by the number of rows (level 1)" {
		t.Errorf("read %+v, %v", c, err)
	}
}

// TestWrittenRowsStandBesideEachOther holds which rows and columns are marked.
func TestWrittenRowsStandBesideEachOther(t *testing.T) {
	column := func(name, value string) compare.Column { return compare.Column{Name: name, Type: "text", Value: value} }
	insert := func(table string, columns ...compare.Column) compare.Change {
		return compare.Change{Table: table, Op: compare.OpInsert, New: columns}
	}
	legacy := compare.WriteSet{insert("a", column("x", "1"), column("y", "2")), insert("audits", column("what", "seen"))}
	new := compare.WriteSet{insert("a", column("x", "1"), column("y", "3")), insert("b", column("z", "4"))}
	result := compare.Exchanges(&compare.Exchange{Status: 200, Writes: legacy}, &compare.Exchange{Status: 200, Writes: new}, nil)
	c := Comparison{Legacy: Side{Answer: compare.Exchange{Writes: legacy}}, New: Side{Answer: compare.Exchange{Writes: new}}}
	for _, d := range result.Differences {
		c.Differences = append(c.Differences, Found{d, Mismatch})
	}
	want := []WrittenRow{
		{"a", "insert", "insert", true, []WrittenColumn{{"x", `"1"`, `"1"`, false}, {"y", `"2"`, `"3"`, true}}},
		{"audits", "insert", "", true, []WrittenColumn{{"what", `"seen"`, "", false}}},
		{"b", "", "insert", true, []WrittenColumn{{"z", "", `"4"`, false}}},
	}
	if got := c.WrittenRows(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
