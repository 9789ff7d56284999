package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// arrived is what the backend got and took for a request.
type arrived struct {
	raw    string // head and body as they came
	target string
	body   string
	fault  string // why it is not one whole request in its plainest form; "" is that it is
	cut    bool   // the connection ended in the middle of it
}

// witness is a backend that reads strictly and tells of all that comes.
type witness struct {
	url string
	mu  sync.Mutex
	got []arrived
}

// newWitness makes a witness. size is what it takes for the size of a chunk.
func newWitness(t testing.TB, size *regexp.Regexp) *witness {
	w := &witness{}
	w.url = rawBackend(t, func(conn net.Conn, r *bufio.Reader) {
		for {
			a, ok := readStrictly(r, conn, size)
			if !ok {
				return
			}
			w.mu.Lock()
			w.got = append(w.got, a)
			w.mu.Unlock()
			if a.cut || a.fault != "" {
				return
			}
			answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
			if strings.HasPrefix(a.raw, "HEAD ") {
				answer = strings.TrimSuffix(answer, "ok")
			}
			io.WriteString(conn, answer)
		}
	})
	return w
}

// of is what came for the n-th of the corpus, and whether its hidden request
// did.
func (w *witness) of(n int) (requests []arrived, smuggled bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	target, hidden := fmt.Sprintf("/odd/%04d", n), fmt.Sprintf("/smuggled/%04d", n)
	for _, a := range w.got {
		first, _, _ := strings.Cut(a.raw, "\n")
		switch {
		case strings.Contains(first, target):
			requests = append(requests, a)
		case strings.Contains(first, hidden), a.fault != "" && strings.Contains(a.raw, hidden):
			smuggled = true
		}
	}
	return requests, smuggled
}

var (
	strictLine  = regexp.MustCompile("^[!#$%&'*+\\-.^_`|~0-9A-Za-z]+ ([^\\x00-\\x20\\x7f]+) HTTP/1\\.[01]\r\n$")
	strictField = regexp.MustCompile("^([!#$%&'*+\\-.^_`|~0-9A-Za-z]+):[ \t]*([^\\x00-\\x08\\x0a-\\x1f\\x7f]*?)[ \t]*\r\n$")
	strictSize  = regexp.MustCompile("^([0-9A-Fa-f]{1,15})\r\n$")
	anySize     = regexp.MustCompile("^([0-9A-Fa-f]{1,15})(;[a-z=]*)?\r\n$")
)

// readStrictly reads a request and says what is wrong with it. Who asks on w
// whether to go on is told to. ok is false when the connection has ended before
// a request.
func readStrictly(r *bufio.Reader, w io.Writer, size *regexp.Regexp) (a arrived, ok bool) {
	var raw bytes.Buffer
	defer func() { a.raw = raw.String() }()
	next := func() (string, bool) {
		l, err := r.ReadBytes('\n')
		raw.Write(l)
		return string(l), err == nil
	}
	first, whole := next()
	if first == "" {
		return a, false
	}
	a.cut = !whole
	m := strictLine.FindSubmatch([]byte(first))
	if m == nil {
		a.fault = fmt.Sprintf("request line %q", first)
		return a, true
	}
	a.target = string(m[1])
	var hosts, lengths, codings []string
	for {
		l, whole := next()
		if a.cut = !whole; a.cut || l == "\r\n" {
			break
		}
		f := strictField.FindSubmatch([]byte(l))
		if f == nil {
			a.fault = fmt.Sprintf("field %q", l)
			return a, true
		}
		switch value := string(f[2]); strings.ToLower(string(f[1])) {
		case "host":
			hosts = append(hosts, value)
		case "content-length":
			lengths = append(lengths, value)
		case "transfer-encoding":
			codings = append(codings, value)
		case "expect":
			if strings.EqualFold(value, "100-continue") {
				io.WriteString(w, "HTTP/1.1 100 Continue\r\n\r\n")
			}
		}
	}
	if len(hosts) > 1 || len(lengths)+len(codings) > 1 || len(codings) == 1 && codings[0] != "chunked" {
		a.fault = fmt.Sprintf("hosts %q, lengths %q, codings %q", hosts, lengths, codings)
		return a, true
	}
	switch {
	case len(lengths) == 1:
		n, err := strconv.ParseUint(lengths[0], 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != lengths[0] {
			a.fault = fmt.Sprintf("length %q", lengths[0])
			return a, true
		}
		b := make([]byte, n)
		got, err := io.ReadFull(r, b)
		raw.Write(b[:got])
		a.body, a.cut = string(b[:got]), err != nil
	case len(codings) == 1:
		a.readChunks(next, r, &raw, size)
	}
	return a, true
}

func (a *arrived) readChunks(next func() (string, bool), r io.Reader, raw *bytes.Buffer, size *regexp.Regexp) {
	for {
		l, whole := next()
		if a.cut = !whole; a.cut {
			return
		}
		digits := size.FindStringSubmatch(l)
		if digits == nil {
			a.fault = fmt.Sprintf("chunk size %q", l)
			return
		}
		n, _ := strconv.ParseInt(digits[1], 16, 64)
		if n == 0 {
			break
		}
		b := make([]byte, n+2)
		got, err := io.ReadFull(r, b)
		raw.Write(b[:got])
		if a.cut = err != nil; a.cut {
			return
		}
		if string(b[n:]) != "\r\n" {
			a.fault = fmt.Sprintf("%q behind a chunk", b[n:])
			return
		}
		a.body += string(b[:n])
	}
	for {
		l, whole := next()
		if a.cut = !whole; a.cut || l == "\r\n" {
			return
		}
		if !strictField.MatchString(l) {
			a.fault = fmt.Sprintf("trailer %q", l)
			return
		}
	}
}

// told is what the client was told.
type told struct {
	status int  // of the first final answer; 0 is none
	more   int  // answers behind it
	closed bool // the connection was closed
}

// patience is how long a server may do nothing with what deserves a refusal,
// before the client says that it sends no more: some of it looks unfinished.
const patience = 400 * time.Millisecond

// askOddly sends raw and reads until the connection is closed, or, if it may
// pass, until an answer of 200 has come whole.
func askOddly(addr, raw string, mayPass bool) (told, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return told{}, err
	}
	defer conn.Close()
	written := make(chan bool)
	go func() { // a server that refuses need not read all of it
		defer close(written)
		io.WriteString(conn, raw)
	}()
	defer func() { conn.Close(); <-written }()
	var t told
	r := bufio.NewReader(conn)
	method, _, _ := strings.Cut(strings.TrimLeft(raw, "\r\n"), " ")
	for {
		wait := 10 * time.Second
		if t.status == 0 && !mayPass {
			wait = patience
		}
		_ = conn.SetReadDeadline(time.Now().Add(wait))
		_, err := r.Peek(1)
		if wait == patience && errors.Is(err, errDeadline) {
			_ = conn.(*net.TCPConn).CloseWrite()
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			_, err = r.Peek(1)
		}
		if err != nil {
			t.closed = !errors.Is(err, errDeadline)
			return t, nil
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return t, fmt.Errorf("what came is no answer: %w", err)
		}
		_, err = io.Copy(io.Discard, res.Body)
		switch {
		case res.StatusCode < 200:
			continue
		case t.status == 0:
			t.status = res.StatusCode
		default:
			t.more++
		}
		if mayPass && err == nil && t.status == http.StatusOK {
			return t, nil
		}
	}
}
