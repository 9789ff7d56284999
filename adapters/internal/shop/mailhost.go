package shop

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
)

// mailhost takes mail by SMTP (RFC 5321) and counts it.
type mailhost struct {
	addr     string
	listener net.Listener
	received atomic.Int64
}

func listenForMail() (*mailhost, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for mail: %w", err)
	}
	m := &mailhost{addr: l.Addr().String(), listener: l}
	go m.serve()
	return m, nil
}

func (m *mailhost) close() { m.listener.Close() }

func (m *mailhost) serve() {
	for {
		conn, err := m.listener.Accept()
		if err != nil {
			return
		}
		go m.converse(conn)
	}
}

// converse answers one client until it quits.
func (m *mailhost) converse(conn net.Conn) {
	defer conn.Close()
	fmt.Fprint(conn, "220 mailhost\r\n")
	in, inData := bufio.NewScanner(conn), false
	for in.Scan() {
		line := in.Text()
		switch {
		case inData && line == ".":
			inData = false
			m.received.Add(1)
			fmt.Fprint(conn, "250 taken\r\n")
		case inData:
		case strings.EqualFold(line, "DATA"):
			inData = true
			fmt.Fprint(conn, "354 go on\r\n")
		case strings.EqualFold(line, "QUIT"):
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 fine\r\n")
		}
	}
}
