package sqlshadow

// Layers says which layers a test takes away.
type Layers struct{ NoInterception, NoFuse, NoBelt, NoWatch bool }

// Without takes layers away. To be called before the adapter's first session.
func (a *Adapter) Without(l Layers) {
	a.layers = layers{l.NoInterception, l.NoFuse, l.NoBelt, l.NoWatch}
}
