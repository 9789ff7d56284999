package cache

import (
	"net/http"
	"time"
)

// Fill takes the answer to one request on its way to the client. It belongs to
// one goroutine. All methods do nothing on nil.
type Fill struct {
	cache    *Cache
	request  Request
	settings Settings
	resource key
	flight   *flight // those who wait; nil when nobody can
	key      key     // that they wait under

	keeping *Answer // what has come so far; nil when it is not to be stored
	names   []string
}

// Head takes the final head of the answer. Where it may not be stored, those
// who wait are let go at once. header is not changed and not kept.
func (f *Fill) Head(status int, header http.Header) {
	if f == nil {
		return
	}
	fresh, age, ok := storable(f.request, status, header, f.settings.TTL)
	if !ok {
		f.land(unstorable)
		return
	}
	header = header.Clone()
	header.Del("Age")
	f.names = selecting(header["Vary"], forEveryone(header))
	f.keeping = &Answer{Status: status, Header: header, stored: time.Now(), age: age, fresh: fresh}
}

// Write takes a piece of the body. p is not kept.
func (f *Fill) Write(p []byte) {
	if f == nil || f.keeping == nil {
		return
	}
	f.keeping.Body = append(f.keeping.Body, p...)
	all := f.cache.filling.Add(int64(len(p)))
	if int64(len(f.keeping.Body)) > f.cache.maxAnswer || all > f.cache.maxFills {
		f.drop()
		f.land(unstorable)
	}
}

// Complete says that the whole answer has been taken: it is stored, and those
// who wait get it.
func (f *Fill) Complete() {
	if f == nil || f.keeping == nil {
		return
	}
	a := f.keeping
	f.drop()
	// What one answer to the resource depends on counts for all of them, also
	// for a 404 in between that names nothing (RFC 9111 section 4.1).
	names := f.names
	if known, ok := f.cache.vary.GetIfPresent(f.resource); ok {
		names = union(known, names)
	}
	f.cache.vary.Set(f.resource, names)
	variant := f.request.variant(f.resource, names)
	f.cache.answers.Set(variant, a)
	if f.flight != nil {
		f.flight.answer, f.flight.names, f.flight.variant = a, names, variant
	}
	f.land(stored)
}

// Close ends the fill, completed or not. When it was not, because the client
// whose request it was has gone (left), one of those who wait takes its place;
// else they go to the backend, all at once.
func (f *Fill) Close(left bool) {
	if f == nil {
		return
	}
	f.drop()
	if left {
		f.land(abandoned)
		return
	}
	f.land(unstorable)
}

func (f *Fill) drop() {
	if f.keeping == nil {
		return
	}
	f.cache.filling.Add(-int64(len(f.keeping.Body)))
	f.keeping = nil
}

// land tells those who wait; only the first call counts.
func (f *Fill) land(o outcome) {
	if f.flight == nil {
		return
	}
	f.cache.mu.Lock()
	delete(f.cache.flights, f.key)
	f.cache.mu.Unlock()
	f.flight.landed = o
	close(f.flight.done)
	f.flight = nil
}
