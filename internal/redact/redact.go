// Package redact takes secrets out of what is stored, logged or shown.
//
// Start with [New]. A [Redactor] knows secrets by the name of their header,
// parameter, form field or JSON member (see [Redactor.Header],
// [Redactor.Target], [Redactor.Body]) and, anywhere in text, by their looks:
// payment card numbers, JSON Web Tokens, bearer credentials, passwords in URLs,
// private keys; and what a [Policy] adds to that: names, patterns, e-mail
// addresses. Each is replaced by a keyed fingerprint, "[redacted:ab12cd34]", so that equal
// and different values can still be told apart. What is no secret stays as it
// was, byte by byte; valid JSON stays valid JSON. Redacting twice changes
// nothing more. Names of people, and e-mail addresses unless a policy says so, are
// not taken for secrets.
package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	markStart  = "[redacted:"
	markDigits = 8
	markLen    = len(markStart) + markDigits + 1
)

// Redactor redacts. It is immutable and safe for concurrent use.
type Redactor struct {
	key    []byte
	policy *Policy // nil for none of its own
	found  func(secret string)
	known  *strings.Replacer
	// secrets are those that known was made of, the longest first, and shorter ones.
	secrets []string
	depth   int // of documents within strings
	// unescaping is how often what is looked at was escaped.
	unescaping int
}

// New makes a redactor whose fingerprints are keyed with key: HMAC-SHA256 of
// the secret, cut to 32 bits. Fingerprints of different keys can not be
// compared.
func New(key []byte) *Redactor { return &Redactor{key: append([]byte(nil), key...)} }

// Fingerprint is what stands in place of a secret: "[redacted:" and 8 hex
// digits and "]".
func (r *Redactor) Fingerprint(secret string) string {
	sum := r.Digest([]byte(secret))
	return markStart + hex.EncodeToString(sum[:markDigits/2]) + "]"
}

// Digest is the whole HMAC-SHA256 of b. Unlike the plain SHA-256 of a short
// body, it can not be found by trying bodies.
func (r *Redactor) Digest(b []byte) (d [32]byte) {
	mac := hmac.New(sha256.New, r.key)
	mac.Write(b)
	mac.Sum(d[:0])
	return d
}

// secret is the fingerprint of what was known by its name. Nothing, and what
// was redacted before, stays.
func (r *Redactor) secret(s string) string {
	if s == "" || isMark(s) {
		return s
	}
	r.note(s)
	return r.Fingerprint(s)
}

// note tells of a secret, and of each of its lines: what differs in a text is
// shown by line.
func (r *Redactor) note(s string) {
	if r.found == nil {
		return
	}
	r.found(s)
	if strings.IndexByte(s, '\n') < 0 {
		return
	}
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" && line != s {
			r.found(line)
		}
	}
}

// isMark reports whether s is a fingerprint and nothing else.
func isMark(s string) bool { return len(s) == markLen && markAt(s) }

// markAt reports whether s begins with a fingerprint.
func markAt(s string) bool {
	if len(s) < markLen || !strings.HasPrefix(s, markStart) || s[markLen-1] != ']' {
		return false
	}
	for _, c := range []byte(s[len(markStart) : markLen-1]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// IsRedacted reports whether s holds a fingerprint anywhere.
func IsRedacted(s string) bool {
	for {
		i := strings.Index(s, markStart)
		if i < 0 {
			return false
		}
		if s = s[i:]; markAt(s) {
			return true
		}
		s = s[len(markStart):]
	}
}
