package front

import (
	"bufio"
	"bytes"
	"fmt"
	"net"

	proxyproto "github.com/pires/go-proxyproto"
)

// readProxyHeader reads the PROXY header where the peer has to send one, and
// takes the client's address from it. Anybody else's is left where it is: it
// is no request.
func (c *conn) readProxyHeader() bool {
	if !c.owesProxyHeader() {
		return true
	}
	r := bufio.NewReaderSize(c.Conn, 4<<10)
	header, err := readHeader(r)
	if err != nil {
		c.server.count("proxy-header")
		c.server.Log.Warn("connection without a sound PROXY header was closed",
			"peer", c.Conn.RemoteAddr().String(), "error", err)
		return false
	}
	// LOCAL is the peer itself, as in its health checks.
	if header.Command == proxyproto.PROXY {
		if addr, ok := header.SourceAddr.(*net.TCPAddr); ok {
			c.remote = addr
		}
	}
	c.ahead, _ = r.Peek(r.Buffered())
	return true
}

// longestV1 is the longest header of version 1.
const longestV1 = 107

// readHeader reads a header, in however many pieces it comes.
func readHeader(r *bufio.Reader) (*proxyproto.Header, error) {
	for n := 1; n <= longestV1; n = r.Buffered() + 1 {
		if _, err := r.Peek(n); err != nil {
			return nil, fmt.Errorf("read the PROXY header: %w", err)
		}
		b, _ := r.Peek(r.Buffered())
		if b[0] != 'P' || bytes.IndexByte(b, '\n') >= 0 {
			break
		}
	}
	header, err := proxyproto.Read(r)
	if err != nil {
		return nil, fmt.Errorf("read the PROXY header: %w", err)
	}
	return header, nil
}

func (c *conn) owesProxyHeader() bool {
	if len(c.server.ProxyProtocol) == 0 {
		return false
	}
	addr, ok := c.Conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return false
	}
	peer := addr.AddrPort().Addr().Unmap()
	for _, network := range c.server.ProxyProtocol {
		if network.Contains(peer) {
			return true
		}
	}
	return false
}
