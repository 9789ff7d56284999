package compare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// A decoded body may be 32 times the size of what was received, or 8 MiB where
// that is more, and 64 MiB at most. Beyond that it is taken for a bomb.
const (
	decodedTimes = 32
	decodedFloor = 8 << 20
	decodedMost  = 64 << 20
)

// maxCodings is how many codings may lie on each other: each costs as much as
// the body is large, and a header section has room for thousands.
const maxCodings = 8

var errUnknownCoding = errors.New("unknown content coding")

// coding is the content codings of an answer, in the order in which they were
// applied, "" when there are none.
func coding(h http.Header) string {
	var codings []string
	for _, line := range h["Content-Encoding"] {
		for c := range strings.SplitSeq(line, ",") {
			if c = strings.ToLower(strings.TrimSpace(c)); c != "" && c != "identity" {
				codings = append(codings, c)
			}
		}
	}
	return strings.Join(codings, ",")
}

// decode undoes the content codings of a body (RFC 9110 section 8.4).
func decode(e *Exchange) ([]byte, error) {
	applied := coding(e.Header)
	if applied == "" || len(e.Body) == 0 {
		return e.Body, nil
	}
	limit := int64(min(decodedMost, max(decodedFloor, decodedTimes*len(e.Body))))
	data := e.Body
	codings := strings.Split(applied, ",")
	if len(codings) > maxCodings {
		return nil, fmt.Errorf("%d content codings on each other, of at most %d", len(codings), maxCodings)
	}
	for i := len(codings) - 1; i >= 0; i-- {
		var err error
		if data, err = decodeOne(codings[i], data, limit); err != nil {
			return nil, fmt.Errorf("%s: %w", codings[i], err)
		}
	}
	return data, nil
}

func decodeOne(coding string, data []byte, limit int64) ([]byte, error) {
	r, err := newDecoder(coding, data)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(out)) > limit:
		return nil, fmt.Errorf("more than %d bytes from %d", limit, len(data))
	}
	return out, nil
}

// newDecoder reads one coding. The decoders start no goroutines.
func newDecoder(coding string, data []byte) (io.ReadCloser, error) {
	r := bytes.NewReader(data)
	switch coding {
	case "gzip", "x-gzip":
		return gzip.NewReader(r)
	case "deflate":
		// RFC 9110 says zlib; some servers send the bare stream.
		if len(data) >= 2 && data[0]&0x0f == 8 && (int(data[0])<<8|int(data[1]))%31 == 0 {
			return zlib.NewReader(r)
		}
		return flate.NewReader(r), nil
	case "br":
		return io.NopCloser(brotli.NewReader(r)), nil
	case "zstd":
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(decodedMost))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, errUnknownCoding
}
