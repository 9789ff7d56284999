package shadow

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/routes"
)

// A request is one of mostOwners clients at most, and mostMentions of its terms
// are looked at: whoever sends a cookie a thousand times would else have the
// terms of others forgotten for as many of its own, and take a core for it.
const (
	mostOwners   = 8
	mostMentions = 64
)

// someOf is f for the first mostMentions terms of a request.
func someOf(f replace) replace {
	left := mostMentions
	return func(at routes.Place, value string) (string, bool) {
		if left--; left < 0 {
			return "", false
		}
		return f(at, value)
	}
}

// owners are who the client of a request is: the mark by which the route
// recognises it, and the terms that say so by themselves, such as a session.
// Without either it is whoever has its credentials, or its address.
func owners(req *Request) []ident {
	var all []ident
	if req.Client != "" {
		all = append(all, identOf("mark", req.Client))
	}
	words(req, req.Header).bearers(someOf(func(at routes.Place, value string) (string, bool) {
		if len(all) < mostOwners {
			all = append(all, bearer(at, value))
		}
		return "", false
	}))
	if all != nil {
		return all
	}
	for _, name := range []string{"Authorization", "Cookie"} {
		if v := strings.Join(req.Header[name], "; "); v != "" {
			return []ident{identOf("credentials", name, v)}
		}
	}
	return []ident{identOf("address", req.Address)}
}

// bearer is who has a term that says so by itself.
func bearer(at routes.Place, value string) ident { return identOf("bearer", at.String(), value) }

// idents are what a term goes by that a client has and is worded for side to.
// Who has a session is its client; an id is one client's, because another's may
// be alike.
func idents(to routes.Side, at routes.Place, value string, owners []ident) []ident {
	if at.Bearer() {
		return []ident{identOf("term", string(to), at.String(), value)}
	}
	var all []ident
	for _, o := range owners {
		all = append(all, identOf("term", string(to), at.String(), value, string(o[:])))
	}
	return all
}

// reword puts the terms of side to in the place of those that the client has.
// It returns those that may let in whoever has them: the side may echo them.
func (d *Dispatcher) reword(w *wording, to routes.Side) (secrets []string) {
	if len(w.req.Route.Terms()) == 0 {
		return nil
	}
	who, now := owners(w.req), time.Now()
	w.each(someOf(func(at routes.Place, value string) (string, bool) {
		for _, id := range idents(to, at, value, who) {
			if instead, ok := d.terms.get(id, now); ok {
				if letsIn(at, instead) {
					secrets = append(secrets, instead)
				}
				return instead, true
			}
		}
		return "", false
	}))
	return secrets
}

// heldTerms are the idents of the terms of a request that side to may word otherwise.
func heldTerms(req *Request, to routes.Side) []ident {
	if len(req.Route.Terms()) == 0 {
		return nil
	}
	var all []ident
	who := owners(req)
	words(req, req.Header).each(someOf(func(at routes.Place, value string) (string, bool) {
		all = append(all, idents(to, at, value, who)...)
		return "", false
	}))
	return all
}

// given is a term that an answer gives.
type given struct {
	learn *routes.Learn
	value string
}

// givenBy are the terms that an answer of the route gives; none when it says
// that it did not work.
func givenBy(r *routes.Route, ex *compare.Exchange) []given {
	if len(r.Learn) == 0 || ex.Incomplete != "" || ex.Status < 200 || ex.Status >= 400 {
		return nil
	}
	var all []given
	var body []byte
	for i := range r.Learn {
		l := &r.Learn[i]
		value := ""
		switch l.From.In {
		case routes.InCookie:
			c, ok := lastCookie(ex.Header, l.From.Name)
			if ok && !c.deleted(time.Now()) {
				value = c.value
			}
		case routes.InHeader:
			_, value = credentials(l.From.Name, ex.Header.Get(l.From.Name))
		case routes.InJSON:
			if body == nil {
				if body, _ = compare.Decoded(ex); body == nil {
					body = []byte{}
				}
			}
			if from, to, ok := l.From.JSON.Find(body); ok {
				value, _ = compare.Scalar(body[from:to])
			}
		}
		if value != "" {
			all = append(all, given{l, value})
		}
	}
	return all
}

// fit reports whether a value can stand in a header field, and is not so long
// that a client could fill the memory with it.
func fit(value string) bool {
	return len(value) <= maxTerm && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// names are the idents by which what an answer gives will be asked for.
func (g given) names(to routes.Side, who []ident) []ident {
	var all []ident
	for _, at := range g.learn.Into {
		all = append(all, idents(to, at, g.value, who)...)
	}
	return all
}

// holders are the clients to whom an answer to req gives something: its own,
// and whoever comes with a session that it gives.
func holders(req *Request, all []given) []ident {
	who := owners(req)
	for _, g := range all {
		for _, at := range g.learn.Into {
			if at.Bearer() {
				who = append(who, bearer(at, g.value))
			}
		}
	}
	return who
}

// promised are the idents of the terms that the live answer to req gives, and
// that the shadow side's will give in its own words.
func promised(req *Request, to routes.Side, a *Answer) []ident {
	all := givenBy(req.Route, &a.Exchange)
	if len(all) == 0 {
		return nil
	}
	who := holders(req, all)
	var names []ident
	for _, g := range all {
		names = append(names, g.names(to, who)...)
	}
	return names
}

// learn takes the terms from a pair of answers, the live one first: what the
// client was given, and what the shadow side gave in its place.
func (d *Dispatcher) learn(req *Request, live routes.Side, answer, shadow *compare.Exchange) {
	if len(req.Route.Terms()) == 0 {
		return
	}
	to, now := live.Other(), time.Now()
	d.forgetCookies(req, to, answer.Header, now)
	theirs := givenBy(req.Route, shadow)
	if theirs == nil {
		return
	}
	ours := givenBy(req.Route, answer)
	who := holders(req, ours)
	for _, g := range ours {
		for _, other := range theirs {
			if other.learn != g.learn || !fit(other.value) {
				continue
			}
			for _, id := range g.names(to, who) {
				d.terms.put(id, other.value, g.learn.For, now)
			}
		}
	}
}

// stranger reports whether the shadow side turned a request away, that live did
// not, because it can not know the client: its session was given before this
// process could learn it, or is forgotten. Such an answer says nothing. Where
// the answers give a session it is not for an old one that they differ.
func (d *Dispatcher) stranger(req *Request, to routes.Side, live, shadow *compare.Exchange) bool {
	if len(req.Route.Terms()) == 0 || live.Status >= 400 || live.Status == shadow.Status || !turnsAway(shadow.Status) ||
		len(givenBy(req.Route, live)) > 0 {
		return false
	}
	some, known, now := false, false, time.Now()
	words(req, req.Header).bearers(someOf(func(at routes.Place, value string) (string, bool) {
		some = true
		known = known || d.terms.knows(idents(to, at, value, nil)[0], now)
		return "", false
	}))
	return some && !known
}

// turnsAway reports whether a status is one with which servers answer whom they
// do not know: a refusal, or a redirection to where to log in.
func turnsAway(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect:
		return true
	}
	return false
}

// forgetCookies forgets what the live answer takes away from the client.
func (d *Dispatcher) forgetCookies(req *Request, to routes.Side, h http.Header, now time.Time) {
	if len(h["Set-Cookie"]) == 0 {
		return
	}
	words(req, req.Header).bearers(someOf(func(at routes.Place, value string) (string, bool) {
		if at.In == routes.InCookie {
			if c, ok := lastCookie(h, at.Name); ok && c.deleted(now) {
				for _, id := range idents(to, at, value, nil) {
					d.terms.forget(id)
				}
			}
		}
		return "", false
	}))
}

// secrets are the terms in a request and its answers that may let in whoever has
// them, in the client's words and in those of the sides: of their names the
// evidence can not tell.
func secrets(req *Request, answers ...*answered) []string {
	if len(req.Route.Terms()) == 0 {
		return nil
	}
	var all []string
	words(req, req.Header).each(func(at routes.Place, value string) (string, bool) {
		if letsIn(at, value) {
			all = append(all, value)
		}
		return "", false
	})
	for _, a := range answers {
		all = append(all, a.asked...)
		for _, g := range givenBy(req.Route, &a.exchange) {
			if slices.ContainsFunc(g.learn.Into, func(at routes.Place) bool { return letsIn(at, g.value) }) {
				all = append(all, g.value)
			}
		}
	}
	return all
}

// letsIn reports whether a value that stands at a place may be a credential. In
// a path and in a body stand ids, as a rule; a long one in a body that is no UUID
// may be a token to refresh another.
func letsIn(at routes.Place, value string) bool {
	switch at.In {
	case routes.InPath:
		return false
	case routes.InJSON:
		return len(value) >= tokenLength && !compare.IsUUID([]byte(value))
	}
	return true
}

// tokenLength is the length from which a value in a body may be a token.
const tokenLength = 20
