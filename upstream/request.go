package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// NewRequest makes a request to the target path?rawQuery exactly as given
// (escaped; "//", ";", "%2F" and unparsable parameters kept). path begins with
// "/" or is "*". forceQuery keeps a "?" with nothing behind it. header is
// used, not copied; host is the Host field to send, the instance's own when
// "". body may be nil; length -1 is unknown (chunked). A request with a body
// that is a *bytes.Reader, *bytes.Buffer or *strings.Reader can be sent again
// when the connection fails, as far as it is idempotent.
func NewRequest(ctx context.Context, method, path, rawQuery string, forceQuery bool, host string, header http.Header, body io.Reader, length int64) (*http.Request, error) {
	u, err := target(path, rawQuery, forceQuery)
	if err != nil {
		return nil, err
	}
	req := new(http.Request).WithContext(ctx)
	req.Method, req.URL, req.Host, req.Header = method, u, host, header
	req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/1.1", 1, 1
	if err := setBody(req, body, length); err != nil {
		return nil, err
	}
	return req, nil
}

// target is the URL of path?rawQuery, without scheme and host. Opaque is the
// path as it is sent.
func target(path, rawQuery string, forceQuery bool) (*url.URL, error) {
	if path != "*" && !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("request target %q does not begin with a slash", path)
	}
	if containsSpaceOrControl(path) || containsSpaceOrControl(rawQuery) {
		return nil, fmt.Errorf("request target %q has a space or a control character", path+"?"+rawQuery)
	}
	return &url.URL{Opaque: path, RawQuery: rawQuery, ForceQuery: forceQuery}, nil
}

func containsSpaceOrControl(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

func setBody(req *http.Request, body io.Reader, length int64) error {
	req.ContentLength = length
	switch {
	case length == 0:
		req.Body = http.NoBody
		return nil
	case body == nil:
		return errors.New("a request without a body has a length")
	case length < 0:
		req.ContentLength = -1
	}
	if rc, ok := body.(io.ReadCloser); ok {
		req.Body = rc
		return nil
	}
	req.Body = io.NopCloser(body)
	switch b := body.(type) {
	case *bytes.Reader:
		whole := *b
		req.GetBody = func() (io.ReadCloser, error) { again := whole; return io.NopCloser(&again), nil }
	case *strings.Reader:
		whole := *b
		req.GetBody = func() (io.ReadCloser, error) { again := whole; return io.NopCloser(&again), nil }
	case *bytes.Buffer:
		whole := b.Bytes()
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(whole)), nil }
	}
	return nil
}

// hopByHop are the fields that concern one connection (RFC 9110 section
// 7.6.1), those of RFC 9110 section 11.7 that are meant for a proxy, and
// Trailer, which the engines write themselves.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Transfer-Encoding", "Upgrade",
	"Proxy-Authenticate", "Proxy-Authorization", "Trailer",
}

// RemoveHopByHop removes hop-by-hop fields from h: those of RFC 9110 section
// 7.6.1 and those that Connection names.
func RemoveHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				h.Del(name)
			}
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}
