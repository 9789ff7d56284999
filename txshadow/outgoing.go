package txshadow

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// ErrRecorded is the error of a call that a shadow has recorded instead of
// making, when there is nothing to answer it with.
var ErrRecorded = errors.New("txshadow: a call to a third party is recorded inside a shadow request, and not made\n" +
	"  give RecordTransport a stand-in for its answer, so that the request can be compared")

// StandIn answers a call in the third party's place.
type StandIn func(*http.Request) (*http.Response, error)

// RecordTransport keeps shadows from calling third parties: an unsafe call
// (POST and its like) is recorded as "http:POST host" and not made. standIn
// answers it. When standIn is nil the call fails with ErrRecorded, and the
// shadow is acknowledged as unsupported:http: its answer would differ for that
// reason alone. Safe calls, and all calls of live requests, go to base; nil
// means http.DefaultTransport. It is for calls to others: services of your own
// with an adapter take [Transport].
func RecordTransport(base http.RoundTripper, standIn StandIn) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return recording{base, standIn}
}

type recording struct {
	base    http.RoundTripper
	standIn StandIn
}

func (t recording) RoundTrip(r *http.Request) (*http.Response, error) {
	if isSafe(r.Method) || !Record(r.Context(), "http", r.Method+" "+r.URL.Host) {
		return t.base.RoundTrip(r)
	}
	body, err := wholeBody(r)
	if err != nil {
		return nil, err
	}
	if t.standIn == nil {
		scopeOf(r.Context()).shadow.note("unsupported:http")
		return nil, ErrRecorded
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return t.standIn(r)
}

// wholeBody reads the body as a call would, and closes it.
func wholeBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// Answer is a StandIn that always answers the same. header may be nil.
func Answer(status int, header http.Header, body string) StandIn {
	return func(r *http.Request) (*http.Response, error) {
		h := header.Clone()
		if h == nil {
			h = http.Header{}
		}
		return &http.Response{
			Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Request: r,
			Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)),
		}, nil
	}
}
