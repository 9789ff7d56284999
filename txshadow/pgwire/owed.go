package pgwire

// owed is the queue of answers that a server still owes: for each Query and
// FunctionCall a ReadyForQuery of its own, for each group of the extended
// protocol one that its Sync brings. An error in a group makes the server skip
// everything up to the Sync, a Query that stands before it included.
type owed struct {
	queue    []byte // 'Q' a Query or FunctionCall, 'x' a group, 'S' its Sync
	skipping bool   // the server skips to a Sync that has not been sent yet
}

// sent notes a message of the client.
func (o *owed) sent(kind byte) {
	switch kind {
	case 'S':
		o.skipping = false
		o.queue = append(o.queue, 'S')
	case 'Q', 'F':
		if !o.skipping {
			o.queue = append(o.queue, 'Q')
		}
	case 'P', 'B', 'D', 'E', 'C':
		if !o.skipping && (len(o.queue) == 0 || o.queue[len(o.queue)-1] != 'x') {
			o.queue = append(o.queue, 'x')
		}
	}
}

// came notes an answer of the server.
func (o *owed) came(kind byte) {
	switch kind {
	case 'E':
		if len(o.queue) == 0 || o.queue[0] != 'x' {
			return
		}
		for len(o.queue) > 0 && o.queue[0] != 'S' {
			o.pop()
		}
		o.skipping = len(o.queue) == 0
	case 'Z':
		for len(o.queue) > 0 && o.queue[0] == 'x' {
			o.pop()
		}
		if len(o.queue) > 0 {
			o.pop()
		}
	}
}

func (o *owed) pop() {
	if o.queue = o.queue[1:]; len(o.queue) == 0 {
		o.queue = nil
	}
}

// none reports whether the server has nothing to do.
func (o *owed) none() bool { return len(o.queue) == 0 }
