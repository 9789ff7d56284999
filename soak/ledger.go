package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// ledger counts how often each unsafe request was executed. It outlives the
// backends, which tell it before they answer.
type ledger struct {
	ln   net.Listener
	done sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	times map[string]int
}

func openLedger(path string) (*ledger, error) {
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	l := &ledger{ln: ln, conns: map[net.Conn]bool{}, times: map[string]int{}}
	l.done.Go(l.accept)
	return l, nil
}

func (l *ledger) accept() {
	for {
		conn, err := l.ln.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		l.conns[conn] = true
		l.mu.Unlock()
		l.done.Go(func() { l.serve(conn) })
	}
}

// serve notes each line and acknowledges it.
func (l *ledger) serve(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		l.mu.Lock()
		l.times[lines.Text()]++
		l.mu.Unlock()
		if _, err := io.WriteString(conn, "\n"); err != nil {
			break
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}

func (l *ledger) executed(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.times[id]
}

func (l *ledger) close() {
	l.ln.Close()
	l.mu.Lock()
	for conn := range l.conns {
		conn.Close()
	}
	l.mu.Unlock()
	l.done.Wait()
}

// pen is a backend's end of the ledger.
type pen struct {
	mu   sync.Mutex
	conn net.Conn
	in   *bufio.Reader
}

func takePen(dir string) (*pen, error) {
	conn, err := net.Dial("unix", filepath.Join(dir, "ledger"))
	if err != nil {
		return nil, fmt.Errorf("reach the ledger: %w", err)
	}
	return &pen{conn: conn, in: bufio.NewReader(conn)}, nil
}

// note returns when the ledger has it. A backend that can not reach it any
// more has outlived the soak.
func (p *pen) note(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.conn, id+"\n")
	if err == nil {
		_, err = p.in.ReadString('\n')
	}
	if err != nil {
		os.Exit(1)
	}
}
