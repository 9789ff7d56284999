package compare

// Options say how answers are compared beside the rules. The zero Options are
// the defaults.
type Options struct {
	// Off are the built-in reasons to forgive that do not hold here.
	Off Builtin
	// Numbers says when two JSON numbers are equal.
	Numbers Numbers
	// Messages are the types of protobuf bodies; without them these are bytes.
	Messages *Messages
}

// Builtin is a set of what is forgiven without a rule.
type Builtin uint8

// What is forgiven without a rule.
const (
	Timestamps Builtin = 1 << iota // values of timestamps in one format, at most TimestampBound apart
	Generated                      // ids that each side made for this answer
	Volatile                       // values of VolatileHeaders
	Derived                        // fields that follow from the body: lengths, validators, digests
)

// Numbers says when two JSON numbers are equal.
type Numbers uint8

// When two JSON numbers are equal.
const (
	ByValue   Numbers = iota // 1, 1.0 and 10e-1 are
	AsWritten                // only when they are spelled alike; otherwise a difference of kind format
)

// With gives the same rules with other options. It may be called on nil.
func (r *Rules) With(o Options) *Rules {
	c := &Rules{}
	if r != nil {
		*c = *r
	}
	c.options = o
	return c
}

// Options are the options that the rules have; the defaults for nil.
func (r *Rules) Options() Options {
	if r == nil {
		return Options{}
	}
	return r.options
}

// asWritten reports whether numbers of one value must be spelled alike.
func (r *Rules) asWritten() bool { return r != nil && r.options.Numbers == AsWritten }

// off reports whether a built-in reason does not hold.
func (r *Rules) off(b Builtin) bool { return r != nil && r.options.Off&b != 0 }
