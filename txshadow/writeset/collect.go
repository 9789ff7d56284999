package writeset

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/txshadow"
)

// collector gathers the lines of one transaction after the other. Whose it was
// is known at its end only, so the lines are kept as they are until then, and
// not at all while nobody waits.
type collector struct {
	maxRows, maxBytes int

	open  bool // between BEGIN and the line that ends the transaction
	keep  bool
	cut   bool
	text  []byte // the lines, one behind the other
	lines []int  // where each ends in text
}

// begin starts a transaction.
func (c *collector) begin(keep bool) {
	c.open, c.keep, c.cut = true, keep, false
	c.text, c.lines = c.text[:0], c.lines[:0]
	if cap(c.text) > keptBuffer {
		c.text = nil
	}
}

// keptBuffer is how much of a buffer is kept for the next transaction.
const keptBuffer = 256 << 10

// change keeps a line, within bounds.
func (c *collector) change(line []byte) {
	if !c.keep || c.cut {
		return
	}
	if len(c.lines) >= c.maxRows || len(c.text)+len(line) > c.maxBytes {
		c.cut = true
		return
	}
	c.text = append(c.text, line...)
	c.lines = append(c.lines, len(c.text))
}

// set reads what has been gathered.
func (c *collector) set() (Set, error) {
	if !c.keep {
		return Set{}, fmt.Errorf("%w: nobody waited for the transaction when it came", ErrLate)
	}
	s := Set{Changes: make([]Change, 0, len(c.lines)), Truncated: c.cut}
	from := 0
	for _, to := range c.lines {
		var err error
		if s.Changes, err = parseChange(s.Changes, string(c.text[from:to])); err != nil {
			return Set{}, err
		}
		from = to
	}
	return s, nil
}

// parsePrepare reads a line that ends a transaction: "COMMIT 7", or one of
//
//	PREPARE TRANSACTION 'gid', txid 7
//	COMMIT PREPARED 'gid', txid 7
//	ROLLBACK PREPARED 'gid', txid 7
//
// prepared is for the first of these; the others stand outside of any
// transaction.
func parsePrepare(line string) (gid string, xid uint32, prepared bool) {
	rest, ok := strings.CutPrefix(line, "PREPARE TRANSACTION '")
	if !ok {
		return "", 0, false
	}
	gid, number, ok := strings.Cut(rest, "', txid ")
	if !ok {
		return "", 0, false
	}
	n, err := strconv.ParseUint(number, 10, 32)
	return gid, uint32(n), err == nil
}

// parseCommitted reads the line of a shadow's transaction that somebody has
// committed. No row of a table begins like it.
func parseCommitted(line string) (gid string, ok bool) {
	rest, ok := strings.CutPrefix(line, "COMMIT PREPARED '"+txshadow.PreparedName)
	if !ok {
		return "", false
	}
	gid, _, ok = strings.Cut(rest, "', txid ")
	return txshadow.PreparedName + gid, ok
}
