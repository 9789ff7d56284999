package routes

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
)

var rollbacks = []string{string(RollbackNone), string(RollbackHeader), string(RollbackPrefer), string(RollbackLanes)}

func (l *loader) readRollback(b *Backend, n *yamlNode) {
	w, ok := l.word(n, "rollback", rollbacks)
	if !ok {
		b.bad = true
		return
	}
	b.Rollback = Rollback(w)
}

const lanesForm = "lanes: [{url: http://127.0.0.1:4001, listen: 127.0.0.1:6432}]"

// readLanes reads the instances of a backend that run its shadow writes.
func (l *loader) readLanes(b *Backend, n *yamlNode) {
	if !l.is(n, "lanes", yamlSequence) {
		return
	}
	if len(n.items) == 0 {
		l.fault(n.pos, fmt.Sprintf("backend %s has no lanes", b.Name), "name an instance and where it finds its database: "+lanesForm)
	}
	for _, item := range n.items {
		if lane, ok := l.lane(item); ok {
			l.laneOnce(item, b, lane)
			b.Lanes = append(b.Lanes, lane)
		}
	}
}

func (l *loader) lane(n *yamlNode) (lane Lane, ok bool) {
	ok = l.mapping(n, "a lane",
		field{"url", func(_ Position, v *yamlNode) {
			if !l.is(v, "url", yamlString) {
				return
			}
			u, text, remedy := parseURL(v.text)
			if u == nil {
				l.fault(v.pos, text, remedy)
			}
			lane.URL = u
		}},
		field{"listen", func(_ Position, v *yamlNode) { lane.Listen = l.listenAddress(v) }},
	)
	if ok && (!n.has("url") || !n.has("listen")) {
		l.fault(n.pos, "a lane takes url and listen", "say where the instance is, and what it takes for its database: "+lanesForm)
	}
	return lane, ok && lane.URL != nil && lane.Listen != ""
}

func (l *loader) listenAddress(v *yamlNode) string {
	if !l.is(v, "listen", yamlString) {
		return ""
	}
	host, port, err := net.SplitHostPort(v.text)
	number, notNumber := strconv.Atoi(port)
	if err != nil || host == "" || notNumber != nil || number < 1 || number > 65535 {
		l.fault(v.pos, fmt.Sprintf("%s is not an address to listen at", quoted(v.text)), "write host and port: listen: 127.0.0.1:6432")
		return ""
	}
	return v.text
}

// laneOnce reports what another lane has, of this backend or an earlier one:
// by its address Quack knows whose statements they are.
func (l *loader) laneOnce(n *yamlNode, b *Backend, lane Lane) {
	for _, name := range append(sortedKeys(l.backends), b.Name) {
		other := b
		if name != b.Name {
			other = l.backends[name]
		}
		if slices.ContainsFunc(other.Lanes, func(o Lane) bool { return o.Listen == lane.Listen }) {
			l.fault(n.pos, fmt.Sprintf("two lanes listen at %s", lane.Listen), "each instance has a lane of its own: give each a port")
			return
		}
		if slices.ContainsFunc(other.Lanes, func(o Lane) bool { return o.URL.String() == lane.URL.String() }) {
			l.fault(n.pos, fmt.Sprintf("two lanes lead from %s", lane.URL), "one instance has one database: name each once")
			return
		}
	}
}

// checkRollback reports settings that do not go with how a backend rolls back.
func (l *loader) checkRollback(b *Backend, e yamlEntry) {
	lanes, proof := e.val.value("lanes"), e.val.value("proof")
	if b.Rollback == RollbackLanes {
		l.checkLanes(b, e)
		return
	}
	if lanes != nil {
		l.fault(lanes.pos, fmt.Sprintf("backend %s has lanes, and rollback: %s", b.Name, b.Rollback), "say rollback: lanes, or remove lanes")
	}
	switch {
	case b.Rollback == RollbackPrefer && proof == nil:
		b.Proof = "/"
	case b.Rollback != RollbackPrefer && proof != nil:
		l.fault(proof.pos, fmt.Sprintf("backend %s has proof, and rollback: %s", b.Name, b.Rollback), "an adapter is asked by hello; proof is for rollback: prefer and rollback: lanes")
	}
}

func (l *loader) checkLanes(b *Backend, e yamlEntry) {
	at := e.val.value("rollback").pos
	if !e.val.has("lanes") {
		l.fault(at, fmt.Sprintf("backend %s has rollback: lanes and no lanes", b.Name), "name an instance for shadow writes and where it finds its database: "+lanesForm)
	}
	for _, lane := range b.Lanes {
		if slices.ContainsFunc(b.URLs, func(u *url.URL) bool { return address(u) == address(lane.URL) }) {
			l.fault(e.val.value("lanes").pos, fmt.Sprintf("%s is a lane's instance and stands in urls", lane.URL),
				"live requests must not go through a lane: start another instance for it")
		}
	}
	if !e.val.has("proof") {
		l.fault(at, fmt.Sprintf("backend %s has rollback: lanes and no proof", b.Name),
			"name a GET that reads the database, by which Quack sees that an instance uses its lane: proof: /accounts/1")
	}
	if !e.val.has("database") {
		l.fault(at, fmt.Sprintf("backend %s has rollback: lanes and no database", b.Name),
			fmt.Sprintf("name the database that its lanes lead to: database: shop, databases: {shop: {}} and %s", databaseEnv("shop")))
	}
}
