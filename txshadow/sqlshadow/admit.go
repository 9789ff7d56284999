package sqlshadow

import (
	"context"
	"database/sql/driver"
	"reflect"
	"slices"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// admit judges query and returns its statements, and the SQL to send for it.
func (t *transaction) admit(own context.Context, on *tx, query string, args []driver.NamedValue) (stmts []sqltext.Statement, send string, err error) {
	d := t.adapter.dialect
	err = t.sending(own, own, func(ctx context.Context) (err error) {
		stmts, err = d.split(ctx, t.session, query)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if t.adapter.layers.noInterception {
		return stmts, query, nil
	}
	if rewrites(args) {
		return nil, "", t.refuse("unsupported:query-rewriter")
	}
	if t.leaked != "" && len(stmts) > 0 {
		t.note("unsupported:" + t.leaked)
	}
	for i := range stmts {
		if err := t.judge(own, &stmts[i], on, args); err != nil {
			return nil, "", err
		}
	}
	send, err = t.adapted(own, query, stmts)
	return stmts, send, err
}

// rewrites says that an argument will change the SQL behind our back: pgx takes
// such arguments (QueryRewriter). Its own put numbers in place of names.
func rewrites(args []driver.NamedValue) bool {
	return slices.ContainsFunc(args, func(a driver.NamedValue) bool {
		t := reflect.TypeOf(a.Value)
		if t == nil {
			return false
		}
		_, ok := t.MethodByName("RewriteQuery")
		return ok && !(t.PkgPath() == "github.com/jackc/pgx/v5" && (t.Name() == "NamedArgs" || t.Name() == "StrictNamedArgs"))
	})
}

// judge refuses a statement, or keeps in mind what it leaves behind.
func (t *transaction) judge(own context.Context, st *sqltext.Statement, on *tx, args []driver.NamedValue) error {
	against := st.Refusal
	if against == "" && !t.reads() {
		against = st.Blocks
	}
	switch {
	case against != "":
		return t.refuse(against)
	case st.Savepoint && on == nil:
		return t.refuse("unsupported:savepoint-outside-transaction")
	case st.Writable && t.reads():
		return t.refuse("unsupported:read-write")
	case st.Verb == "copy": // drivers begin it when it is prepared, and each in its own way
		return t.refuse("unsupported:copy")
	}
	if err := t.sending(own, own, func(ctx context.Context) error { return t.adapter.dialect.judge(ctx, t, st, on) }); err != nil {
		return err
	}
	if st.SetsConfig {
		for _, a := range args {
			if text, ok := a.Value.(string); ok && sqltext.ProtectedText(text) != "" {
				return t.refuse(sqltext.ProtectedText(text))
			}
		}
	}
	if st.Leak != "" && on == nil {
		t.leaked = st.Leak
	} else if st.Leak != "" {
		on.leak = st.Leak
	}
	return nil
}

// adapted is query with what would weaken a shadow replaced.
func (t *transaction) adapted(own context.Context, query string, stmts []sqltext.Statement) (string, error) {
	for _, st := range slices.Backward(stmts) {
		var instead string
		var ok bool
		err := t.sending(own, own, func(ctx context.Context) (err error) {
			instead, ok, err = t.adapter.dialect.instead(ctx, t, &st)
			return err
		})
		if err != nil {
			return "", err
		}
		if ok {
			query = query[:st.Start] + instead + query[st.End:]
		}
	}
	return query, nil
}

// checkDeferred does what a commit would do here: it fires the deferred
// constraints that wait.
func (t *transaction) checkDeferred(own context.Context) error {
	t.unchecked = false
	return t.sending(own, own, func(ctx context.Context) error {
		fired, err := t.adapter.dialect.fireDeferred(ctx, t.session)
		t.books.Stale = t.books.Stale || fired // a trigger may have written
		return err
	})
}
