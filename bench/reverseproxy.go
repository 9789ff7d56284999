package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// runReverseProxy is the standard library's proxy with what its documentation
// offers for speed: a pool of buffers, enough idle connections, no
// decompression. It prints its address on a line and serves until ctx ends.
func runReverseProxy(ctx context.Context, args []string, _ io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("reverseproxy", flag.ContinueOnError)
	to := flags.String("to", "", "address of the backend")
	if err := flags.Parse(args); err != nil {
		return err
	}
	target := &url.URL{Scheme: "http", Host: *to}
	silent := log.New(io.Discard, "", 0)
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}
	defer transport.CloseIdleConnections()
	srv := &http.Server{
		Handler: &httputil.ReverseProxy{
			Rewrite: func(p *httputil.ProxyRequest) {
				p.Out.URL.Scheme, p.Out.URL.Host = target.Scheme, target.Host
				p.Out.Host = p.In.Host
			},
			Transport:  transport,
			BufferPool: &bufferPool{},
			ErrorLog:   silent,
		},
		ErrorLog: silent,
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintln(out, ln.Addr())
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(ln); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// bufferPool is a pool of buffers of the size that ReverseProxy takes without
// one. It holds pointers, so that a buffer that is put back allocates nothing.
type bufferPool struct{ free sync.Pool }

type copyBuffer [32 << 10]byte

func (p *bufferPool) Get() []byte {
	if b, ok := p.free.Get().(*copyBuffer); ok {
		return b[:]
	}
	return new(copyBuffer)[:]
}

func (p *bufferPool) Put(b []byte) { p.free.Put((*copyBuffer)(b)) }
