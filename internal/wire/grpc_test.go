package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/quackproxy/quack/front"
	"github.com/quackproxy/quack/upstream"
)

type text = wrapperspb.StringValue

// shadowed.Talk is a service with a method of each shape. Its name makes its
// paths those of the route that is shadowed.
var talk = grpc.ServiceDesc{
	ServiceName: "shadowed/Talk", HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Echo", Handler: echo}},
	Streams: []grpc.StreamDesc{
		{StreamName: "Chat", Handler: chat, ServerStreams: true, ClientStreams: true},
		{StreamName: "Count", Handler: count, ServerStreams: true},
	},
}

func echo(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := &text{}
	if err := decode(in); err != nil {
		return nil, err
	}
	md, _ := metadata.FromIncomingContext(ctx)
	switch in.Value {
	case "fail":
		_ = grpc.SetTrailer(ctx, metadata.Pairs("x-sum", "7"))
		return nil, status.Error(codes.FailedPrecondition, "not now: é % \n")
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	case "limit":
		at, _ := ctx.Deadline()
		return wrapperspb.String(time.Until(at).Truncate(time.Hour).String()), nil
	}
	_ = grpc.SetHeader(ctx, metadata.Pairs("x-head", "h", "x-bin-bin", "\x00\xff"))
	_ = grpc.SetTrailer(ctx, metadata.Pairs("x-sum", "7", "x-sum", "8"))
	return wrapperspb.String(in.Value + " " + strings.Join(md["x-mark"], ",")), nil
}

// chat answers each message before the next one comes.
func chat(_ any, s grpc.ServerStream) error {
	for n := 1; ; n++ {
		in := &text{}
		if err := s.RecvMsg(in); errors.Is(err, io.EOF) {
			s.SetTrailer(metadata.Pairs("x-messages", fmt.Sprint(n-1)))
			return nil
		} else if err != nil {
			return err
		}
		if in.Value == "break" {
			return status.Error(codes.Aborted, "as asked")
		}
		if err := s.SendMsg(wrapperspb.String("got " + in.Value)); err != nil {
			return err
		}
	}
}

// count sends messages until the client has enough.
func count(_ any, s grpc.ServerStream) error {
	if err := s.RecvMsg(&text{}); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if err := s.SendMsg(wrapperspb.String(fmt.Sprint(n))); err != nil {
			return err
		}
	}
}

// A real client and a real server of gRPC: both legs are HTTP/2, the server's
// without TLS by prior knowledge.
func TestGRPC(t *testing.T) {
	ln := listen(t)
	server := grpc.NewServer()
	server.RegisterService(&talk, nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	for name, secure := range map[string]bool{"tls": true, "h2c": false} {
		t.Run(name, func(t *testing.T) {
			p := newPathWith(t, "http://"+ln.Addr().String(), upstream.Options{Protocol: upstream.ProtocolHTTP2})
			run := startFront(t, front.Auto, p, secure)
			how := insecure.NewCredentials()
			if secure {
				how = credentials.NewTLS(run.tls)
			}
			conn, err := grpc.NewClient(run.addr, grpc.WithTransportCredentials(how))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			t.Run("one message", func(t *testing.T) { unary(ctx, t, conn) })
			t.Run("both ways", func(t *testing.T) { bidirectional(ctx, t, conn) })
			t.Run("the client leaves", func(t *testing.T) { leaving(ctx, t, conn) })
			t.Run("deadline", func(t *testing.T) { deadline(ctx, t, conn) })
			const calls = 9
			p.counts.waitServed(t, calls)
			checkCompared(t, p)
		})
	}
}

// checkCompared holds that the unary calls are to be compared, as they were, and
// that the others are skipped: one message is too large, two calls stream, and
// one has no answer, unless its server has seen first that the time is over. A
// method that is not there may be answered before its message has come.
func checkCompared(t *testing.T, p *path) {
	const late, nothing = `/shadowed/Talk/Echo: 11 bytes, "", only 4`, `/shadowed/Talk/Nothing: 5 bytes, "", only 12`
	skips := strings.Split(p.counts.skipped(), ", ")
	slices.Sort(skips)
	var got []string
	for _, o := range p.shadow.list() {
		e := o.answer.Exchange
		var out text
		if len(e.Body) >= 5 {
			if err := proto.Unmarshal(e.Body[5:], &out); err != nil {
				t.Error(err)
			}
		}
		if o.request.Header.Get("Te") != "trailers" || len(o.request.Body) < 5 && !strings.HasSuffix(o.request.Path, "Nothing") {
			t.Errorf("%s with %d bytes, header %v", o.request.Path, len(o.request.Body), o.request.Header)
		}
		status := e.Trailer.Get("Grpc-Status")
		if status == "" {
			status = "only " + e.Header.Get("Grpc-Status")
		}
		got = append(got, fmt.Sprintf("%s: %d bytes, %.8q, %s", o.request.Path, len(o.request.Body), out.Value, status))
	}
	want := []string{
		`/shadowed/Talk/Echo: 8 bytes, "m a,b", 0`,
		`/shadowed/Talk/Echo: 107 bytes, "mmmmmmmm", 0`,
		`/shadowed/Talk/Echo: 11 bytes, "", only 9`,
		`/shadowed/Talk/Echo: 12 bytes, "2h0m0s", 0`,
	}
	skipped := []string{"shadowed: body-size", "shadowed: stream", "shadowed: stream"}
	if slices.Contains(got, late) {
		want = append(want, late)
	} else {
		skipped = append([]string{"shadowed: aborted"}, skipped...)
	}
	if slices.Contains(got, nothing) {
		want = slices.Insert(want, 3, nothing)
	} else {
		skipped = append([]string{"shadowed: aborted"}, skipped...)
	}
	if !slices.Equal(skips, skipped) {
		t.Errorf("skipped %q, want %q", skips, skipped)
	}
	if !slices.Equal(got, want) {
		t.Errorf("offered\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func unary(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
	for _, size := range []int{1, 100, 3 << 20} {
		sent := strings.Repeat("m", size)
		var out text
		var head, trailer metadata.MD
		err := conn.Invoke(metadata.AppendToOutgoingContext(ctx, "x-mark", "a", "x-mark", "b"), "/shadowed/Talk/Echo", wrapperspb.String(sent), &out, grpc.Header(&head), grpc.Trailer(&trailer))
		if err != nil || out.Value != sent+" a,b" {
			t.Fatalf("%d bytes: %d came back, %v", size, len(out.Value), err)
		}
		if fmt.Sprint(head["x-head"], head["x-bin-bin"], trailer["x-sum"]) != fmt.Sprint([]string{"h"}, []string{"\x00\xff"}, []string{"7", "8"}) {
			t.Errorf("head %v, trailer %v", head, trailer)
		}
	}
	// An answer of trailers only.
	var trailer metadata.MD
	err := conn.Invoke(ctx, "/shadowed/Talk/Echo", wrapperspb.String("fail"), &text{}, grpc.Trailer(&trailer))
	if s := status.Convert(err); s.Code() != codes.FailedPrecondition || s.Message() != "not now: é % \n" || fmt.Sprint(trailer["x-sum"]) != "[7]" {
		t.Errorf("failed with %v, trailer %v", err, trailer)
	}
	if err := conn.Invoke(ctx, "/shadowed/Talk/Nothing", &text{}, &text{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("an unknown method: %v", err)
	}
}

func bidirectional(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
	s, err := conn.NewStream(ctx, &talk.Streams[0], "/shadowed/Talk/Chat")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		if err := s.SendMsg(wrapperspb.String(fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
		out := &text{}
		if err := s.RecvMsg(out); err != nil || out.Value != fmt.Sprint("got ", n) {
			t.Fatalf("%q, %v", out.Value, err)
		}
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if err := s.RecvMsg(&text{}); !errors.Is(err, io.EOF) || s.Trailer().Get("x-messages")[0] != "20" {
		t.Errorf("ended with %v, trailer %v", err, s.Trailer())
	}
}

// leaving has the server learn that the client has enough: else it would send
// for ever, and not stop.
func leaving(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	s, err := conn.NewStream(ctx, &talk.Streams[1], "/shadowed/Talk/Count")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.SendMsg(&text{}), s.CloseSend()); err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		out := &text{}
		if err := s.RecvMsg(out); err != nil || out.Value != fmt.Sprint(n) {
			t.Fatalf("%q, %v", out.Value, err)
		}
	}
	leave()
	if err := s.RecvMsg(&text{}); status.Code(err) != codes.Canceled {
		// What was on its way may still come first.
		for err == nil {
			err = s.RecvMsg(&text{})
		}
		if status.Code(err) != codes.Canceled {
			t.Errorf("ended with %v", err)
		}
	}
}

// The server learns of the client's deadline, and when that has come the client
// waits no longer. The server's own timer may be first by a hair: then it resets
// its stream, which here is a 502, and that to gRPC is Unavailable.
func deadline(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), 150*time.Minute)
	defer cancel()
	var out text
	if err := conn.Invoke(long, "/shadowed/Talk/Echo", wrapperspb.String("limit"), &out); err != nil || out.Value != "2h0m0s" {
		t.Errorf("%q of 2h30m, %v", out.Value, err)
	}
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	err := conn.Invoke(short, "/shadowed/Talk/Echo", wrapperspb.String("wait"), &text{})
	if code := status.Code(err); code != codes.DeadlineExceeded && code != codes.Unavailable {
		t.Errorf("ended with %v", err)
	}
}
