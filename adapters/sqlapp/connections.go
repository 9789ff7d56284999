package main

import (
	"context"
	"errors"
	"net/http"
	"os"
)

// beside uses two connections of the pool at once.
func (a *app) beside(r *http.Request) (int, any, error) {
	in, err := read[named](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	one, err := a.db.Conn(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer one.Close()
	other, err := a.db.Conn(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer other.Close()
	var it item
	if err := one.QueryRowContext(ctx, insertItem, in.Name).Scan(&it.ID, &it.Name, &it.Qty); err != nil {
		return 0, nil, err
	}
	var seen bool
	err = other.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM items WHERE name = $1)", in.Name).Scan(&seen)
	return http.StatusCreated, object{"seen": seen}, err
}

// apart has two transactions at once.
func (a *app) apart(r *http.Request) (int, any, error) {
	in, err := read[struct{ A, B string }](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	one, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, nil, err
	}
	defer one.Rollback()
	other, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, nil, err
	}
	defer other.Rollback()
	_, errA := one.ExecContext(ctx, insertItem, in.A)
	_, errB := other.ExecContext(ctx, insertItem, in.B)
	return http.StatusCreated, object{}, errors.Join(errA, errB, one.Commit(), other.Commit())
}

// queryBefore stands outside of the adapter, where QUERY_BEFORE is set: it
// queries before the adapter sees the request, as nothing may.
func (a *app) queryBefore(next http.Handler) http.Handler {
	if os.Getenv("QUERY_BEFORE") == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := a.db.ExecContext(context.WithoutCancel(r.Context()), "INSERT INTO notes VALUES (0)"); err != nil {
			reply(w, http.StatusInternalServerError, object{"error": err.Error()})
			return
		}
		next.ServeHTTP(w, r)
	})
}
