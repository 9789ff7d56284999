package shadow

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// identOf is the ident of parts.
func identOf(parts ...string) ident {
	sum := sha256.New()
	for _, p := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		sum.Write(length[:])
		sum.Write([]byte(p))
	}
	return ident(sum.Sum(nil))
}

// client is the ident of the client of a request: what the route recognises it
// by, else its credentials, else its address.
func (d *Dispatcher) client(req *Request) ident {
	if req.Client != "" {
		return identOf("mark", req.Client)
	}
	for _, name := range []string{"Authorization", "Cookie"} {
		if v := strings.Join(req.Header[name], "; "); v != "" {
			return identOf(name, v)
		}
	}
	return identOf("address", req.Address)
}
