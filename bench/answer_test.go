package main

import (
	"errors"
	"testing"
)

func TestParseAnswer(t *testing.T) {
	for _, c := range []struct {
		reason, in string
		want       answerHead
		err        error
	}{
		{"plain", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello", answerHead{39, 200, 12, false}, nil},
		{"names in any case, space around values", "HTTP/1.1 503 Oh no\r\nDate: x\r\ncontent-LENGTH:  7 \r\n\r\n", answerHead{52, 503, 7, false}, nil},
		{"no phrase", "HTTP/1.1 204 \r\nContent-Length: 0\r\n\r\n", answerHead{36, 204, 0, false}, nil},
		{"last answer of a connection", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", answerHead{57, 200, 1, true}, nil},
		{"kept alive, and said", "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n", answerHead{62, 200, 1, false}, nil},
		{"fields of the same length", "HTTP/1.1 200 OK\r\nContent-Longer: 9\r\nContent-Length: 1\r\nConnecting: close\r\n\r\n", answerHead{76, 200, 1, false}, nil},
		{"in the middle of the head", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n", answerHead{}, errPartial},
		{"nothing yet", "", answerHead{}, errPartial},
		{"no length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", answerHead{}, errNoLength},
		{"no number", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", answerHead{}, errNoLength},
		{"no field at all", "HTTP/1.1 200 OK\r\n\r\n", answerHead{}, errNoLength},
		{"another protocol", "HTTP/1.0 200 OK\r\nContent-Length: 12\r\n\r\n", answerHead{}, errNoAnswer},
		{"no status", "HTTP/1.1 ok\r\nContent-Length: 12\r\n\r\n", answerHead{}, errNoAnswer},
		{"an empty line", "\r\n\r\n", answerHead{}, errNoAnswer},
	} {
		got, err := parseAnswer([]byte(c.in))
		if !errors.Is(err, c.err) || err == nil && got != c.want {
			t.Errorf("%s: %+v, %v; want %+v, %v", c.reason, got, err, c.want, c.err)
		}
	}
}

func TestParseAnswerAllocatesNothing(t *testing.T) {
	head := []byte("HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Thu, 26 Nov 2026 04:18:00 GMT\r\nContent-Type: application/json\r\nContent-Length: 1024\r\nConnection: keep-alive\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() {
		if _, err := parseAnswer(head); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
