package proxy

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/quackproxy/quack/routes"
)

// encoder compresses what is written to it.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(to io.Writer)
}

// zstdWindow is well below the 8 MiB that a receiver has to take (RFC 9659
// section 3), and is what an encoder holds in memory.
const zstdWindow = 1 << 20

var (
	gzips = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
	zstds = sync.Pool{New: func() any {
		// One block at a time: with more the encoder starts goroutines.
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // options that are no options
		}
		return e
	}}
)

// encoderTo is an encoder for the coding, to be given back with release.
func encoderTo(coding routes.Compression, to io.Writer) encoder {
	pool := &gzips
	if coding == routes.CompressZstd {
		pool = &zstds
	}
	e := pool.Get().(encoder)
	e.Reset(to)
	return e
}

func release(e encoder) {
	e.Reset(nil)
	if _, ok := e.(*zstd.Encoder); ok {
		zstds.Put(e)
		return
	}
	gzips.Put(e)
}

// compressible reports whether content of a media type gets smaller: text of
// some kind that is not packed already.
func compressible(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	if strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml") {
		return true
	}
	switch media {
	case "application/json", "application/xml", "application/javascript", "application/x-javascript", "application/ecmascript",
		"application/x-www-form-urlencoded", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/graphql",
		"application/yaml", "application/x-yaml", "application/toml", "application/sql", "application/wasm":
		return true
	}
	return false
}

// bodyDigests are the fields that are true of a body's bytes as they are (RFC
// 9530, RFC 3230, RFC 1864, and the signatures of services).
var bodyDigests = []string{"Content-Digest", "Repr-Digest", "Digest", "Content-Md5", "X-Amz-Content-Sha256"}

// fixed reports whether a body's bytes have to stay as they are: they are coded
// already, are a part, are covered by a digest or a signature, or whoever sent
// them says so.
func fixed(h, trailer http.Header) bool {
	if len(h["Content-Encoding"]) > 0 || len(h["Content-Range"]) > 0 || hasToken(h["Cache-Control"], "no-transform") {
		return true
	}
	for _, name := range bodyDigests {
		if len(h[name]) > 0 {
			return true
		}
		if _, announced := trailer[name]; announced {
			return true
		}
	}
	for name := range h {
		if strings.Contains(strings.ToLower(name), "signature") {
			return true
		}
	}
	return strings.HasPrefix(h.Get("Authorization"), "AWS4-")
}

// acceptedCoding is the coding that Accept-Encoding likes best (RFC 9110
// section 12.5.3), of equals zstd before gzip; "" is none. A client that says
// nothing gets none.
func acceptedCoding(lines []string) routes.Compression {
	zstd, gzip, identity, other := -1.0, -1.0, -1.0, -1.0
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(item, ";")
			q := quality(params)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "zstd":
				zstd = q
			case "gzip", "x-gzip":
				gzip = q
			case "identity":
				identity = q
			case "*":
				other = q
			}
		}
	}
	if zstd < 0 {
		zstd = other
	}
	if gzip < 0 {
		gzip = other
	}
	best := max(zstd, gzip)
	switch {
	case best <= 0 || identity > best:
		return ""
	case zstd == best:
		return routes.CompressZstd
	}
	return routes.CompressGzip
}

// quality is the weight in parameters, 1 when there is none, 0 when it is not a
// number from 0 to 1.
func quality(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, found := strings.Cut(strings.TrimSpace(param), "=")
		if !found || !strings.EqualFold(name, "q") {
			continue
		}
		q, err := strconv.ParseFloat(value, 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
