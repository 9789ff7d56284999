package front

// meaning is what a field has to say about the message itself.
type meaning uint8

const (
	meansNothing meaning = iota
	meansHost
	meansLength
	meansCoding
	meansConnection
	meansUpgrade
	meansExpect
	meansTrailer
	meansPragma
)

// knownName is a field name in its canonical form, so that it need not be made
// for each request.
type knownName struct {
	name  string
	means meaning
}

// nameTable finds known names by a hash of their letters in lower case.
type nameTable [512]*knownName

// find finds the name, spelt in any case. key is the name's hash as
// splitField computes it.
func (t *nameTable) find(key uint32, name []byte) *knownName {
	for i := key % uint32(len(t)); t[i] != nil; i = (i + 1) % uint32(len(t)) {
		if k := t[i]; len(k.name) == len(name) && foldSame(name, k.name) {
			return k
		}
	}
	return nil
}

func foldSame(b []byte, name string) bool {
	if string(b) == name {
		return true
	}
	for i, c := range b {
		if n := name[i]; c != n && (c|0x20 != n|0x20 || !isLetter(n)) {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

var names = makeNames()

func makeNames() *nameTable {
	t := new(nameTable)
	add := func(name string, means meaning) {
		var key uint32
		for i := range len(name) {
			key = key*31 + uint32(name[i]|0x20)
		}
		i := key % uint32(len(t))
		for t[i] != nil {
			i = (i + 1) % uint32(len(t))
		}
		t[i] = &knownName{name, means}
	}
	add("Host", meansHost)
	add("Content-Length", meansLength)
	add("Transfer-Encoding", meansCoding)
	add("Connection", meansConnection)
	add("Upgrade", meansUpgrade)
	add("Expect", meansExpect)
	add("Trailer", meansTrailer)
	add("Pragma", meansPragma)
	for _, name := range []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Access-Control-Request-Headers",
		"Access-Control-Request-Method", "Authorization", "Baggage", "Cache-Control", "Cdn-Loop", "Cf-Connecting-Ip",
		"Cf-Ipcountry", "Cf-Ray", "Cf-Visitor", "Content-Disposition", "Content-Encoding", "Content-Language",
		"Content-Location", "Content-Type", "Cookie", "Date", "Dnt", "Etag", "Forwarded", "From", "Grpc-Accept-Encoding",
		"Grpc-Timeout", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
		"If-Unmodified-Since", "Keep-Alive", "Link", "Max-Forwards", "Origin", "Prefer", "Priority", "Proxy-Authorization",
		"Proxy-Connection", "Range", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest",
		"Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc", "Te", "Traceparent", "Tracestate", "True-Client-Ip",
		"Upgrade-Insecure-Requests", "User-Agent", "Via", "X-Amz-Date", "X-Amzn-Trace-Id", "X-Api-Key", "X-B3-Sampled",
		"X-B3-Spanid", "X-B3-Traceid", "X-Client-Ip", "X-Correlation-Id", "X-Csrf-Token", "X-Forwarded-For",
		"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Http-Method-Override", "X-Real-Ip", "X-Request-Id",
		"X-Request-Start", "X-Requested-With", "X-User-Id",
	} {
		add(name, meansNothing)
	}
	return t
}

// methodName is a common method without a copy; "" for any other.
func methodName(b []byte) string {
	switch string(b) {
	case "GET":
		return "GET"
	case "POST":
		return "POST"
	case "PUT":
		return "PUT"
	case "PATCH":
		return "PATCH"
	case "DELETE":
		return "DELETE"
	case "HEAD":
		return "HEAD"
	case "OPTIONS":
		return "OPTIONS"
	}
	return ""
}
