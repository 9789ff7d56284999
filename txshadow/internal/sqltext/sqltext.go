// Package sqltext reads as much of an application's SQL as a shadow has to
// know before it sends it: where one statement ends and the next begins, what
// each would do to the transaction, and what it may leave behind.
//
// [Split] is the way in. It is a lexer and the first keywords, no parser: it
// knows quotes, dollar quotes and nested comments as PostgreSQL reads them, and
// what it does not recognise is refused.
package sqltext
