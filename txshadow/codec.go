package txshadow

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The header fields of the protocol.
const (
	HeaderRequestID = "Quack-Request-Id"
	HeaderContext   = "Quack-Context"
	HeaderRole      = "Quack-Role"
	HeaderTime      = "Quack-Time"
	HeaderReadOnly  = "Quack-Read-Only"
	HeaderShadow    = "Quack-Shadow"
	HeaderResult    = "Quack-Shadow-Result"
	HeaderFootprint = "Quack-Footprint"
)

// HelloPath is where an adapter proves, by a GET, that it rolls back.
const HelloPath = "/.well-known/quack/hello"

// Window is how far a Quack-Shadow's time may be from the adapter's clock. A
// request that is replayed within it is only rolled back once more.
const Window = 60 * time.Second

// Codec writes and reads the Quack headers, on both ends. Safe for concurrent
// use.
type Codec struct {
	signers []*signer // of the secrets, in their order
	clock   *clock
	now     func() time.Time
}

// NewCodec makes a codec that signs with the first secret and accepts all.
func NewCodec(secrets ...Secret) (*Codec, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no shadow secret was given")
	}
	c := &Codec{clock: new(clock), now: time.Now}
	for _, s := range secrets {
		c.signers = append(c.signers, newSigner(s))
	}
	return c, nil
}

// String hides the secrets from logs.
func (Codec) String() string { return "txshadow.Codec" }

func (c *Codec) sign(fields ...string) string { return c.signers[0].sign(fields...) }

// verify reports whether sig signs fields under one of the secrets.
func (c *Codec) verify(sig string, fields ...string) bool {
	ok := 0
	for _, s := range c.signers {
		ok |= subtle.ConstantTimeCompare([]byte(sig), []byte(s.sign(fields...)))
	}
	return ok == 1 && !containsNewline(fields)
}

// containsNewline says that fields can be cut in more than one way: such a
// signature says nothing.
func containsNewline(fields []string) bool {
	for _, f := range fields {
		if strings.Contains(f, "\n") {
			return true
		}
	}
	return false
}

// parseFields reads "v1;a=…;b=…" and returns the values of names, in their
// order. Each name stands exactly once, and no other.
func parseFields(value string, names ...string) ([]string, error) {
	version, rest, found := strings.Cut(value, ";")
	if version != "v1" {
		return nil, fmt.Errorf("version %.20q is not v1", version)
	}
	values, seen := make([]string, len(names)), make([]bool, len(names))
	for found {
		var field string
		field, rest, found = strings.Cut(rest, ";")
		name, v, ok := strings.Cut(field, "=")
		at := index(names, name)
		if !ok || at < 0 {
			return nil, fmt.Errorf("field %.40q is not known", field)
		}
		if seen[at] {
			return nil, fmt.Errorf("field %q stands twice", name)
		}
		values[at], seen[at] = v, true
	}
	for i, ok := range seen {
		if !ok {
			return nil, fmt.Errorf("field %q is missing", names[i])
		}
	}
	return values, nil
}

func index(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

// one is the value of a header field that must stand exactly once.
func one(h http.Header, name string) (string, error) {
	switch v := h.Values(name); len(v) {
	case 0:
		return "", fmt.Errorf("no %s", name)
	case 1:
		return v[0], nil
	default:
		return "", fmt.Errorf("%s stands %d times", name, len(v))
	}
}

// validID holds request ids to characters that mean nothing in any of the
// fields they travel in: 1 to 128 of letters, digits and -._~
func validID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !isAlnum(c) && c != '-' && c != '.' && c != '_' && c != '~' {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
