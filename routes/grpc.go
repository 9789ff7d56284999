package routes

// grpcText says what becomes of a gRPC call; "" where there can be none, or
// where nothing is shadowed. gRPC is always POST and HTTP/2.
func (r *Route) grpcText(method string) string {
	switch {
	case method != "POST" || r.New == nil || len(r.sidesShadowed()) == 0:
		return ""
	case r.Legacy.Protocol != ProtocolHTTP2 && r.New.Protocol != ProtocolHTTP2:
		return ""
	case !r.SafeFor(method):
		return "not shadowed (unsupported): only calls of safe routes are, say safe: true if they change nothing"
	case r.ShadowFirst(method):
		return "not shadowed (unsupported): a call that may stream can not wait for a shadow, leave out order: before"
	case r.Compare.Options().Messages == nil:
		return "unary calls are shadowed after the answer and compared by bytes: compare.messages names no descriptor set; streams are skipped"
	}
	return "unary calls are shadowed after the answer and compared field by field; streams are skipped"
}
