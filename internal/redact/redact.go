// Package redact takes secrets out of what is stored, logged or shown.
//
// Start with [New]. A [Redactor] knows secrets by the name of their header,
// parameter, form field or JSON member (see [Redactor.Header],
// [Redactor.Target], [Redactor.Body]) and, anywhere in text, by their looks:
// payment card numbers, JSON Web Tokens, bearer credentials, passwords in URLs.
// Each is replaced by a keyed fingerprint, "[redacted:ab12cd34]", so that equal
// and different values can still be told apart. What is no secret stays as it
// was, byte by byte; valid JSON stays valid JSON. Redacting twice changes
// nothing more. E-mail addresses and names of people are not taken for secrets.
package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"sort"
	"strings"
)

const (
	markStart  = "[redacted:"
	markDigits = 8
	markLen    = len(markStart) + markDigits + 1

	// knownMin is the least length of a secret that Knowing looks for: a
	// shorter one would be found in places that have nothing to do with it.
	knownMin = 6
)

// Redactor redacts. It is immutable and safe for concurrent use.
type Redactor struct {
	key   []byte
	found func(secret string)
	known *strings.Replacer
	depth int // of documents within strings
}

// New makes a redactor whose fingerprints are keyed with key: HMAC-SHA256 of
// the secret, cut to 32 bits. Fingerprints of different keys can not be
// compared.
func New(key []byte) *Redactor { return &Redactor{key: append([]byte(nil), key...)} }

// Collecting is the same redactor that calls found with each secret that it
// knew by its name.
func (r *Redactor) Collecting(found func(secret string)) *Redactor {
	c := *r
	c.found = found
	return &c
}

// Knowing is the same redactor that also replaces the given secrets, wherever
// in text they stand. Those shorter than 6 bytes are left out.
func (r *Redactor) Knowing(secrets []string) *Redactor {
	secrets = append([]string(nil), secrets...)
	// The longest first: one secret may begin with another.
	sort.Slice(secrets, func(i, j int) bool { return len(secrets[i]) > len(secrets[j]) })
	var pairs []string
	for _, s := range secrets {
		if len(s) >= knownMin && !isMark(s) {
			pairs = append(pairs, s, r.Fingerprint(s))
		}
	}
	c := *r
	if len(pairs) > 0 {
		c.known = strings.NewReplacer(pairs...)
	}
	return &c
}

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
	if r.found != nil {
		r.found(s)
	}
	return r.Fingerprint(s)
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
