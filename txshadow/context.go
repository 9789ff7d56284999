package txshadow

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// Role says which of the two calls of a request this is.
type Role string

// The roles of a call.
const (
	RoleLive   Role = "live"   // its answer goes to the client
	RoleShadow Role = "shadow" // made only to be compared
)

// Context is what Quack says of a request, the same on both sides but for the
// role.
type Context struct {
	ID       string    // Quack-Request-Id
	Role     Role      //
	At       time.Time // the request's instant
	ReadOnly bool      // passed through a closed gate
}

// contextTime is RFC 3339 in UTC with nine digits, so that all adapters sign
// the same text.
const contextTime = "2006-01-02T15:04:05.000000000Z"

// clock writes times in the form of contextTime. Requests of the same second
// share all but the fraction.
type clock struct{ last atomic.Pointer[second] }

type second struct {
	unix int64
	text string // to the point before the fraction
}

func (c *clock) append(b []byte, at time.Time) []byte {
	s := c.last.Load()
	if unix := at.Unix(); s == nil || s.unix != unix {
		s = &second{unix: unix, text: at.UTC().Format("2006-01-02T15:04:05.")}
		c.last.Store(s)
	}
	b = append(b, s.text...)
	digits, n := [9]byte{}, at.Nanosecond()
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(append(b, digits[:]...), 'Z')
}

// MarkContext sets Quack-Request-Id, Quack-Context, Quack-Role, Quack-Time
// and, when readOnly, Quack-Read-Only. role is "live" or "shadow".
func (c *Codec) MarkContext(h http.Header, id, role string, at time.Time, readOnly bool) {
	ro := "0"
	if readOnly {
		ro = "1"
	}
	// One string holds the time and the whole context, one slice all values:
	// this is on the path of each request.
	var buf [len("v1;role=shadow;time=;readonly=0;sig=") + len(contextTime) + 64]byte
	text := append(append(append(buf[:0], "v1;role="...), role...), ";time="...)
	from := len(text)
	text = c.clock.append(text, at)
	t := string(text[from:])
	text = append(append(append(text, ";readonly="...), ro...), ";sig="...)
	text = append(text, c.sign("quack-context-v1", id, role, t, ro)...)

	values := []string{id, string(text), role, t, ro}
	h[HeaderRequestID], h[HeaderContext] = values[0:1:1], values[1:2:2]
	h[HeaderRole], h[HeaderTime] = values[2:3:3], values[3:4:4]
	delete(h, HeaderReadOnly)
	if readOnly {
		h[HeaderReadOnly] = values[4:5:5]
	}
}

// ReadContext reads Quack-Context and verifies it. It has no time window:
// Quack may hold a request for long, and replays a deferred one later still.
func (c *Codec) ReadContext(h http.Header) (Context, error) {
	value, err := one(h, HeaderContext)
	if err != nil {
		return Context{}, err
	}
	id, err := one(h, HeaderRequestID)
	if err != nil {
		return Context{}, err
	}
	f, err := parseFields(value, "role", "time", "readonly", "sig")
	if err != nil {
		return Context{}, fmt.Errorf("read %s: %w", HeaderContext, err)
	}
	role, t, ro, sig := Role(f[0]), f[1], f[2], f[3]
	if !validID(id) || !c.verify(sig, "quack-context-v1", id, f[0], t, ro) {
		return Context{}, fmt.Errorf("the signature of %s does not verify", HeaderContext)
	}
	at, err := time.Parse(time.RFC3339Nano, t)
	if err != nil {
		return Context{}, fmt.Errorf("read the time of %s: %w", HeaderContext, err)
	}
	if role != RoleLive && role != RoleShadow || ro != "0" && ro != "1" {
		return Context{}, fmt.Errorf("%s has role %q and readonly %q", HeaderContext, role, ro)
	}
	return Context{ID: id, Role: role, At: at, ReadOnly: ro == "1"}, nil
}
