// Package upstream makes calls to backends. It alone touches the HTTP client
// engine.
//
// Start with [New], pick an [Instance] with [Backend.Pick] and send an
// *http.Request made by [NewRequest] with [Instance.RoundTrip]; [Set] keeps
// the backends of a table that changes. The target's bytes go on the wire as
// they were given; nothing is followed, decompressed or added (no User-Agent,
// no Accept-Encoding of its own), and an unsafe request arrives at most once.
// HTTP/1.1 is spoken by an engine of this package, in the caller's goroutine;
// HTTP/2 by http.Transport. Live and shadow calls use Backends of their own, so
// that they share no connection and no limit.
package upstream
