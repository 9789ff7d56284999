package compare

import "strings"

// columnFacts is what is known of columns beyond their rows, by table and name,
// from either side: the same table is told in the same way on both.
type columnFacts map[string]map[string]columnFact

type columnFact struct {
	key, generated bool
	references     Reference
}

func factsOf(sets ...WriteSet) columnFacts {
	facts := columnFacts{}
	for _, set := range sets {
		for i := range set {
			facts.learn(set[i].Table, set[i].Old)
			facts.learn(set[i].Table, set[i].New)
		}
	}
	return facts
}

func (f columnFacts) learn(table string, row []Column) {
	for i := range row {
		c := &row[i]
		if !c.Key && !c.Generated && c.References == (Reference{}) {
			continue
		}
		if f[table] == nil {
			f[table] = map[string]columnFact{}
		}
		known := f[table][c.Name]
		known.key, known.generated = known.key || c.Key, known.generated || c.Generated
		if known.references == (Reference{}) {
			known.references = c.References
		}
		f[table][c.Name] = known
	}
}

// target is the column that a foreign key leads to, through columns that are
// foreign keys themselves; the zero value when none is known.
func (f columnFacts) target(table, column string) (to Reference) {
	const longest = 16 // of two that refer to each other there is no end
	for range longest {
		next := f[table][column].references
		if next == (Reference{}) {
			break
		}
		to, table, column = next, next.Table, next.Column
	}
	return to
}

// keys are the columns that tell the row apart. Where none are known, that is
// the one called id.
func (r *rowOf) keys() []*Column {
	var keys []*Column
	for i := range r.columns {
		if c := &r.columns[i]; r.facts[c.Name].key {
			keys = append(keys, c)
		}
	}
	if keys == nil {
		if c := r.column("id"); c != nil {
			keys = []*Column{c}
		}
	}
	return keys
}

// generatedIDs are the columns of an inserted row that a sequence has filled.
// Where neither such columns nor a key are known, that is a number called id.
func (r *rowOf) generatedIDs() (ids []*Column) {
	if r.Op != OpInsert {
		return nil
	}
	known := false
	for i := range r.columns {
		c := &r.columns[i]
		f := r.facts[c.Name]
		known = known || f.key
		if f.generated && !c.Null && !c.Unchanged {
			ids = append(ids, c)
		}
	}
	if known || ids != nil {
		return ids
	}
	for i := range r.columns {
		if c := &r.columns[i]; strings.EqualFold(c.Name, "id") && c.isInteger() {
			return []*Column{c}
		}
	}
	return nil
}

// uuidKey is the UUID that tells an inserted row apart, nil when it has none.
func (r *rowOf) uuidKey() *Column {
	if r.Op != OpInsert {
		return nil
	}
	if keys := r.keys(); len(keys) == 1 && !keys[0].Null {
		if _, _, ok := parseUUID([]byte(keys[0].Value)); ok {
			return keys[0]
		}
	}
	return nil
}
