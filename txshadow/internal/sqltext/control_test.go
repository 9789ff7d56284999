package sqltext

import "testing"

func TestControl(t *testing.T) {
	for _, c := range []struct {
		sql  string
		want Control
	}{
		{"BEGIN", Control{Kind: Begin}},
		{"start transaction isolation level repeatable read, read only", Control{Kind: Begin, Isolation: "repeatable read", ReadOnly: true}},
		{"BEGIN ISOLATION LEVEL SERIALIZABLE", Control{Kind: Begin, Isolation: "serializable"}},
		{"END", Control{Kind: Commit}},
		{"COMMIT AND CHAIN", Control{Kind: Commit, Chain: true}},
		{"COMMIT PREPARED 'x'", Control{}},
		{"/*c*/ abort", Control{Kind: Rollback}},
		{"ROLLBACK TO SAVEPOINT \"a b\"", Control{Kind: RollbackTo, Name: "a b", NameStart: 22, NameEnd: 27}},
		{"SAVEPOINT S", Control{Kind: Savepoint, Name: "s", NameStart: 10, NameEnd: 11}},
		{"RELEASE SAVEPOINT s", Control{Kind: Release, Name: "s", NameStart: 18, NameEnd: 19}},
		{"RELEASE savepoint", Control{Kind: Release, Name: "savepoint", NameStart: 8, NameEnd: 17}},
		{"SET TRANSACTION READ ONLY", Control{Kind: SetTransaction, ReadOnly: true}},
		{"SET LOCAL Work_Mem = 1", Control{Kind: SetLocal, Name: "work_mem", NameStart: 10, NameEnd: 18}},
		{"SET SESSION my.setting TO 1", Control{Kind: SetSession, Name: "my.setting", NameStart: 12, NameEnd: 14}},
		{"SET TIME ZONE 'UTC'", Control{Kind: SetSession, Name: "timezone"}},
		{"SET CONSTRAINTS ALL IMMEDIATE", Control{}},
		{"PREPARE p AS SELECT 1", Control{Kind: Prepare, Name: "p", NameStart: 8, NameEnd: 9}},
		{"PREPARE TRANSACTION 'x'", Control{}},
		{"EXECUTE p(1)", Control{Kind: Execute, Name: "p", NameStart: 8, NameEnd: 9}},
		{"DEALLOCATE PREPARE p", Control{Kind: Deallocate, Name: "p", NameStart: 19, NameEnd: 20}},
		{"DEALLOCATE ALL", Control{Kind: Deallocate}},
		{"DISCARD ALL", Control{Kind: DiscardAll}},
		{"DISCARD TEMP", Control{}},
		{"CREATE TEMP TABLE IF NOT EXISTS x (a int) ON COMMIT DROP", Control{Kind: DropOnCommit, Name: "x", NameStart: 32, NameEnd: 33}},
		{"CREATE TEMP TABLE pg_temp.x (a int) ON COMMIT DELETE ROWS", Control{Kind: DeleteOnCommit, Name: "x", NameStart: 26, NameEnd: 27}},
		{"SELECT 1", Control{}},
	} {
		stmts := Split(c.sql, false)
		if len(stmts) != 1 || stmts[0].Control != c.want {
			t.Errorf("%s: got %+v, want %+v", c.sql, stmts[0].Control, c.want)
		}
	}
}
