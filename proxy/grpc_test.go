package proxy

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// grpcMessage is a message as it goes over the wire.
func grpcMessage(content []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(content))), content...)
}

// However a body is cut, it is one message when it is one.
func TestFraming(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		messages := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 0, 3).Draw(t, "messages")
		var body []byte
		for _, m := range messages {
			body = append(body, grpcMessage(m)...)
		}
		lost := 0
		if len(body) > 0 {
			lost = rapid.IntRange(0, 1).Draw(t, "lost")
		}
		body = body[:len(body)-lost]
		whole := len(messages) == 1 && lost == 0
		several := len(messages) > 1 && len(body) > 5+len(messages[0])

		k := &keeper{copies: newBudget(1 << 20), on: true, max: 1 << 20, messages: new(framing)}
		u := newUpload(&http.Request{Body: io.NopCloser(bytes.NewReader(body)), ContentLength: -1}, newBudget(1<<20))
		u.keep(1 << 20)
		u.messages = new(framing)
		piece := make([]byte, rapid.IntRange(1, 40).Draw(t, "piece"))
		var passed []byte
		for err := error(nil); err == nil; {
			var n int
			n, err = u.Read(piece)
			passed = append(passed, piece[:n]...)
			k.add(piece[:n])
		}
		if !bytes.Equal(passed, body) {
			t.Fatalf("passed %q of %q", passed, body)
		}
		if k.messages != nil && k.streams != several || several && len(k.body) > 0 {
			t.Fatalf("of %q: streams is %v, %d bytes are kept", body, k.streams, len(k.body))
		}
		copied, refuse := u.message()
		switch {
		case whole && (refuse != "" || !bytes.Equal(copied, body)):
			t.Fatalf("one message %q was refused as %q, or became %q", body, refuse, copied)
		case !whole && refuse == "":
			t.Fatalf("%q passed for one message", body)
		case several && refuse != skipStream:
			t.Fatalf("%q was refused as %q", body, refuse)
		}
		u.end()
		if left := u.copies.left.Load(); left != 1<<20 {
			t.Fatalf("%d bytes were not given back", 1<<20-left)
		}
	})
}

// What of gRPC is compared, over HTTP/1.1 as well, and what is counted for the rest.
func TestGRPCCompared(t *testing.T) {
	const lines = `
  - {name: ask, match: "POST /ask", stage: shadow, safe: true, shadow: {max_body: 64B}}
  - {name: first, match: "POST /first", stage: shadow, safe: true, shadow: {order: before}}
  - {name: write, match: "POST /write", stage: shadow}`
	one := string(grpcMessage([]byte("\x0a\x01a")))
	large := string(grpcMessage(bytes.Repeat([]byte("a"), 100)))
	for _, c := range []struct {
		reason, target, kind, body, answer string
		answerKind                         string // "" is that of the request
		trailer                            bool
		skipped                            string // "" is offered
	}{
		{reason: "one message each way", target: "/ask", kind: "application/grpc", body: one, answer: one},
		{reason: "with parameters, in other case", target: "/ask", kind: "Application/gRPC+proto; x=y", body: one, answer: one},
		{reason: "an answer without a message", target: "/ask", kind: "application/grpc", body: one},
		{reason: "an answer of something between", target: "/ask", kind: "application/grpc", body: one, answer: "<p>bad gateway, and more than one line of it", answerKind: "text/html"},
		{reason: "half an answer is to be seen", target: "/ask", kind: "application/grpc", body: one, answer: one[:6]},
		{reason: "an answer that is larger than max_body", target: "/ask", kind: "application/grpc", body: one, answer: large},
		{reason: "several messages to the server", target: "/ask", kind: "application/grpc", body: one + one, answer: one, skipped: "ask: stream"},
		{reason: "several to the client", target: "/ask", kind: "application/grpc", body: one, answer: one + one, skipped: "ask: stream"},
		{reason: "several, more than max_body", target: "/ask", kind: "application/grpc", body: one, answer: large + large, skipped: "ask: stream"},
		{reason: "none to the server", target: "/ask", kind: "application/grpc", answer: one, skipped: "ask: stream"},
		{reason: "half a message", target: "/ask", kind: "application/grpc", body: one[:6], answer: one, skipped: "ask: unsupported"},
		{reason: "a request that is larger than max_body", target: "/ask", kind: "application/grpc", body: large, answer: one, skipped: "ask: body-size"},
		{reason: "trailers of the request", target: "/ask", kind: "application/grpc", body: one, answer: one, trailer: true, skipped: "ask: unsupported"},
		{reason: "gRPC of browsers", target: "/ask", kind: "application/grpc-web+proto", body: one, answer: one, skipped: "ask: unsupported"},
		{reason: "a shadow that would hold it up", target: "/first", kind: "application/grpc", body: one, answer: one, skipped: "first: unsupported"},
		{reason: "a write", target: "/write", kind: "application/grpc", body: one, answer: one, skipped: "write: unsupported"},
	} {
		for _, length := range []string{"chunked", "with a length"} {
			if c.trailer && length != "chunked" {
				continue
			}
			t.Run(c.reason+", "+length, func(t *testing.T) {
				w := newWorld(t, lines, func(w http.ResponseWriter, r *http.Request) {
					if got, err := io.ReadAll(r.Body); err != nil || string(got) != c.body {
						t.Errorf("the backend got %q, %v", got, err)
					}
					w.Header().Set("Content-Type", c.kind)
					if c.answerKind != "" {
						w.Header().Set("Content-Type", c.answerKind)
					}
					w.Header().Set("Trailer", "Grpc-Status")
					io.WriteString(w, c.answer)
					w.Header().Set("Grpc-Status", "7")
				}, nil)
				req, err := http.NewRequest("POST", w.url+c.target, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", c.kind)
				req.Header.Set("Te", "trailers")
				if length == "chunked" {
					req.ContentLength, req.Body = -1, io.NopCloser(strings.NewReader(c.body))
				}
				if c.trailer {
					req.Trailer = http.Header{"X-Sum": {"7"}}
				}
				res, err := w.client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if got, err := io.ReadAll(res.Body); err != nil || string(got) != c.answer || res.Trailer.Get("Grpc-Status") != "7" {
					t.Errorf("the client got %q, trailer %v, %v", got, res.Trailer, err)
				}
				w.counts.waitServed(t, 1)
				if got := w.counts.skipped(); got != c.skipped {
					t.Errorf("skipped %q, want %q", got, c.skipped)
				}
				offers, befores := w.shadow.all()
				if c.skipped != "" {
					if len(offers)+len(befores) > 0 {
						t.Errorf("offered all the same")
					}
					return
				}
				o := w.shadow.oneOffer(t)
				e := o.answer.Exchange
				if string(o.request.Body) != c.body || o.request.Header.Get("Te") != "trailers" || e.Size != int64(len(c.answer)) || e.Trailer.Get("Grpc-Status") != "7" {
					t.Errorf("offered %q, answer of %d bytes, trailer %v", o.request.Body, e.Size, e.Trailer)
				}
			})
		}
	}
}
