package wire

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/quackproxy/quack/front"
)

// maxHead bounds a request's head in all fronts, in bytes.
const maxHead = 64 << 10

// running is a server that accepts connections for a handler.
type running struct {
	addr  string
	tls   *tls.Config // of clients; nil without TLS
	drain func() error
}

// fronts are what the live path stands behind.
var fronts = []front.Kind{front.Auto, front.Std}

// startFront serves h with Quack's front.
func startFront(t testing.TB, kind front.Kind, h http.Handler, secure bool, change ...func(*front.Config)) *running {
	t.Helper()
	ln := listen(t)
	run := &running{addr: ln.Addr().String()}
	config := front.Config{Handler: h, Front: kind, H2C: true, HeadBytes: maxHead}
	if secure {
		config.Certificates, run.tls = certificateFiles(t)
	}
	for _, f := range change {
		f(&config)
	}
	base, end := context.WithCancel(context.Background())
	srv := front.New(config)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(base, ln) }()
	run.drain = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		return srv.Shutdown(ctx)
	}
	t.Cleanup(func() {
		srv.Close()
		end()
		<-served
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := srv.Wait(ctx); err != nil {
			t.Errorf("handlers still run: %v", err)
		}
	})
	return run
}

// startStd serves h with net/http alone: HTTP/1.1 and HTTP/2, the latter
// without TLS by prior knowledge. It is what the front is held against.
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
		cert, err := selfSigned()
		if err != nil {
			t.Fatal(err)
		}
		srv.TLSConfig, run.tls = &tls.Config{Certificates: []tls.Certificate{cert}}, believing(cert)
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

// believing is the settings of a client that believes cert.
func believing(cert tls.Certificate) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	return &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
}

// certificateFiles is the certificate in files, as the front wants it.
func certificateFiles(t testing.TB) (*front.Certificates, *tls.Config) {
	t.Helper()
	cert, err := selfSigned()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	pair := front.KeyPair{Cert: filepath.Join(t.TempDir(), "cert.pem"), Key: filepath.Join(t.TempDir(), "key.pem")}
	for file, block := range map[string]*pem.Block{pair.Cert: {Type: "CERTIFICATE", Bytes: cert.Leaf.Raw}, pair.Key: {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := front.LoadCertificates([]front.KeyPair{pair}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return loaded, believing(cert)
}

// selfSigned is a certificate for 127.0.0.1, one per process.
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

// overEach runs a test of HTTP/2 over the front, with and without TLS. Both
// kinds of front have the same HTTP/2.
func overEach(t *testing.T, test func(t *testing.T, start func(t testing.TB, h http.Handler) *running)) {
	for name, secure := range map[string]bool{"tls": true, "h2c": false} {
		t.Run(name, func(t *testing.T) {
			test(t, func(t testing.TB, h http.Handler) *running { return startFront(t, front.Auto, h, secure) })
		})
	}
}

// overBoth runs a test of HTTP/1 over both kinds of front.
func overBoth(t *testing.T, test func(t *testing.T, start func(t testing.TB, h http.Handler) *running)) {
	for _, kind := range fronts {
		t.Run(string(kind), func(t *testing.T) {
			test(t, func(t testing.TB, h http.Handler) *running { return startFront(t, kind, h, false) })
		})
	}
}
