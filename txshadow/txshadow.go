// Package txshadow runs a shadow request for real and leaves nothing behind.
//
// It is the Go adapter, and the codec of the Quack-Shadow headers for both
// ends. A service calls [New] with its secret and its pgxpool.Pool, wraps its
// outermost handler in [Adapter.Middleware], and uses [Adapter.Pool] in place
// of its pool. A request that carries a valid Quack-Shadow header then runs in
// one transaction on a session of its own, which is rolled back whatever the
// handler does; any other request is untouched. Quack's side is [Codec].
//
// A shadow transaction can not commit, by three layers, each tested alone:
// transaction verbs are intercepted; a fuse row with a deferred constraint
// makes the database refuse; the session is read-only but for the one
// transaction. See docs/writes.md.
package txshadow
