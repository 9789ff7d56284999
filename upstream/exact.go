package upstream

import (
	"bytes"
	"net"
)

// exactConn sends a target that begins with "//" and has bytes that url.URL
// would escape, such as "//a|b". The engine can be made to write it only with
// a scheme before it ("http://a|b"); exactConn takes the scheme off again. It
// serves one request: only there is the first write sure to begin with a
// request line.
type exactConn struct {
	net.Conn
	begun bool // owned by the engine's one writing goroutine
}

func (c *exactConn) Write(p []byte) (int, error) {
	if c.begun {
		return c.Conn.Write(p)
	}
	c.begun = true
	method, rest, _ := bytes.Cut(p, []byte(" "))
	for _, scheme := range []string{"http:", "https:"} {
		target, ok := bytes.CutPrefix(rest, []byte(scheme))
		if !ok {
			continue
		}
		line := append(append(bytes.Clone(method), ' '), target...)
		n, err := c.Conn.Write(line)
		if n == len(line) {
			n = len(p)
		}
		return n, err
	}
	return c.Conn.Write(p)
}
