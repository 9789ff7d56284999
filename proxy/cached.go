package proxy

import (
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/quackproxy/quack/cache"
)

// answerFromCache answers from the cache, on routes that have one. No exchange
// happens then, so there is nothing to compare.
func (l *life) answerFromCache() bool {
	if l.route.Cache.TTL <= 0 || !l.safe || l.upload != nil || l.upgrade != "" {
		return false
	}
	var a *cache.Answer
	a, l.fill = l.Cache.Ask(l.r.Context(), cache.Request{
		Route: l.route.Name, Side: string(l.side),
		Method: l.r.Method, Host: l.r.Host, Target: l.target.String(),
		Header: l.header,
	}, l.route.Cache)
	if a == nil {
		return false
	}
	h := l.w.Header()
	maps.Copy(h, a.Header)
	l.compress(a.Status, h, nil, int64(len(a.Body)))
	h["Age"] = []string{strconv.Itoa(int(a.Age() / time.Second))}
	noSniffing(h)
	l.expose()
	l.status = a.Status
	l.w.WriteHeader(a.Status)
	if l.r.Method != http.MethodHead {
		_, err := l.write(a.Body)
		if err == nil {
			err = l.finish()
		}
		l.gone = err != nil
	}
	return true
}

// noSniffing keeps net/http from making up a Content-Type that the backend did
// not send.
func noSniffing(h http.Header) {
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil
	}
}
