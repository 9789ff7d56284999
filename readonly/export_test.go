package readonly

// Loaded is a request that has loaded the period in force and has not yet
// entered it.
type Loaded struct {
	g *Gate
	p *period
}

// LoadPeriod is the first step of Enter.
func (g *Gate) LoadPeriod() Loaded { return Loaded{g: g, p: g.current.Load()} }

// Enter is the rest of it.
func (l Loaded) Enter() (Pass, bool) { return l.g.enter(l.p) }
