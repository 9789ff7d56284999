package sqltext

import "testing"

func TestSent(t *testing.T) {
	for _, c := range []struct {
		sql, verb, writer string
		writes            bool
		reason            string
	}{
		{"", "unknown", "", false, "nothing"},
		{"SELECT 1", "select", ":select", false, "the first, when none writes"},
		{"SELECT 1; UPDATE a.b SET n = 1; DELETE FROM c", "select", ":update:a.b", true, "the first that writes"},
		{"SELECT 1; SELECT f(1)", "select", ":select", true, "no table is named"},
		{"INSERT INTO a VALUES (1); COMMIT", "commit", ":insert:a", true, "what would end the transaction"},
		{"VACUUM; COMMIT PREPARED 'x'", "commit-prepared", ":vacuum", true, "not what is refused for something else"},
	} {
		s := Sent(Split(c.sql, false))
		if s.Verb() != c.verb || s.Writer() != c.writer || s.Writes() != c.writes {
			t.Errorf("%s (%s): %q, %q, %v", c.sql, c.reason, s.Verb(), s.Writer(), s.Writes())
		}
	}
}
