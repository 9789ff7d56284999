package compare

// And gives the same rules, under the same options, and more behind them. It
// may be called on nil.
func (r *Rules) And(more ...Rule) (*Rules, []RuleError) {
	c, errs := Compile(append(r.List(), more...))
	if c != nil && r != nil {
		c.options = r.options
	}
	return c, errs
}
