package txshadow

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Mode is what a Quack-Shadow asks of the adapter.
type Mode string

// The modes of a shadow.
const (
	ModeRollback Mode = "rollback" // run in a transaction that can not commit
	ModeReadOnly Mode = "readonly" // run in a READ ONLY transaction
	ModeHello    Mode = "hello"    // prove that you roll back
)

// Marked is what a Quack-Shadow says.
type Marked struct {
	ID     string
	Mode   Mode
	At     time.Time     // when it was marked, to the second
	Budget time.Duration // how long the transaction may stay open, to the millisecond; 0 when not said
	Target string        // path and query as Quack sent them

	time, budget, sig string // as sent
}

// MarkShadow sets Quack-Shadow and the baggage of a shadow request. target is
// the path and query as sent. An id that is not 1 to 128 of letters, digits
// and -._~ gives a header that no adapter accepts.
func (c *Codec) MarkShadow(h http.Header, id string, mode Mode, budget time.Duration, method, target string, body []byte) {
	t := strconv.FormatInt(c.now().Unix(), 10)
	ms := strconv.FormatInt(budget.Milliseconds(), 10)
	sum := sha256.Sum256(body)
	sig := c.sign("quack-shadow-v1", id, string(mode), t, ms, method, target, hex.EncodeToString(sum[:]))
	h.Set(HeaderShadow, "v1;id="+id+";mode="+string(mode)+";t="+t+";budget="+ms+
		";target="+base64.RawURLEncoding.EncodeToString([]byte(target))+";sig="+sig)
	c.MarkNested(h, id)
}

// ReadShadow reads a Quack-Shadow and holds its time to the window. It does
// not vouch for it: [Codec.VerifyShadow] does, once the body is known.
func (c *Codec) ReadShadow(h http.Header) (Marked, error) {
	value, err := one(h, HeaderShadow)
	if err != nil {
		return Marked{}, err
	}
	m, err := parseMarked(value)
	if err != nil {
		return Marked{}, fmt.Errorf("read %s: %w", HeaderShadow, err)
	}
	if off := c.now().Sub(m.At); off > Window || off < -Window {
		return Marked{}, fmt.Errorf("%s was made %v ago, and the window is %v\n  compare the clocks of Quack and this host", HeaderShadow, off.Round(time.Second), Window)
	}
	return m, nil
}

func parseMarked(value string) (Marked, error) {
	f, err := parseFields(value, "id", "mode", "t", "budget", "target", "sig")
	if err != nil {
		return Marked{}, err
	}
	m := Marked{ID: f[0], Mode: Mode(f[1]), time: f[2], budget: f[3], sig: f[5]}
	if !validID(m.ID) {
		return Marked{}, errors.New("the id has other characters than letters, digits and -._~")
	}
	if m.Mode != ModeRollback && m.Mode != ModeReadOnly && m.Mode != ModeHello {
		return Marked{}, fmt.Errorf("mode %.20q is not known", f[1])
	}
	seconds, err := decimal(m.time, 12)
	if err != nil {
		return Marked{}, fmt.Errorf("t: %w", err)
	}
	ms, err := decimal(m.budget, 9)
	if err != nil {
		return Marked{}, fmt.Errorf("budget: %w", err)
	}
	target, err := base64.RawURLEncoding.Strict().DecodeString(f[4])
	if err != nil {
		return Marked{}, fmt.Errorf("target: %w", err)
	}
	m.At, m.Budget, m.Target = time.Unix(seconds, 0), time.Duration(ms)*time.Millisecond, string(target)
	return m, nil
}

// decimal reads digits only, so that what was signed has one spelling.
func decimal(s string, digits int) (int64, error) {
	if s == "" || len(s) > digits || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("%.20q is not a number of 1 to %d digits", s, digits)
	}
	return strconv.ParseInt(s, 10, 64)
}

// VerifyShadow verifies m against the request that carries it. sum is the
// SHA-256 of the request's body.
func (c *Codec) VerifyShadow(m Marked, method string, target *url.URL, sum [sha256.Size]byte) error {
	if !c.verify(m.sig, "quack-shadow-v1", m.ID, string(m.Mode), m.time, m.budget, method, m.Target, hex.EncodeToString(sum[:])) {
		return fmt.Errorf("the signature of %s does not verify\n  check that QUACK_SHADOW_SECRET is the same here and in Quack, and that nothing between them changes the method or the body", HeaderShadow)
	}
	if !sameTarget(m.Target, target) {
		return fmt.Errorf("%s was signed for another path or query\n  put the adapter outside of whatever rewrites paths", HeaderShadow)
	}
	return nil
}

// sameTarget compares what was signed with what has come in decoded form,
// because something between may write the same path in another way.
func sameTarget(signed string, got *url.URL) bool {
	path, query, _ := strings.Cut(signed, "?")
	decoded, err := url.PathUnescape(path)
	if err != nil || decoded != got.Path {
		return false
	}
	return query == got.RawQuery || decodedQuery(query) == decodedQuery(got.RawQuery)
}

func decodedQuery(q string) string {
	if d, err := url.PathUnescape(q); err == nil {
		return d
	}
	return q
}
