package sqltext

import "strings"

// Control is what a statement says about transactions, prepared statements and
// settings, for who has to act in the server's place.
type Control struct {
	Kind ControlKind

	// Of transactions.
	Chain     bool   // AND CHAIN
	Isolation string // in lower case, "" when none was asked for
	ReadOnly  bool   // READ ONLY was asked for
	ReadWrite bool   // READ WRITE was

	// Name is the savepoint's, the prepared statement's, the setting's, or
	// the table's; "" for ALL of them. NameStart and NameEnd are its bytes in the SQL,
	// quotes included.
	Name               string
	NameStart, NameEnd int
}

// ControlKind says what Control is about.
type ControlKind int

const (
	ControlNone ControlKind = iota
	Begin
	Commit
	Rollback
	Savepoint
	Release
	RollbackTo
	SetTransaction // SET TRANSACTION …, for the transaction that is open
	SetSession     // SET name, RESET name
	SetLocal       // SET LOCAL name
	Prepare        // PREPARE name AS
	Execute
	Deallocate
	DiscardAll
	DropOnCommit   // CREATE TEMP TABLE … ON COMMIT DROP
	DeleteOnCommit // CREATE TEMP TABLE … ON COMMIT DELETE ROWS
)

func (p phrase) controls(verb string) Control {
	switch verb {
	case "begin", "start":
		return p.modes(Control{Kind: Begin})
	case "commit", "end":
		return p.ends(Commit)
	case "abort":
		return p.ends(Rollback)
	case "rollback":
		if at := p.rollbackTo(); at > 0 {
			return p.named(RollbackTo, at)
		}
		return p.ends(Rollback)
	case "savepoint":
		return p.named(Savepoint, 1)
	case "release":
		if p.word(1) == "savepoint" && len(p) > 2 {
			return p.named(Release, 2)
		}
		return p.named(Release, 1)
	case "prepare":
		if p.word(1) != "transaction" {
			return p.named(Prepare, 1)
		}
	case "execute":
		return p.named(Execute, 1)
	case "deallocate":
		return p.deallocates()
	case "discard":
		if p.word(1) == "all" {
			return Control{Kind: DiscardAll}
		}
	case "set", "reset":
		return p.sets(verb)
	case "create":
		return p.onCommit()
	}
	return Control{}
}

// ends reads COMMIT and ROLLBACK; those PREPARED are not about the
// transaction that is open.
func (p phrase) ends(kind ControlKind) Control {
	if p.word(1) == "prepared" {
		return Control{}
	}
	return Control{Kind: kind, Chain: p.has("and", "chain")}
}

// modes reads transaction modes.
func (p phrase) modes(c Control) Control {
	c.ReadOnly, c.ReadWrite = p.has("read", "only"), p.has("read", "write")
	for i := range p {
		if p.word(i) == "level" {
			c.Isolation = p.word(i + 1)
			if w := p.word(i + 1); w == "read" || w == "repeatable" {
				c.Isolation = w + " " + p.word(i+2)
			}
		}
	}
	return c
}

func (p phrase) named(kind ControlKind, at int) Control {
	c := Control{Kind: kind, Name: p.name(at)}
	if at < len(p) {
		c.NameStart, c.NameEnd = p[at].start, p[at].end
	}
	return c
}

func (p phrase) deallocates() Control {
	at := 1
	if p.word(1) == "prepare" && len(p) > 2 {
		at = 2
	}
	if p.word(at) == "all" {
		return Control{Kind: Deallocate}
	}
	return p.named(Deallocate, at)
}

func (p phrase) sets(verb string) Control {
	at, kind := 1, SetSession
	if w := p.word(1); verb == "set" && (w == "local" || w == "session") {
		at = 2
		if w == "local" {
			kind = SetLocal
		}
	}
	switch p.word(at) {
	case "transaction":
		if verb == "set" && at == 1 {
			return p.modes(Control{Kind: SetTransaction})
		}
	case "constraints", "characteristics", "authorization":
		return Control{}
	case "time":
		if p.word(at+1) == "zone" {
			return Control{Kind: kind, Name: "timezone"}
		}
	}
	c := p.named(kind, at)
	for i := at; i+2 < len(p) && p[i+1].text == "." && p[i+1].kind == tokenOther; i += 2 {
		c.Name += "." + p.name(i+2)
	}
	c.Name = strings.ToLower(c.Name)
	return c
}

// onCommit finds temporary tables that their transaction's end empties or drops.
func (p phrase) onCommit() Control {
	kind := DropOnCommit
	if p.has("on", "commit", "delete") {
		kind = DeleteOnCommit
	} else if !p.has("on", "commit", "drop") {
		return Control{}
	}
	for i := range p {
		if p.word(i) != "table" {
			continue
		}
		if p.word(i+1) == "if" {
			i += 3
		}
		if i+2 < len(p) && p[i+2].text == "." {
			i += 2
		}
		return p.named(kind, i+1)
	}
	return Control{}
}
