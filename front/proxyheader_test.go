package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	proxyproto "github.com/pires/go-proxyproto"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func headerV2(t *testing.T, command proxyproto.ProtocolVersionAndCommand) string {
	t.Helper()
	h := &proxyproto.Header{
		Version: 2, Command: command, TransportProtocol: proxyproto.TCPv4,
		SourceAddr:      &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711},
		DestinationAddr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443},
	}
	if err := h.SetTLVs([]proxyproto.TLV{{Type: proxyproto.PP2_TYPE_AUTHORITY, Value: []byte("a.example")}}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := h.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestProxyProtocol(t *testing.T) {
	cases := []struct {
		reason string
		header string
		want   string // the address that the handler sees; "" is refused, "peer" our own
	}{
		{"version 1", "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n", "192.0.2.7:4711"},
		{"version 1 over IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", "[2001:db8::7]:4711"},
		{"version 1, not known who", "PROXY UNKNOWN\r\n", "peer"},
		{"version 2", headerV2(t, proxyproto.PROXY), "192.0.2.7:4711"},
		{"version 2, the peer itself", headerV2(t, proxyproto.LOCAL), "peer"},
		{"missing", "", ""},
		{"bad address", "PROXY TCP4 192.0.2.777 192.0.2.1 4711 443\r\n", ""},
		{"too long", "PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n", ""},
		{"line feed alone", "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\n", ""},
	}
	onBoth(t, func(t *testing.T, kind Kind) {
		s := serve(t, Config{Front: kind, H2C: true, ProxyProtocol: loopback, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.RemoteAddr)
		})})
		for _, c := range cases {
			for _, pieces := range []bool{false, true} {
				name := c.reason
				if pieces {
					name += ", in pieces"
				}
				t.Run(name, func(t *testing.T) {
					cl := dial(t, s.addr)
					if pieces {
						cl.send(c.header[:len(c.header)/2])
						cl.send(c.header[len(c.header)/2:] + get[:5])
						cl.send(get[5:] + get)
					} else {
						cl.send(c.header + get + get)
					}
					if c.want == "" {
						cl.ended()
						return
					}
					want := c.want
					if want == "peer" {
						want = cl.LocalAddr().String()
					}
					for range 2 {
						if _, got := cl.answer("GET"); got != want {
							t.Errorf("got %q, want %q", got, want)
						}
					}
				})
			}
		}
	})
}

func TestProxyProtocolBeforeTLS(t *testing.T) {
	s := serve(t, Config{
		ProxyProtocol: loopback, Certificates: load(t, writePair(t, t.TempDir(), "a.example")),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto+" "+r.RemoteAddr) }),
	})
	for proto, want := range map[string]string{"http/1.1": "HTTP/1.1 192.0.2.7:4711", "h2": "HTTP/2.0 192.0.2.7:4711"} {
		t.Run(proto, func(t *testing.T) {
			tr := transportOver(t, s.addr, headerV2(t, proxyproto.PROXY), proto)
			if got := postWith(t, tr, "https://a.example/"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestProxyProtocolFromStrangers(t *testing.T) {
	s := serve(t, Config{
		ProxyProtocol: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Handler:       http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) }),
	})
	c := dial(t, s.addr)
	c.send(get)
	if _, got := c.answer("GET"); got != c.LocalAddr().String() {
		t.Errorf("got %q", got)
	}
	for _, header := range []string{"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n", headerV2(t, proxyproto.PROXY)} {
		answers := exchangeAnswers(t, s.addr, header+get)
		if len(answers) != 1 || answers[0].status != 400 {
			t.Errorf("with %q got %+v, want a refusal", header, answers)
		}
	}
}

// transportOver speaks TLS behind a header of its own.
func transportOver(t *testing.T, addr, header, proto string) *http.Transport {
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetHTTP1(proto != "h2")
	tr.Protocols.SetHTTP2(proto == "h2")
	tr.DialTLSContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		raw, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(raw, header); err != nil {
			return nil, err
		}
		c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{proto}})
		return c, c.HandshakeContext(ctx)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}
