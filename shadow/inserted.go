package shadow

import (
	"maps"
	"sync"

	"github.com/quackproxy/quack/compare"
)

// insertions counts the rows that shadows have inserted and rolled back, by table.
// A sequence does not give numbers back: each of these rows has used one up.
type insertions struct {
	mu sync.Mutex
	n  map[string]int64
}

// insertedMax bounds the tables that are counted each; OtherTables has the rest.
const insertedMax = 256

// OtherTables stands for the tables beyond those that are counted each.
const OtherTables = "(other tables)"

func (c *insertions) add(f compare.Footprint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range f {
		if t.Inserted == 0 {
			continue
		}
		if c.n == nil {
			c.n = map[string]int64{}
		}
		name := t.Table
		if _, known := c.n[name]; !known && len(c.n) >= insertedMax {
			name = OtherTables
		}
		c.n[name] += t.Inserted
	}
}

func (c *insertions) counts() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.n)
}
