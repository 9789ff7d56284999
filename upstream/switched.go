package upstream

import (
	"crypto/tls"
	"net/http"
	"sync/atomic"
)

type connectionStater interface{ ConnectionState() tls.ConnectionState }

// switches reports whether the answer is that protocols were switched.
func switches(res *http.Response) bool {
	return res.StatusCode == http.StatusSwitchingProtocols &&
		len(res.Header["Upgrade"]) > 0 && listed(res.Header["Connection"], "upgrade")
}

// switched is the body of 101 Switching Protocols: the connection, for whatever
// is spoken now. The request's context has no more say.
type switched struct {
	x      *exchange
	closed atomic.Bool
}

// Read reads what was read behind the answer's head, then from the connection.
func (s *switched) Read(p []byte) (int, error) {
	if c := s.x.conn; c.buffered() == 0 {
		return c.Conn.Read(p)
	}
	return s.x.conn.readBody(p)
}

func (s *switched) Write(p []byte) (int, error) { return s.x.conn.Write(p) }

// CloseWrite says that nothing more will be written.
func (s *switched) CloseWrite() error {
	return s.x.conn.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

// Close ends the call.
func (s *switched) Close() error {
	if !s.closed.CompareAndSwap(false, true) {
		return nil
	}
	err := s.x.conn.Close()
	if s.x.counted {
		s.x.instance.leave()
	}
	return err
}
