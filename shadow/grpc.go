package shadow

import (
	"net/http"
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare"
)

// headOfGRPC are the fields of a gRPC answer of trailers only that are not
// trailers: of HTTP itself, and those by which messages would be read.
var headOfGRPC = []string{
	"Alt-Svc", "Connection", "Content-Length", "Content-Type", "Date", "Grpc-Accept-Encoding", "Grpc-Encoding", "Server",
	"Set-Cookie", "Strict-Transport-Security", "Vary", "Via",
}

// putTrailers puts the trailers of a gRPC answer that has nothing else
// (Trailers-Only in "gRPC over HTTP2", sent as one header section) where they are
// in other answers: else an error of one side against an answer of the other
// would differ in two fields of one meaning. The maps are not changed.
func putTrailers(ex *compare.Exchange) {
	kind := ex.Header.Get("Content-Type")
	if ex.Size > 0 || !strings.HasPrefix(strings.ToLower(kind), "application/grpc") || len(ex.Header["Grpc-Status"]) == 0 || len(ex.Trailer["Grpc-Status"]) > 0 {
		return
	}
	header, trailer := make(http.Header), make(http.Header, len(ex.Header))
	for name, values := range ex.Header {
		if slices.Contains(headOfGRPC, name) {
			header[name] = values
		} else {
			trailer[name] = values
		}
	}
	ex.Header, ex.Trailer = header, trailer
}
