package compare

import "slices"

// What the two sides wrote is compared table by table. The order of statements
// means nothing; rows are paired by what is in them (writepair.go), and of those
// that can not be told apart the first with the first. Paired rows are compared
// column by column, each as a JSON text of its own, so that all that holds for
// values in a body holds for them. A row without a partner is one difference.

// writes compares two write sets.
type writes struct {
	pair  *pair
	rules *Rules // of tables
	facts columnFacts
	sides [2]*wrote
	ruled map[string]bool // columns, by table and name, for which there are rules
	pairs uint64          // made so far
}

// wrote is what one side wrote.
type wrote struct {
	rows   []rowOf
	tables map[string][]*rowOf // in the order of writing
	ids    map[string][]rowID  // of the rows that were inserted, by their values
}

// rowOf is one change of a side.
type rowOf struct {
	*Change
	columns []Column              // as Change.row, with what was unchanged filled in where the old row has it
	facts   map[string]columnFact // by column
	ids     []*Column             // numbers that it was given when it was inserted
	refs    [][]*rowOf            // by column: the rows inserted by this side that it may refer to
	index   int                   // among the changes of its table

	plain   uint64 // hash of what is in it but for ids
	hash    uint64 // of all that is in it, ids as what they stand for
	again   uint64 // how many before it in its table have the same
	partner *rowOf // on the other side
	number  uint64 // of the pair
}

// compareWrites compares what both sides wrote, when that is known of both. What
// it finds stands under the tables, sorted by name.
func (p *pair) compareWrites() *bodies {
	if !p.bothWritten() || sameChanges(p.legacy.Writes, p.new.Writes) && !p.rules.linksTables() {
		return &bodies{}
	}
	w := &writes{pair: p, rules: p.rules.ofTables()}
	w.read(p.legacy.Writes, p.new.Writes)
	w.pairRows()
	all := &bodies{}
	for _, name := range namesOf(w.sides[0].tables, w.sides[1].tables) {
		all.add(w.table(name))
	}
	return all
}

// bothWritten reports whether the write sets of both sides are known.
func (p *pair) bothWritten() bool { return p.legacy.Writes != nil && p.new.Writes != nil }

// linksTables reports whether some rule with same is for values in tables.
func (r *Rules) linksTables() bool { return r != nil && r.tables != nil && r.tables.linked }

// sameWritten reports whether what is known of both sides' writes is the same.
func (p *pair) sameWritten() bool {
	l, n := p.legacy, p.new
	if p.bothWritten() && !sameChanges(l.Writes, n.Writes) {
		return false
	}
	return l.Footprint == nil || n.Footprint == nil || slices.Equal(l.Footprint, n.Footprint) && slices.Equal(l.Effects, n.Effects)
}

func (w *writes) read(legacy, new WriteSet) {
	w.facts = factsOf(legacy, new)
	w.sides = [2]*wrote{readWrites(legacy, w.facts), readWrites(new, w.facts)}
}

// readWrites sorts a write set by table, and finds out which rows refer to which.
func readWrites(set WriteSet, facts columnFacts) *wrote {
	s := &wrote{rows: make([]rowOf, len(set)), tables: map[string][]*rowOf{}, ids: map[string][]rowID{}}
	for i := range set {
		r := &s.rows[i]
		r.Change, r.columns, r.facts = &set[i], known(&set[i]), facts[set[i].Table]
		r.index = len(s.tables[r.Table])
		s.tables[r.Table] = append(s.tables[r.Table], r)
		s.enterIDs(r)
	}
	for i := range s.rows {
		s.rows[i].refer(s, facts)
	}
	return s
}

// known is the row of a change, in which values that the log left out because
// they are unchanged are taken from the old row, where that has them.
func known(c *Change) []Column {
	columns := c.Row()
	for i, col := range columns {
		if !col.Unchanged {
			continue
		}
		old := slices.IndexFunc(c.Old, func(o Column) bool { return o.Name == col.Name && !o.Unchanged })
		if old >= 0 {
			columns = slices.Clone(columns)
			columns[i].Value, columns[i].Null, columns[i].Unchanged = c.Old[old].Value, c.Old[old].Null, false
		}
	}
	return columns
}

// table is what differs in one table: in the order of legacy's rows, what only
// new wrote behind them.
func (w *writes) table(name string) *bodies {
	at := tableBase(name)
	all := &bodies{}
	alone := &findings{}
	ignored := w.rules.tableIgnored(&at, true)
	legacy, new := w.sides[0].tables[name], w.sides[1].tables[name]
	for _, l := range legacy {
		switch n := l.partner; {
		case n == nil:
			alone.add(w.row(&at, l, l, nil, ignored))
		case n.Op != l.Op:
			alone.add(w.row(&at, l, l, n, ignored))
		default:
			all.add(w.columns(&at, l, n, ignored))
		}
	}
	for _, n := range new {
		if n.partner == nil {
			alone.add(w.row(&at, n, nil, n, ignored))
		}
	}
	share := float64(alone.counting()) / float64(max(1, len(legacy), len(new)))
	for i := range alone.found {
		alone.found[i].Weight = min(1, share)
	}
	all.pieces = append([]piece{alone}, all.pieces...)
	return all
}

// row is a difference that is a whole row: of the side that alone wrote it, or of
// both when they did other things to it.
func (w *writes) row(at *base, of, legacy, new *rowOf, ignored int32) finding {
	f := finding{level: -1, Difference: Difference{Path: at.path, At: at.element(int32(of.index)).at, Kind: KindWrites}}
	if legacy != nil {
		f.Legacy = show(legacy.String())
	}
	if new != nil {
		f.New = show(new.String())
	}
	if ignored >= 0 {
		f.verdict = forgivenBy(ignored)
	}
	return f
}

// columns compares two rows column by column.
func (w *writes) columns(at *base, l, n *rowOf, ignored int32) *bodies {
	row := at.element(int32(l.index))
	row.path, row.steps = at.path, at.steps
	all := &bodies{}
	compare := func(name string, legacy, new *Column) {
		c := comparedColumn{
			writes: w, rows: [2]*rowOf{l, n}, table: l.Table, name: name, legacy: legacy, new: new, at: row.member(name, -1), ignored: ignored,
		}
		if p := c.compare(); p != nil {
			all.pieces = append(all.pieces, p)
		}
	}
	for i := range l.columns {
		c := &l.columns[i]
		compare(c.Name, c, n.column(c.Name))
	}
	for i := range n.columns {
		if c := &n.columns[i]; l.column(c.Name) == nil {
			compare(c.Name, nil, c)
		}
	}
	share := float64(len(all.pieces)) / float64(max(1, len(l.columns), len(n.columns)))
	for _, p := range all.pieces {
		if c, ok := p.(*columnPiece); ok {
			c.weight = share
		}
	}
	return all
}

func (r *rowOf) column(name string) *Column {
	if i := slices.IndexFunc(r.columns, func(c Column) bool { return c.Name == name }); i >= 0 {
		return &r.columns[i]
	}
	return nil
}
