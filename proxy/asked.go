package proxy

import "github.com/quackproxy/quack/compare"

// countAsked counts what the request was like, on a route that is migrated, once
// a backend has answered it: only such requests can be compared. It comes
// before the copy of the body is given up.
func (l *life) countAsked() {
	if !l.named || l.call.response == nil {
		return
	}
	l.shielded(func() {
		asked := compare.Request{Method: l.r.Method, Target: l.r.RequestURI, Header: l.header}
		bodied := false
		if l.upload != nil {
			asked.Body, _ = l.upload.copy()
			bodied = l.upload.received() > 0 || !l.upload.whole()
		}
		l.Counters.Asked(l.route.Name, l.call.response.StatusCode, asked, bodied)
	})
}
