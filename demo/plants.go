package demo

// plant is a place where the two sides differ on purpose.
type plant struct {
	Route, Path, Kind string
	// Verdict is "mismatch", or "forgiven" where the difference is none that
	// matters.
	Verdict string
	What    string
}

// plants are all of them: the self-check wants each to be found and nothing
// besides. demo/README.md shows this table.
var plants = []plant{
	{"accounts.statement", "$.fee", "value", "mismatch", "the new service cuts the fee's fraction of a cent off, the shop rounds it"},
	{"accounts.profile", "$.nickname", "missing", "mismatch", "who has no nickname has a null one in the shop, none in the new service"},
	{"accounts.show", "$.tags", "order", "mismatch", "the shop keeps the staff's order of tags, the new service sorts them"},
	{"accounts.create", "$.tags", "order", "mismatch", "the same in the answer to a new account"},
	{"accounts.update", "$.tags", "order", "mismatch", "the same in the answer to a change"},
	{"accounts.create", "status", "status", "mismatch", "a bad email address is 400 in the shop, 422 in the new service"},
	{"accounts.deposit", "table:audit_log", "writes", "mismatch", "the new service forgets the row in the audit log"},

	{"accounts.create", "$.created_at", "value", "forgiven", "two accounts made some milliseconds apart"},
	{"accounts.create", "$.updated_at", "value", "forgiven", "the same"},
	{"accounts.create", "$.id", "value", "forgiven", "generated ids, by a rule"},
	{"accounts.create", "header:Location", "header", "forgiven", "has the generated id in it, by a rule"},
	{"accounts.update", "$.updated_at", "value", "forgiven", "two changes some milliseconds apart"},
	{"accounts.deposit", "$.created_at", "value", "forgiven", "two entries made some milliseconds apart"},
	{"accounts.deposit", "$.id", "value", "forgiven", "generated ids, by a rule"},
	{"accounts.deposit", "table:entries.created_at", "writes", "forgiven", "the same entries, as they were written"},
}

// forgottenRow is what the row in the audit log says that the new service forgets:
// the report has to show the row.
const forgottenRow = `"action":"deposit"`

// slower is the route on which the new service takes longer. That is shown,
// and is no difference.
const slower = "accounts.activity"
