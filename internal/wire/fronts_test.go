package wire

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// maxHead bounds a request's head in all fronts, in bytes.
const maxHead = 64 << 10

// front is a way to accept connections for a handler.
type front struct {
	name  string
	start func(t testing.TB, h http.Handler, secure bool) *running
}

// running is a front that accepts connections.
type running struct {
	addr  string
	tls   *tls.Config // of clients; nil without TLS
	drain func() error
}

// fronts are those that the live path has to work behind.
var fronts = []front{
	{"std", startStd},
}

// startStd serves h with net/http alone: HTTP/1.1 and HTTP/2, the latter
// without TLS by prior knowledge. It is what the others are held against.
func startStd(t testing.TB, h http.Handler, secure bool) *running {
	t.Helper()
	base, end := context.WithCancel(context.Background())
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	srv := &http.Server{
		Handler: h, Protocols: protocols, MaxHeaderBytes: maxHead,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            20 * time.Second,
		ErrorLog:                     log.New(io.Discard, "", 0),
		BaseContext:                  func(net.Listener) context.Context { return base },
	}
	ln := listen(t)
	run := &running{addr: ln.Addr().String()}
	if secure {
		var server *tls.Config
		server, run.tls = certificates(t)
		srv.TLSConfig = server
	}
	served := make(chan error, 1)
	go func() {
		if secure {
			served <- srv.ServeTLS(ln, "", "")
		} else {
			served <- srv.Serve(ln)
		}
	}()
	run.drain = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		return srv.Shutdown(ctx)
	}
	t.Cleanup(func() {
		srv.Close()
		end()
		<-served
	})
	return run
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// dial opens a raw connection, with TLS where the front has it; protocol is
// what ALPN asks for.
func (r *running) dial(t testing.TB, protocol string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if r.tls == nil {
		return conn
	}
	c := r.tls.Clone()
	c.NextProtos = []string{protocol}
	over := tls.Client(conn, c)
	if err := over.Handshake(); err != nil {
		t.Fatal(err)
	}
	if got := over.ConnectionState().NegotiatedProtocol; got != protocol {
		t.Fatalf("ALPN chose %q, want %q", got, protocol)
	}
	return over
}

// certificates makes a server's certificate for 127.0.0.1, once per process,
// and what a client needs to believe it.
func certificates(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	cert, err := selfSigned()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	return &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
}

var selfSigned = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	plan := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "quack tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, plan, plan, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
})

// overEach runs a test over every front, with and without TLS.
func overEach(t *testing.T, test func(t *testing.T, start func(t testing.TB, h http.Handler) *running)) {
	for _, f := range fronts {
		for name, secure := range map[string]bool{"tls": true, "plain": false} {
			t.Run(f.name+"/"+name, func(t *testing.T) {
				test(t, func(t testing.TB, h http.Handler) *running { return f.start(t, h, secure) })
			})
		}
	}
}
