package txshadow

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Footprint counts the rows that a request wrote, sorted by table. An empty,
// non-nil one says that it is known to have written nothing.
type Footprint []TableRows

// TableRows counts the rows written in one table.
type TableRows struct {
	// Table is schema-qualified unless the schema is "public". A part that
	// has a dot or a double quote in it stands in double quotes, doubled inside.
	Table                      string
	Inserted, Updated, Deleted int64
}

// maxFootprint is the greatest length of a Quack-Footprint in bytes.
const maxFootprint = 4096

// String is the footprint as Quack-Footprint carries it: a dictionary of RFC
// 9651 whose member "tables" is an inner list of table names, each with its
// counts, zeros left out. At 4 KiB it is cut and has a member "truncated".
//
//	tables=("public.accounts";ins=1 "public.audit_log";ins=2;del=1)
func (f Footprint) String() string { return f.with(nil) }

// with is String with the member "effects", when there are any: an inner list
// of their names, each with its count.
//
//	tables=("public.accounts";ins=1), effects=("mail:OrderMailer.placed";n=1)
func (f Footprint) with(effects Effects) string {
	items := make([]string, 0, len(f))
	for _, t := range f.sorted() {
		items = append(items, t.item())
	}
	reserve := 0
	if len(effects) > 0 {
		reserve = len(", effects=(), truncated")
	}
	text, whole := memberOf("tables=(", items, maxFootprint-reserve)
	if !whole || len(effects) == 0 {
		return text
	}
	items = items[:0]
	for _, e := range effects {
		items = append(items, e.item())
	}
	text, _ = memberOf(text+", effects=(", items, maxFootprint)
	return text
}

// memberOf ends a dictionary with a list of items, of limit bytes at most. It
// says whether all of them had room.
func memberOf(before string, items []string, limit int) (text string, whole bool) {
	const end, cut = ")", "), truncated"
	var b strings.Builder
	b.WriteString(before)
	for i, item := range items {
		if i > 0 {
			item = " " + item
		}
		room := limit - b.Len() - len(item) - len(end)
		if room < 0 || i < len(items)-1 && room < len(cut)-len(end) {
			return b.String() + cut, false
		}
		b.WriteString(item)
	}
	return b.String() + end, true
}

// sorted is a sorted copy, not nil.
func (f Footprint) sorted() Footprint {
	sorted := append(Footprint{}, f...)
	slices.SortFunc(sorted, func(a, b TableRows) int { return strings.Compare(a.Table, b.Table) })
	return sorted
}

func (t TableRows) item() string {
	name := t.Table
	if !strings.Contains(unquoted(name), ".") {
		name = "public." + name
	}
	s := formatString(name)
	for _, p := range []struct {
		key string
		n   int64
	}{{"ins", t.Inserted}, {"upd", t.Updated}, {"del", t.Deleted}} {
		if p.n != 0 {
			s += ";" + p.key + "=" + strconv.FormatInt(p.n, 10)
		}
	}
	return s
}

// unquoted is a table name without what stands in double quotes.
func unquoted(name string) string {
	var b strings.Builder
	for i, part := range strings.Split(name, `"`) {
		if i%2 == 0 {
			b.WriteString(part)
		}
	}
	return b.String()
}

// ParseFootprint reads the tables of a Quack-Footprint. It returns
// ErrFootprintCut, and what there is of it, for one that was cut.
func ParseFootprint(value string) (Footprint, error) {
	f, _, err := parseFootprint(value)
	return f, err
}

// parseFootprint reads a Quack-Footprint: what was written, and what was
// recorded.
func parseFootprint(value string) (Footprint, Effects, error) {
	members, err := parseDictionary(value)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", HeaderFootprint, err)
	}
	f, err := readTables(members)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", HeaderFootprint, err)
	}
	effects, err := readEffects(members)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", HeaderFootprint, err)
	}
	if cut := members["truncated"]; cut.value == true {
		return f, effects, ErrFootprintCut
	}
	return f, effects, nil
}

func readTables(members map[string]sfItem) (Footprint, error) {
	tables, ok := members["tables"]
	if !ok || !tables.isList {
		return nil, errors.New(`no list "tables"`)
	}
	f := make(Footprint, 0, len(tables.list))
	for _, item := range tables.list {
		t, err := readTable(item)
		if err != nil {
			return nil, err
		}
		f = append(f, t)
	}
	f = f.sorted()
	for i := 1; i < len(f); i++ {
		if f[i].Table == f[i-1].Table {
			return nil, fmt.Errorf("%q stands twice", f[i].Table)
		}
	}
	return f, nil
}

// readEffects reads the member "effects", which is left out when there are
// none. Counts of the same name are added up; one without a count stands for one.
func readEffects(members map[string]sfItem) (Effects, error) {
	member, ok := members["effects"]
	if ok && !member.isList {
		return nil, errors.New(`"effects" is not a list`)
	}
	counts := map[string]int64{}
	for _, item := range member.list {
		name, ok := item.value.(string)
		if !ok || name == "" {
			return nil, errors.New("an effect is not a string")
		}
		n := int64(1)
		if v, given := item.params["n"]; given {
			if n, ok = v.(int64); !ok || n < 1 {
				return nil, fmt.Errorf("n of %q is not a count", name)
			}
		}
		counts[name] += n
	}
	return effectsOf(counts), nil
}

func readTable(item sfItem) (TableRows, error) {
	name, ok := item.value.(string)
	if !ok || name == "" {
		return TableRows{}, errors.New("a table is not a string")
	}
	t := TableRows{Table: strings.TrimPrefix(name, "public.")}
	for key, to := range map[string]*int64{"ins": &t.Inserted, "upd": &t.Updated, "del": &t.Deleted} {
		v, given := item.params[key]
		if !given {
			continue
		}
		if *to, ok = v.(int64); !ok || *to < 0 {
			return TableRows{}, fmt.Errorf("%s of %q is not a count", key, name)
		}
	}
	return t, nil
}
