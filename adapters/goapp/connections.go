package main

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/jackc/pgx/v5"
)

// beside uses two connections of the pool at once.
func (a *app) beside(r *http.Request) (int, any, error) {
	in, err := read[named](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	one, release, err := a.acquire(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer release()
	other, release, err := a.acquire(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer release()
	rows, _ := one.Query(ctx, insertItem, in.Name)
	if _, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[item]); err != nil {
		return 0, nil, err
	}
	rows, _ = other.Query(ctx, "SELECT EXISTS (SELECT FROM items WHERE name = $1)", in.Name)
	seen, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	return http.StatusCreated, object{"seen": seen}, err
}

// apart has two transactions at once.
func (a *app) apart(r *http.Request) (int, any, error) {
	in, err := read[struct{ A, B string }](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	one, err := a.db.Begin(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer one.Rollback(context.WithoutCancel(ctx))
	other, err := a.db.Begin(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer other.Rollback(context.WithoutCancel(ctx))
	_, errA := one.Exec(ctx, insertItem, in.A)
	_, errB := other.Exec(ctx, insertItem, in.B)
	return http.StatusCreated, object{}, errors.Join(errA, errB, one.Commit(ctx), other.Commit(ctx))
}

// queryBefore stands outside of the adapter, where QUERY_BEFORE is set: it
// queries before the adapter sees the request, as nothing may.
func (a *app) queryBefore(next http.Handler) http.Handler {
	if os.Getenv("QUERY_BEFORE") == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := a.db.Exec(r.Context(), "INSERT INTO notes VALUES (0)"); err != nil {
			reply(w, http.StatusInternalServerError, object{"error": err.Error()})
			return
		}
		next.ServeHTTP(w, r)
	})
}
