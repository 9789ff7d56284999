package txshadow

import "time"

// Layers says which layers a test takes away.
type Layers struct{ NoInterception, NoFuse, NoBelt, NoWatch, NoFlush bool }

// Without takes layers away. To be called before the adapter's first session.
func (a *Adapter) Without(l Layers) {
	a.layers = layers{l.NoInterception, l.NoFuse, l.NoBelt, l.NoWatch, l.NoFlush}
}

// SetClock sets the codec's clock.
func (c *Codec) SetClock(now func() time.Time) { c.now = now }

// Codec is the adapter's codec.
func (a *Adapter) Codec() *Codec { return a.codec }

// ForgetProof makes the next hello drill anew.
func (a *Adapter) ForgetProof() {
	a.proof.mu.Lock()
	defer a.proof.mu.Unlock()
	a.proof.until = time.Time{}
}
