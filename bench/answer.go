package main

import (
	"bytes"
	"errors"
	"strconv"
)

// answerHead is what a client needs of the head of an HTTP/1.1 answer.
type answerHead struct {
	size   int  // bytes of the head, the empty line included
	status int  //
	length int  // of the body
	close  bool // the server closes the connection after it
}

// errPartial says that the head has not come whole yet.
var errPartial = errors.New("the head of the answer is not complete")

var (
	errNoAnswer = errors.New("this is no HTTP/1.1 answer")
	errNoLength = errors.New("an answer without Content-Length")
)

// parseAnswer reads the head at the start of b. It takes only what the
// contenders should send here: HTTP/1.1 with a Content-Length. It allocates
// nothing.
func parseAnswer(b []byte) (answerHead, error) {
	h := answerHead{length: -1}
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return h, errPartial
	}
	h.size = end + 4
	if len(b) < 12 || string(b[:9]) != "HTTP/1.1 " {
		return h, errNoAnswer
	}
	h.status = digits(b[9:12])
	if h.status < 100 {
		return h, errNoAnswer
	}
	for line := b[bytes.IndexByte(b, '\n')+1 : end+2]; len(line) > 0; {
		next := bytes.IndexByte(line, '\n') + 1
		h.field(line[:next-2])
		line = line[next:]
	}
	if h.length < 0 {
		return h, errNoLength
	}
	return h, nil
}

// field takes note of a field line, without its line end.
func (h *answerHead) field(line []byte) {
	if len(line) < 12 || line[0]|0x20 != 'c' {
		return
	}
	switch name, value, _ := bytes.Cut(line, []byte(":")); len(name) {
	case len("content-length"):
		if bytes.EqualFold(name, []byte("content-length")) {
			h.length = digits(bytes.TrimSpace(value))
		}
	case len("connection"):
		h.close = bytes.EqualFold(name, []byte("connection")) && bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
	}
}

// digits is the number that b spells, -1 when it spells none.
func digits(b []byte) int {
	n, err := strconv.Atoi(string(b)) // the compiler keeps this conversion off the heap
	if err != nil || n < 0 {
		return -1
	}
	return n
}
