package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/quackproxy/quack/upstream"
)

// stream is one end of an upgraded connection.
type stream interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// switchProtocols passes 101 Switching Protocols on and then copies bytes both
// ways, until both ends have said all they had to, one of them breaks off, or
// the server's base context ends.
func (l *life) switchProtocols(res *http.Response) {
	backend, ok := res.Body.(stream)
	if !ok || l.upgrade == "" || !hasToken([]string{l.upgrade}, res.Header.Get("Upgrade")) {
		l.problem(http.StatusBadGateway, "backend-answer", "The server behind this one switched to a protocol that was not asked for.")
		return
	}
	conn, buffered, err := http.NewResponseController(l.w).Hijack()
	if err != nil {
		l.problem(http.StatusHTTPVersionNotSupported, "upgrade", "Protocols can not be switched on this connection.")
		return
	}
	defer conn.Close()
	l.status = res.StatusCode
	// From here the connection is out of the server's hands, and its context
	// does not see the client leave; it still ends with the server.
	closeBoth := func() {
		conn.Close()
		backend.Close()
	}
	stop := context.AfterFunc(l.r.Context(), closeBoth)
	defer stop()

	if err := l.passSwitch(conn, res); err != nil {
		l.gone = true
		return
	}
	client := stream(halfless{conn})
	if half, ok := conn.(stream); ok {
		client = half
	}
	// Only what is there already: further reading through the server's reader
	// would end its context, and with it both ends, at the client's half-close.
	said, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	fromClient := make(chan error, 1)
	go func() {
		fromClient <- carry(backend, io.MultiReader(bytes.NewReader(said), conn), &l.switched, closeBoth)
	}()
	err = errors.Join(carry(client, backend, &l.sent, closeBoth), <-fromClient)
	if err != nil {
		l.Log.Debug("upgraded connection broke off", "route", l.route.Name, "request", l.id, "error", err)
	}
}

// passSwitch writes the head of the backend's 101 to the client.
func (l *life) passSwitch(client io.Writer, res *http.Response) error {
	protocol := res.Header.Get("Upgrade")
	upstream.RemoveHopByHop(res.Header)
	dropMarks(res.Header)
	res.Header["Connection"], res.Header["Upgrade"] = []string{"Upgrade"}, []string{protocol}
	if l.route.Expose {
		res.Header["Quack-Served-By"], res.Header["Quack-Request-Id"] = []string{string(l.side)}, []string{l.id}
	}
	var head strings.Builder
	head.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = res.Header.Write(&head) // a Builder takes all
	head.WriteString("\r\n")
	_, err := io.WriteString(client, head.String())
	return err
}

// carry copies what one end says to the other, counts its bytes, and at its end
// says there that nothing more comes. When that does not work both ends are closed, so that
// the other direction ends too.
func carry(to stream, from io.Reader, moved *int64, closeBoth func()) error {
	n, err := io.Copy(to, from)
	*moved += n
	if err == nil {
		err = to.CloseWrite()
	}
	if err != nil {
		closeBoth()
	}
	return err
}

// halfless is a connection that can only be closed as a whole.
type halfless struct{ io.ReadWriteCloser }

func (halfless) CloseWrite() error { return http.ErrNotSupported }
