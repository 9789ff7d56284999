package writeset

import (
	"fmt"
	"strings"

	"github.com/quackproxy/quack/txshadow"
)

// parseChange reads one line of the plugin test_decoding that starts with
// "table ", and adds what it says to changes: one change, or for a TRUNCATE one
// for each table. A line may have newlines in it: the server sends each in a
// message of its own.
//
//	table public.t: INSERT: id[integer]:1 "a b"[text]:'it''s' c[text]:null
//	table public.t: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2
//	table public.t: DELETE: (no-tuple-data)
//	table public.t, other.u: TRUNCATE: cascade
func parseChange(changes []Change, line string) ([]Change, error) {
	p := parser{rest: line}
	if !p.skip("table ") {
		return changes, p.fail(`"table"`)
	}
	tables, err := p.tables()
	if err != nil {
		return changes, err
	}
	if p.skip(": TRUNCATE:") {
		for _, t := range tables {
			changes = append(changes, Change{Table: t, Op: Truncate})
		}
		return changes, nil
	}
	if len(tables) > 1 {
		return changes, p.fail(`": TRUNCATE:"`)
	}
	c := Change{Table: tables[0]}
	if err := p.rows(&c); err != nil {
		return changes, err
	}
	if p.rest != "" {
		return changes, p.fail("the end")
	}
	return append(changes, c), nil
}

// parser reads from the front of rest.
type parser struct{ rest string }

func (p *parser) skip(what string) (ok bool) {
	p.rest, ok = strings.CutPrefix(p.rest, what)
	return ok
}

// fail never shows values: what is read may be anything of an application's.
func (p *parser) fail(wanted string) error {
	return fmt.Errorf("read a line of test_decoding: %s is missing, %d bytes before its end", wanted, len(p.rest))
}

func (p *parser) tables() ([]string, error) {
	var tables []string
	for {
		schema, err := p.identifier()
		if err != nil {
			return nil, err
		}
		if !p.skip(".") {
			return nil, p.fail(`"."`)
		}
		table, err := p.identifier()
		if err != nil {
			return nil, err
		}
		tables = append(tables, txshadow.TableName(schema, table))
		if !p.skip(", ") {
			return tables, nil
		}
	}
}

// rows reads what was done, and to what.
func (p *parser) rows(c *Change) (err error) {
	switch {
	case p.skip(": INSERT:"):
		c.Op = Insert
		c.New, err = p.tuple()
	case p.skip(": DELETE:"):
		c.Op = Delete
		c.Old, err = p.tuple()
	case p.skip(": UPDATE:"):
		c.Op = Update
		if p.skip(" old-key:") {
			if c.Old, err = p.tuple(); err != nil {
				return err
			}
			if !p.skip(newTuple) {
				return p.fail(`" new-tuple:"`)
			}
		}
		c.New, err = p.tuple()
	default:
		err = p.fail("an operation")
	}
	return err
}

const newTuple = " new-tuple:"

// tuple reads the columns of a row; nil when the log had none.
func (p *parser) tuple() ([]Column, error) {
	if p.skip(" (no-tuple-data)") {
		return nil, nil
	}
	columns := []Column{}
	for p.rest != "" && !strings.HasPrefix(p.rest, newTuple) {
		if !p.skip(" ") {
			return nil, p.fail("a space")
		}
		c, err := p.column()
		if err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	return columns, nil
}

func (p *parser) column() (c Column, err error) {
	if c.Name, err = p.identifier(); err != nil {
		return c, err
	}
	if !p.skip("[") {
		return c, p.fail(`"["`)
	}
	if c.Type, err = p.typeName(); err != nil {
		return c, err
	}
	if !p.skip("]:") {
		return c, p.fail(`"]:"`)
	}
	switch {
	case p.skip("B'"):
		c.Value, err = p.quoted('\'')
	case p.skip("'"):
		c.Value, err = p.quoted('\'')
	default:
		word, rest, more := strings.Cut(p.rest, " ")
		if word == "" {
			return c, p.fail("a value")
		}
		if p.rest = ""; more {
			p.rest = " " + rest
		}
		c.Null, c.Unchanged = word == "null", word == "unchanged-toast-datum"
		if !c.Null && !c.Unchanged {
			c.Value = word
		}
	}
	return c, err
}

// identifier reads a name as quote_identifier writes it.
func (p *parser) identifier() (string, error) {
	if p.skip(`"`) {
		return p.quoted('"')
	}
	n := 0
	for n < len(p.rest) && (p.rest[n] == '_' || 'a' <= p.rest[n] && p.rest[n] <= 'z' || '0' <= p.rest[n] && p.rest[n] <= '9') {
		n++
	}
	if n == 0 {
		return "", p.fail("a name")
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	return name, nil
}

// quoted reads up to the end of what the quote has begun. The quote stands
// doubled inside, and nothing else means anything.
func (p *parser) quoted(quote byte) (string, error) {
	for at := 0; ; at++ {
		n := strings.IndexByte(p.rest[at:], quote)
		if n < 0 {
			return "", p.fail("the end of a quote")
		}
		if at += n + 1; at == len(p.rest) || p.rest[at] != quote {
			text := p.rest[:at-1]
			p.rest = p.rest[at:]
			return strings.ReplaceAll(text, string([]byte{quote, quote}), string(quote)), nil
		}
	}
}

// typeName reads up to the bracket that ends the type, which may be an array
// ("text[]") and may have quoted names in it, left as they are.
func (p *parser) typeName() (string, error) {
	depth, inQuotes := 0, false
	for i := range len(p.rest) {
		switch c := p.rest[i]; {
		case c == '"':
			inQuotes = !inQuotes
		case inQuotes:
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == ']':
			name := p.rest[:i]
			p.rest = p.rest[i:]
			return name, nil
		}
	}
	return "", p.fail("the end of a type")
}
