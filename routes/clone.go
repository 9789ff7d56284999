package routes

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// KeepsWrites reports whether what a shadow call to this side writes is kept:
// the route's order is OrderClone, so that the side has a database of its own.
// It is so for safe requests too, whose answers show what was kept.
func (r *Route) KeepsWrites(s Side) bool {
	return r.Shadow.Order == OrderClone && r.Backend(s) != nil
}

// checkClone reports an order: clone of which it is not certain that a shadow's
// writes stay away from the data of the side that answers.
func (r *Route) checkClone(f *faults) {
	if r.Shadow.Order != OrderClone || r.Legacy == nil || r.New == nil || r.Legacy.bad || r.New.bad {
		return
	}
	at := r.ownAt(settingOrder)
	for _, b := range []*Backend{r.Legacy, r.New} {
		if b.Database == "" {
			f.add(at, r.Name, fmt.Sprintf("order: clone, and backend %s names no database", b.Name),
				fmt.Sprintf("what the shadow side writes is kept, so each side needs a database of its own: say database: NAME at %s", b.Position.short()))
			return
		}
	}
	if r.Legacy.Database == r.New.Database {
		f.add(at, r.Name, fmt.Sprintf("order: clone, and both sides write to database %s", r.New.Database),
			fmt.Sprintf("each write would be made twice: give %s a copy, with a name of its own under databases:, or use order: auto", r.New.Name))
		return
	}
	for _, u := range r.Legacy.URLs {
		if slices.ContainsFunc(r.New.URLs, func(o *url.URL) bool { return address(o) == address(u) }) {
			f.add(at, r.Name, fmt.Sprintf("order: clone, and both sides are at %s", u.Host), "each write would be made there twice: name the server that works on the copy")
			return
		}
	}
	if s := r.from[settingRun]; r.Shadow.Run == RunBoth && s != nil {
		f.add(r.ownAt(settingRun), r.Name, "run: both with order: clone",
			"run: both rolls both writes back, a clone keeps its own: use one of the two")
	}
}

// address is where a URL leads, as far as its text says: the names of this
// machine are one, and the port is said.
func address(u *url.URL) string {
	host, port := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), u.Port()
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.Unmap().IsLoopback() {
		host = "localhost"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(host, port)
}

// checkCloneRollback reports an unsafe route whose shadows would go to an
// adapter. An adapter refuses a write that a shadow has made, unless it can roll
// it back: it can not know that its database is a copy.
func (r *Route) checkCloneRollback(f *faults, side Side) {
	b := r.Backend(side)
	if b == nil || b.bad || b.Rollback != RollbackHeader {
		return
	}
	f.add(r.ownAt(settingOrder), r.Name,
		fmt.Sprintf("order: clone, and backend %s rolls back: its adapter lets no write of a shadow stay", b.Name),
		fmt.Sprintf("take the adapter away from what works on the copy and say rollback: none at %s;\nor use order: auto, which rolls back", b.Position.short()))
}
