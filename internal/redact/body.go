package redact

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// decodedMax bounds what a compressed body may unfold to. Beyond it the body
// is not kept: the part could not be told from the whole.
const decodedMax = 8 << 20

// Body is a request's or an answer's body without secrets, decompressed, and a
// note on what was done to it besides ("decompressed from gzip"; "" for
// nothing). What can not be looked into is not kept: binary content, a body
// that does not decompress. Then the body is nil and the note says why.
//
// JSON, forms and multipart forms are redacted by name, files in the latter
// are left out; any other text is treated as Text treats it.
func (r *Redactor) Body(contentType, contentEncoding string, body []byte) ([]byte, string) {
	if len(body) == 0 {
		return body, ""
	}
	plain, note, err := decompress(contentEncoding, body)
	if err != nil {
		return nil, "not kept: " + r.Text(err.Error())
	}
	kept, why := r.plainBody(contentType, string(plain))
	if why != "" {
		return nil, "not kept: " + why
	}
	return []byte(kept), note
}

// plainBody is a body that is not compressed; why says why it is not kept.
func (r *Redactor) plainBody(contentType, body string) (kept, why string) {
	media, params := mediaOf(contentType)
	switch {
	case strings.HasPrefix(media, "multipart/"):
		return r.multipart(media == "multipart/form-data", params["boundary"], body)
	case media == "application/x-www-form-urlencoded":
		return r.Form(body), ""
	case isBinary(media, body):
		return "", fmt.Sprintf("%d bytes of binary content", len(body))
	case strings.HasSuffix(media, "json") || looksLikeJSON(body):
		return r.JSON(body), ""
	case tableTypes[media]:
		return r.table(body), ""
	case media == "text/event-stream":
		return r.events(body), ""
	case strings.HasSuffix(media, "yaml"):
		return r.yaml(body), ""
	}
	return r.Text(body), ""
}

// isBinary reports whether the body is no text, or is to be taken for none. Text in an old charset has
// bytes that are not UTF-8, but no control characters.
func isBinary(media, body string) bool {
	if strings.IndexByte(body, 0) >= 0 || opaque(media) {
		return true
	}
	if utf8.ValidString(body) {
		return false
	}
	text := strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "json") || strings.HasSuffix(media, "xml") || media == "application/javascript"
	return !text
}

// decompress undoes the content codings (RFC 9110 section 8.4), the last one
// first.
func decompress(encoding string, body []byte) (plain []byte, note string, err error) {
	codings := strings.Split(encoding, ",")
	for i := len(codings) - 1; i >= 0; i-- {
		coding := strings.ToLower(strings.TrimSpace(codings[i]))
		if coding == "" || coding == "identity" {
			continue
		}
		if body, err = decodeOne(coding, body); err != nil {
			return nil, "", fmt.Errorf("decompress %s: %w", coding, err)
		}
		note = "decompressed from " + strings.ToLower(strings.TrimSpace(encoding))
	}
	return body, note, nil
}

func decodeOne(coding string, body []byte) ([]byte, error) {
	src := bytes.NewReader(body)
	switch coding {
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(src)
		if err != nil {
			return nil, err
		}
		return readAll(z)
	case "deflate": // zlib (RFC 9110 section 8.4.1.2), or bare as some send it
		if z, err := zlib.NewReader(src); err == nil {
			return readAll(z)
		}
		return readAll(flate.NewReader(bytes.NewReader(body)))
	case "br":
		return readAll(brotli.NewReader(src))
	case "zstd":
		z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(decodedMax))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return readAll(z)
	}
	return nil, errors.New("unknown content coding")
}

func readAll(z io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(z, decodedMax+1))
	if err == nil && len(b) > decodedMax {
		err = fmt.Errorf("more than %d bytes", decodedMax)
	}
	return b, err
}
