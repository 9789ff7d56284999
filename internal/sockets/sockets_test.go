package sockets

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a quick end and a plain end of one connection.
func pair(t *testing.T) (quick, plain net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	plain, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	quick = New(c)
	if quick == c {
		t.Fatal("a TCP connection was left as it is")
	}
	t.Cleanup(func() { quick.Close(); plain.Close() })
	return quick, plain
}

// More than the kernel takes at once arrives whole, both ways at the same time.
func TestBothWays(t *testing.T) {
	quick, plain := pair(t)
	sent := make([]byte, 8<<20)
	rand.Read(sent)
	var all sync.WaitGroup
	send := func(c net.Conn) {
		if n, err := c.Write(sent); n != len(sent) || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
		if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Error(err)
		}
	}
	receive := func(c net.Conn) {
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
	}
	for _, work := range []func(){
		func() { send(quick) }, func() { send(plain) }, func() { receive(quick) }, func() { receive(plain) },
	} {
		all.Go(work)
	}
	all.Wait()
}

// Errors are those of package net, to whoever looks into them.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		reason string
		do     func(quick, plain net.Conn) error
		want   error
	}{
		{"the other end has said all", func(quick, plain net.Conn) error {
			plain.Close()
			_, err := quick.Read(make([]byte, 1))
			return err
		}, io.EOF},
		{"a deadline that has passed", func(quick, plain net.Conn) error {
			quick.SetDeadline(time.Unix(1, 0))
			_, err := quick.Read(make([]byte, 1))
			return err
		}, os.ErrDeadlineExceeded},
		{"a deadline that comes while one waits", func(quick, plain net.Conn) error {
			quick.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			_, err := quick.Read(make([]byte, 1))
			return err
		}, os.ErrDeadlineExceeded},
		{"a write that nobody takes", func(quick, plain net.Conn) error {
			quick.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
			_, err := quick.Write(make([]byte, 64<<20))
			return err
		}, os.ErrDeadlineExceeded},
		{"closed before", func(quick, plain net.Conn) error {
			quick.Close()
			_, err := quick.Write([]byte("x"))
			return err
		}, net.ErrClosed},
		{"closed while one waits", func(quick, plain net.Conn) error {
			go func() { time.Sleep(20 * time.Millisecond); quick.Close() }()
			_, err := quick.Read(make([]byte, 1))
			return err
		}, net.ErrClosed},
		{"reset", func(quick, plain net.Conn) error {
			plain.(*net.TCPConn).SetLinger(0)
			plain.Close()
			_, err := quick.Read(make([]byte, 1))
			return err
		}, errReset},
	} {
		t.Run(c.reason, func(t *testing.T) {
			quick, plain := pair(t)
			err := c.do(quick, plain)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			var op *net.OpError
			if err != io.EOF && !errors.As(err, &op) {
				t.Errorf("%v is no *net.OpError", err)
			}
			var timeout net.Error
			if late := errors.As(err, &timeout) && timeout.Timeout(); late != (c.want == os.ErrDeadlineExceeded) {
				t.Errorf("%v: a timeout is %t", err, late)
			}
		})
	}
}

// Many may call at once, as with any net.Conn; what each writes stays together.
func TestManyAtOnce(t *testing.T) {
	quick, plain := pair(t)
	const writers, size = 8, 64 << 10
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() { quick.Write(bytes.Repeat([]byte{byte('a' + i)}, size)) })
	}
	got := make([]byte, writers*size)
	if _, err := io.ReadFull(plain, got); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	for at := 0; at < len(got); at += size {
		if !bytes.Equal(got[at:at+size], bytes.Repeat(got[at:at+1], size)) {
			t.Errorf("what was written is torn at %d", at)
		}
	}
}

func TestNotTCP(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if New(a) != a {
		t.Error("a pipe is not left as it is")
	}
}

const errReset = syscall.ECONNRESET
