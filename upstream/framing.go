package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// framing is how an answer's body ends.
type framing int

const (
	noBody framing = iota
	byLength
	byChunks
	byClose
)

// frame finds out how the answer to a request with that method ends (RFC 9112
// section 6.3), and sets what res says of it: ContentLength, TransferEncoding,
// Trailer, Close. Where two readers could come to different ends it is an error.
func frame(res *http.Response, method string) (framing, error) {
	length, err := contentLength(res.Header)
	if err != nil {
		return noBody, err
	}
	chunked, err := takeChunked(res, length >= 0)
	if err != nil {
		return noBody, err
	}
	res.Close = closes(res)
	if chunked {
		res.TransferEncoding = []string{"chunked"}
		if res.Trailer, err = takeTrailer(res.Header); err != nil {
			return noBody, err
		}
	}
	switch status := res.StatusCode; {
	case method == http.MethodHead:
		res.ContentLength = length
		return noBody, nil
	case status/100 == 1, status == http.StatusNoContent, status == http.StatusNotModified:
		return noBody, nil
	case chunked:
		res.ContentLength = -1
		return byChunks, nil
	case length == 0:
		return noBody, nil
	case length > 0:
		res.ContentLength = length
		return byLength, nil
	}
	res.ContentLength, res.Close = -1, true
	return byClose, nil
}

// contentLength is the one length that all Content-Length fields give, -1
// without any. Of several one is left in h.
func contentLength(h http.Header) (int64, error) {
	lengths := h["Content-Length"]
	if len(lengths) == 0 {
		return -1, nil
	}
	for _, other := range lengths[1:] {
		if other != lengths[0] {
			return 0, fmt.Errorf("Content-Length is %q and %q", lengths[0], other)
		}
	}
	h["Content-Length"] = lengths[:1:1]
	if len(lengths[0]) == 0 || strings.Trim(lengths[0], "0123456789") != "" {
		return 0, fmt.Errorf("Content-Length is %q", lengths[0])
	}
	n, err := strconv.ParseInt(lengths[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("Content-Length is %q", lengths[0])
	}
	return n, nil
}

// takeChunked takes Transfer-Encoding out of the header. chunked alone is known.
func takeChunked(res *http.Response, hasLength bool) (bool, error) {
	codings, ok := res.Header["Transfer-Encoding"]
	switch {
	case !ok:
		return false, nil
	case len(codings) != 1 || !strings.EqualFold(codings[0], "chunked"):
		return false, fmt.Errorf("unknown Transfer-Encoding %q", codings)
	case hasLength:
		return false, errors.New("both Transfer-Encoding and Content-Length")
	case res.ProtoMinor == 0:
		return false, errors.New("Transfer-Encoding in an answer of HTTP/1.0")
	}
	delete(res.Header, "Transfer-Encoding")
	return true, nil
}

// takeTrailer takes Trailer out of h: the names of the fields that will come
// after the body.
func takeTrailer(h http.Header) (http.Header, error) {
	lines, ok := h["Trailer"]
	if !ok {
		return nil, nil
	}
	delete(h, "Trailer")
	var trailer http.Header
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
			switch name {
			case "":
				continue
			case "Transfer-Encoding", "Trailer", "Content-Length":
				return nil, fmt.Errorf("%s announced as a trailer", name)
			}
			if trailer == nil {
				trailer = make(http.Header)
			}
			trailer[name] = nil
		}
	}
	return trailer, nil
}

// closes reports whether the connection ends with the answer (RFC 9112 section
// 9.3). A Connection field that has said so is taken out of the header.
func closes(res *http.Response) bool {
	said, ok := res.Header["Connection"]
	switch {
	case res.ProtoMinor == 0:
		return listed(said, "close") || !listed(said, "keep-alive")
	case !ok || !listed(said, "close"):
		return false
	}
	delete(res.Header, "Connection")
	return true
}
