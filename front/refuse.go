package front

import "net/http"

// refusal is why a request goes no further. It is for the client too: nothing
// of the request is repeated in it.
type refusal struct {
	status int
	reason string // the label of the count
	detail string
}

func (r *refusal) Error() string { return "request refused: " + r.detail }

func bad(reason, detail string) *refusal {
	return &refusal{http.StatusBadRequest, reason, detail}
}

// What is refused, with where the rule stands: RFC 9112 unless said otherwise.
var (
	badLineEnd     = bad("line-end", "A line of the head does not end in CR LF.")                     // 2.2
	badEmptyLine   = bad("empty-line", "More than one empty line stands before the request.")         // 2.2
	badRequestLine = bad("request-line", "The request line is not a method, a target and a version.") // 3
	badMethod      = bad("method", "The method is not a token.")                                      // RFC 9110 9.1
	badTarget      = bad("target", "The request target is malformed.")                                // 3.2
	badFold        = bad("fold", "A field is folded over several lines.")                             // 5.2
	badName        = bad("field-name", "The name of a field is not a token followed by a colon.")     // 5.1
	badValue       = bad("field-value", "The value of a field holds control characters.")             // RFC 9110 5.5
	badLookalike   = bad("lookalike", "The name of a field is spelt so that others may take it for another's.")
	badNoHost      = bad("host-missing", "The Host field is missing.")                                                    // 3.2
	badHosts       = bad("host-repeated", "There is more than one Host field.")                                           // 3.2
	badHost        = bad("host", "The host is malformed.")                                                                // 3.2
	badHostDiffers = bad("host-differs", "The target names another host than the Host field.")                            // 3.2.2
	badLength      = bad("content-length", "Content-Length is not one number.")                                           // 6.3
	badLengths     = bad("both-lengths", "Both Content-Length and Transfer-Encoding are given.")                          // 6.1
	badCoding      = bad("transfer-encoding", "Transfer-Encoding is malformed, or chunked is not its last and only use.") // 6.1
	badCoding10    = bad("transfer-encoding", "HTTP/1.0 has no Transfer-Encoding.")                                       // 6.1
	badOption      = bad("connection", "The Connection field names a field that is not of one connection only.")          // RFC 9110 7.6.1
	badEnd         = bad("cut-short", "The head of the request has no end.")
	badChunk       = bad("chunk", "The chunked body is malformed.")                                       // 7.1
	badTrailer     = bad("trailer", "The trailer is malformed or holds a field that has no place there.") // 7.1.2

	unknownCoding  = &refusal{http.StatusNotImplemented, "coding-unknown", "The transfer coding is not known here."} // 6.1
	unknownVersion = &refusal{http.StatusHTTPVersionNotSupported, "version", "The version of HTTP is not served here."}
	tooLarge       = &refusal{http.StatusRequestHeaderFieldsTooLarge, "head-size", "The head of the request is too large."} // RFC 6585 5
)
