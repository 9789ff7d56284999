package upstream

// UnderWay is how many calls to the instance have not ended.
func (i *Instance) UnderWay() int64 { return i.calls.Load() }
