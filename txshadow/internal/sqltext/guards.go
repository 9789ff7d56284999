package sqltext

import (
	"strconv"
	"strings"
	"time"
)

// guards are the settings by which the server protects others from a shadow.
var guards = map[string]bool{
	"statement_timeout": true, "lock_timeout": true, "idle_in_transaction_session_timeout": true,
}

// limits keeps in mind that s sets a guard, and reports whether name is one.
func (s *Statement) limits(name string, to time.Duration) bool {
	name = strings.ToLower(name)
	if !guards[name] {
		return false
	}
	s.Guard, s.GuardTo = name, to
	return true
}

// limit reads what a SET makes of a guard, from at on; 0 when that is not a
// plain number, with a unit or without.
func (p phrase) limit(at int) time.Duration {
	if at+2 != len(p) || p[at].text != "=" && p.word(at) != "to" {
		return 0
	}
	switch t := p[at+1]; t.kind {
	case tokenNumber, tokenString:
		return timeoutOf(t.text)
	}
	return 0
}

// timeoutOf reads a time-out as PostgreSQL does, without fractions; 0 for
// anything else.
func timeoutOf(text string) time.Duration {
	text = strings.TrimSpace(text)
	digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
	unit, ok := map[string]time.Duration{
		"": time.Millisecond, "us": time.Microsecond, "ms": time.Millisecond, "s": time.Second,
		"min": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	}[strings.TrimSpace(text[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || !ok {
		return 0
	}
	return time.Duration(n) * unit
}

// blocks says what takes a lock on tables, or on what belongs to them, for
// which live work would wait: reads as well in most cases.
func (p phrase) blocks(verb string) string {
	switch verb {
	case "truncate", "alter", "drop", "refresh", "reassign":
		return "unsupported:" + verb
	case "create":
		return p.creates()
	}
	return ""
}

// creates refuses to make what belongs to an existing table. What is temporary
// is the shadow's own.
func (p phrase) creates() string {
	at, replaces := 1, p.has("create", "or", "replace")
	if replaces {
		at = 3
	}
	for p.word(at) == "global" || p.word(at) == "local" || p.word(at) == "unique" || p.word(at) == "constraint" || p.word(at) == "unlogged" {
		at++
	}
	kind := p.word(at)
	switch kind {
	case "index", "trigger", "rule", "policy", "statistics", "publication", "event":
		return "unsupported:create-" + kind
	case "table", "foreign":
		if p.hasAny("references", "partition", "inherits") {
			return "unsupported:create-table"
		}
	case "view", "recursive":
		if replaces {
			return "unsupported:create-view"
		}
	case "schema":
		if p[1:].hasAny("create") {
			return "unsupported:create-schema"
		}
	}
	return ""
}

// setsLocally reports whether p calls set_config for the transaction, or does
// not show that it is for the session.
func (p phrase) setsLocally() bool {
	for i := range p {
		if strings.ToLower(p.name(i)) != "set_config" || i+1 >= len(p) || p[i+1].text != "(" {
			continue
		}
		depth := 0
		for j := i + 1; j < len(p); j++ {
			switch {
			case p[j].kind != tokenOther:
			case p[j].text == "(":
				depth++
			case p[j].text == ")":
				depth--
			}
			if depth == 0 {
				if p.word(j-1) != "false" || p[j-2].text != "," {
					return true
				}
				break
			}
		}
	}
	return false
}
