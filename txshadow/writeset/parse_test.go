package writeset

import (
	"strings"
	"testing"
)

func FuzzParseChange(f *testing.F) {
	for _, line := range []string{
		`table public.t: INSERT: id[integer]:1 "a b"[text]:'it''s' c[text]:null`,
		`table public.t: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 b[bit]:B'01' big[text]:unchanged-toast-datum`,
		`table public.t: DELETE: (no-tuple-data)`,
		`table public.t, other."u,.:": TRUNCATE: restart_seqs cascade`,
		`table "a""b".t: INSERT: e["s]:x"."y"[]]:'{}'`,
		`table public.t: INSERT:`, `table public.t: UPDATE: old-key: new-tuple: a[integer]:1`, "BEGIN 1", "",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		changes, err := parseChange(nil, line)
		if err != nil {
			if len(changes) != 0 {
				t.Fatalf("%q: an error and %d changes", line, len(changes))
			}
			if strings.Contains(err.Error(), "'") {
				t.Fatalf("%q: the error shows values: %v", line, err)
			}
			return
		}
		if len(changes) == 0 {
			t.Fatalf("%q: neither an error nor a change", line)
		}
		for _, c := range changes {
			if c.Table == "" || c.Op == "" || c.Op == Truncate && (c.Old != nil || c.New != nil) {
				t.Fatalf("%q: %+v", line, c)
			}
			for _, col := range append(c.Old, c.New...) {
				if (col.Null || col.Unchanged) && col.Value != "" || col.Null && col.Unchanged {
					t.Fatalf("%q: %+v", line, col)
				}
			}
		}
	})
}

// What is cut short is an error, wherever that is: it is never taken for less.
func TestALineThatIsCutIsAnError(t *testing.T) {
	line := `table public.t: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 s[text]:'a'`
	if _, err := parseChange(nil, line); err != nil {
		t.Fatal(err)
	}
	for n := range len(line) {
		got, err := parseChange(nil, line[:n])
		// Where a column ends the rest may be missing unseen: but the server sends a
		// line whole, in a message that says how long it is.
		if err == nil && !strings.HasSuffix(line[:n], "]:2") && !strings.HasSuffix(line[:n], ":") {
			t.Errorf("%q: %+v", line[:n], got)
		}
	}
}

func TestWhatADatabaseNeeds(t *testing.T) {
	good := facts{version: 150004, walLevel: "logical", prepared: 5, keepMiB: 100, encoding: "UTF8"}
	if err := good.judge(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		reason string
		change func(*facts)
	}{
		{"prepared transactions are decoded from 14", func(f *facts) { f.version = 130010 }},
		{"replica", func(f *facts) { f.replica = true }},
		{"wal_level", func(f *facts) { f.walLevel = "replica" }},
		{"max_prepared_transactions", func(f *facts) { f.prepared = 0 }},
		{"max_slot_wal_keep_size", func(f *facts) { f.keepMiB = -1 }},
		{"encoding", func(f *facts) { f.encoding = "LATIN1" }},
	} {
		f := good
		c.change(&f)
		if err := f.judge(); err == nil || !strings.Contains(err.Error(), strings.Fields(c.reason)[0]) {
			t.Errorf("%s: %v", c.reason, err)
		}
	}
	bad := facts{keepMiB: -1}
	if err := bad.judge(); strings.Count(err.Error(), "\n") < 5 {
		t.Errorf("not everything is named: %v", err)
	}
}
