package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quackproxy/quack/front"
	"github.com/quackproxy/quack/internal/fewlog"
)

// frontFlags say what is spoken on the live listener.
type frontFlags struct {
	Front         string    `default:"auto" enum:"auto,std" env:"QUACK_FRONT" help:"How HTTP/1 is read: auto is the fast lane, with net/http for what it does not take; std is net/http for everything."`
	H2C           bool      `name:"h2c" default:"true" negatable:"" env:"QUACK_H2C" help:"Serve HTTP/2 in the clear to clients that begin with it."`
	TLSCert       []string  `name:"tls-cert" sep:"," env:"QUACK_TLS_CERT" help:"Certificate with its chain, PEM; read again when it changes. Several are chosen by the name that a client asks for, the first is for everybody else." placeholder:"FILE"`
	TLSKey        []string  `name:"tls-key" sep:"," env:"QUACK_TLS_KEY" help:"Key of each --tls-cert, in the same order." placeholder:"FILE"`
	ProxyProtocol []network `name:"proxy-protocol" env:"QUACK_PROXY_PROTOCOL" help:"Load balancers that begin each connection with a PROXY header; it is taken from nobody else." placeholder:"CIDR"`
	MaxConns      int       `name:"max-conns" env:"QUACK_MAX_CONNS" help:"How many clients' connections are held; default half of the files that the process may open." placeholder:"N"`
}

func (f *frontFlags) validate() error {
	if len(f.TLSCert) != len(f.TLSKey) {
		return fmt.Errorf("--tls-cert is given %d times and --tls-key %d times\n  give each certificate its key, in the same order", len(f.TLSCert), len(f.TLSKey))
	}
	if f.MaxConns < 0 {
		return fmt.Errorf("--max-conns %d is below zero", f.MaxConns)
	}
	return nil
}

// maxConns leaves as many files as there are connections of clients for those
// to backends: else clients that only connect would keep it from calling any.
func (f *frontFlags) maxConns() int {
	if f.MaxConns > 0 {
		return f.MaxConns
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0 // not known: none
	}
	return int(min(limit.Cur, math.MaxInt32) / 2)
}

// certificates are nil without TLS.
func (f *frontFlags) certificates(log *slog.Logger) (*front.Certificates, error) {
	if len(f.TLSCert) == 0 {
		return nil, nil
	}
	var pairs []front.KeyPair
	for i, cert := range f.TLSCert {
		pairs = append(pairs, front.KeyPair{Cert: cert, Key: f.TLSKey[i]})
	}
	return front.LoadCertificates(pairs, log)
}

func (f *frontFlags) newFront(handler http.Handler, certificates *front.Certificates, log *slog.Logger) *front.Server {
	return front.New(front.Config{
		Handler:       handler,
		Front:         front.Kind(f.Front),
		Certificates:  certificates,
		H2C:           f.H2C,
		ProxyProtocol: prefixes(f.ProxyProtocol),
		MaxConns:      f.maxConns(),
		Log:           slog.New(fewlog.New(log.Handler())), // a stranger decides how often a connection fails
	})
}

// liveServer serves clients on a bound listener.
type liveServer struct {
	ln      net.Listener
	front   *front.Server
	duck    time.Duration // how long a stop goes on accepting connections
	drain   time.Duration // how long a stop waits for requests under way
	closing func()        // called when the stop begins
}

// upgradesEnd is how long the end of switched connections is waited for.
const upgradesEnd = 2 * time.Second

// run serves until ctx ends, then waits for the requests under way. Requests
// that outlive drain are cut off, and that is an error. Connections that have
// switched protocols end with the base context, after the others.
func (s *liveServer) run(ctx context.Context) error {
	whole := context.WithoutCancel(ctx)
	base, end := context.WithCancel(whole)
	defer end()
	served := make(chan error, 1)
	go func() { served <- s.front.Serve(base, s.ln) }()
	select {
	case err := <-served:
		return errors.Join(err, s.front.Close())
	case <-ctx.Done():
	}
	s.closing()
	if s.duck > 0 {
		select {
		case err := <-served:
			return errors.Join(err, s.front.Close())
		case <-time.After(s.duck):
		}
	}
	deadline, cancel := context.WithTimeout(whole, s.drain)
	defer cancel()
	err := s.front.Shutdown(deadline)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests still under way after %s were cut off", s.drain), s.front.Close())
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	end()
	last, cancelLast := context.WithTimeout(whole, upgradesEnd)
	defer cancelLast()
	if s.front.Wait(last) != nil {
		err = errors.Join(err, errors.New("handlers of connections that were cut off still ran at the end"))
	}
	return err
}
