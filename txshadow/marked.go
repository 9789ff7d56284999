package txshadow

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
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
	ModePrepare  Mode = "prepare"  // as rollback, but let a decoder read the rows before
	ModeHello    Mode = "hello"    // prove that you roll back
)

// Marked is what a Quack-Shadow says.
type Marked struct {
	ID     string
	Mode   Mode
	At     time.Time     // when it was marked, to the second
	Budget time.Duration // how long the transaction may stay open, to the millisecond; 0 when not said
	Target string        // path and query as Quack sent them
	GID    string        // of ModePrepare: what to call the prepared transaction

	time, budget, sig string // as sent
}

// gidForm is that of the prepared transaction of a shadow: the instance of
// Quack that reads it, and a number.
var gidForm = regexp.MustCompile(`^txshadow-([a-z0-9]{1,32})-[0-9]{1,19}$`)

// MarkShadow sets Quack-Shadow and the baggage of a shadow request. target is
// the path and query as sent. An id that is not 1 to 128 of letters, digits
// and -._~ gives a header that no adapter accepts.
func (c *Codec) MarkShadow(h http.Header, id string, mode Mode, budget time.Duration, method, target string, body []byte) {
	c.mark(h, Marked{ID: id, Mode: mode, Budget: budget, Target: target}, method, body)
}

// MarkPrepare is MarkShadow with ModePrepare, for an instance that has answered
// hello with [ReasonPrepare]. gid names the prepared transaction:
// "txshadow-INSTANCE-NUMBER", as writeset.Reader.Expect gives it.
func (c *Codec) MarkPrepare(h http.Header, id, gid string, budget time.Duration, method, target string, body []byte) {
	c.mark(h, Marked{ID: id, Mode: ModePrepare, Budget: budget, Target: target, GID: gid}, method, body)
}

func (c *Codec) mark(h http.Header, m Marked, method string, body []byte) {
	m.time = strconv.FormatInt(c.now().Unix(), 10)
	m.budget = strconv.FormatInt(m.Budget.Milliseconds(), 10)
	gid := ""
	if m.Mode == ModePrepare {
		gid = ";gid=" + m.GID
	}
	h.Set(HeaderShadow, "v1;id="+m.ID+";mode="+string(m.Mode)+";t="+m.time+";budget="+m.budget+
		";target="+base64.RawURLEncoding.EncodeToString([]byte(m.Target))+gid+";sig="+c.sign(m.signed(method, sha256.Sum256(body))...))
	c.MarkNested(h, m.ID)
}

// signed are the fields that the signature is over.
func (m Marked) signed(method string, sum [sha256.Size]byte) []string {
	fields := []string{"quack-shadow-v1", m.ID, string(m.Mode), m.time, m.budget, method, m.Target, hex.EncodeToString(sum[:])}
	if m.Mode == ModePrepare {
		fields = append(fields, m.GID)
	}
	return fields
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
	names := []string{"id", "mode", "t", "budget", "target", "sig"}
	if strings.Contains(value, ";mode="+string(ModePrepare)+";") {
		names = append(names, "gid")
	}
	f, err := parseFields(value, names...)
	if err != nil {
		return Marked{}, err
	}
	m := Marked{ID: f[0], Mode: Mode(f[1]), time: f[2], budget: f[3], sig: f[5]}
	if !validID(m.ID) {
		return Marked{}, errors.New("the id has other characters than letters, digits and -._~")
	}
	if m.Mode == ModePrepare {
		if m.GID = f[6]; !gidForm.MatchString(m.GID) {
			return Marked{}, fmt.Errorf("gid %.80q is not txshadow-INSTANCE-NUMBER", m.GID)
		}
	} else if m.Mode != ModeRollback && m.Mode != ModeReadOnly && m.Mode != ModeHello {
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
	if !c.verify(m.sig, m.signed(method, sum)...) {
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
