// Package sqlshadow is the Go adapter for services that use database/sql.
//
// A service gives [New] its secret and its driver.Connector, uses
// [Adapter.DB], a *sql.DB, in place of its own, and wraps its outermost handler
// in [Adapter.Middleware]. A request that carries a valid Quack-Shadow header
// then runs in one transaction on a session of its own, which is rolled back
// whatever the handler does. What package txshadow says of contexts, effects and
// reasons holds here too: txshadow.Active, Now and Record work in handlers.
//
// It knows no driver. On PostgreSQL a shadow can not commit by three layers:
// interception, the fuse, and the belt. MariaDB has no fuse: see
// docs/database-sql.md for what holds there instead.
package sqlshadow
