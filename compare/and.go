package compare

// And gives the same rules with more behind them, under the same options. It
// may be called on nil. Indexes in the errors count in more.
func (r *Rules) And(more ...Rule) (*Rules, []RuleError) {
	before := r.List()
	compiled, errs := CompileBelow(before, more)
	for i := range errs {
		errs[i].Index -= len(before)
	}
	if compiled != nil && r != nil {
		compiled.options = r.options
	}
	return compiled, errs
}
