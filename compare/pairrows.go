package compare

// RowPair is two rows that are taken for the same one; the index is -1 where one
// side has none.
type RowPair struct{ Legacy, New int }

// PairRows pairs the changes of one table, to show them beside each other, as
// [Exchanges] does for a comparison without rules: in the order of legacy, those
// that only new has last.
func PairRows(legacy, new []Change) []RowPair {
	w := &writes{pair: &pair{}}
	w.read(legacy, new)
	w.pairRows()
	var pairs []RowPair
	for i := range w.sides[0].rows {
		p := RowPair{i, -1}
		if partner := w.sides[0].rows[i].partner; partner != nil {
			p.New = partner.index
		}
		pairs = append(pairs, p)
	}
	for i := range w.sides[1].rows {
		if w.sides[1].rows[i].partner == nil {
			pairs = append(pairs, RowPair{-1, i})
		}
	}
	return pairs
}
