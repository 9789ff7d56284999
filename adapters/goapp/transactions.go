package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

func (a *app) transfer(r *http.Request) (int, any, error) {
	in, err := read[struct {
		From, To string
		Qty      int
	}](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	err = pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE items SET qty = qty + $1 WHERE name = $2", in.Qty, in.To); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE items SET qty = qty - $1 WHERE name = $2", in.Qty, in.From)
		return err
	})
	if stateOf(err) == checkViolation {
		return http.StatusUnprocessableEntity, object{"error": "not enough"}, nil
	}
	return http.StatusOK, object{"moved": in.Qty}, err
}

func (a *app) nested(r *http.Request) (int, any, error) {
	in, err := read[struct{ Outer, Inner string }](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	changedMind := errors.New("rolled back and rescued")
	err = pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insertItem, in.Outer); err != nil {
			return err
		}
		err := pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
			if _, err := inner.Exec(ctx, insertItem, in.Inner); err != nil {
				return err
			}
			return changedMind
		})
		if errors.Is(err, changedMind) {
			return nil
		}
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	rows, _ := a.db.Query(ctx, "SELECT name FROM items WHERE name IN ($1, $2) ORDER BY name", in.Outer, in.Inner)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return http.StatusCreated, object{"names": names}, err
}

func (a *app) two(r *http.Request) (int, any, error) {
	in, err := read[struct{ A, B string }](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	if _, err := a.db.Exec(ctx, insertItem, in.A); err != nil {
		return 0, nil, err
	}
	_, err = a.db.Exec(ctx, insertItem, in.B)
	if stateOf(err) != uniqueViolation {
		return http.StatusCreated, object{}, err
	}
	var kept bool
	err = a.db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM items WHERE name = $1)", in.A).Scan(&kept)
	return http.StatusConflict, object{"kept": kept}, err
}

func (a *app) deferred(r *http.Request) (int, any, error) {
	in, err := read[struct{ Parent int }](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	err = pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO children (parent_id) VALUES ($1)", in.Parent)
		return err
	})
	if stateOf(err) == noParent {
		return http.StatusConflict, object{"error": noParent}, nil
	}
	return http.StatusCreated, object{}, err
}

func (a *app) durable(r *http.Request) (int, any, error) {
	in, err := read[named](r)
	if err != nil {
		return 0, nil, err
	}
	if a.fault == ownPool {
		_, err := a.past.Exec(r.Context(), insertItem, in.Name)
		return http.StatusCreated, object{"name": in.Name}, err
	}
	return a.inTransaction(r.Context(), pgx.TxOptions{}, http.StatusCreated, in.Name)
}

func (a *app) isolation(r *http.Request) (int, any, error) {
	in, err := read[struct{ Level string }](r)
	if err != nil {
		return 0, nil, err
	}
	return a.inTransaction(r.Context(), pgx.TxOptions{IsoLevel: pgx.TxIsoLevel(in.Level)}, http.StatusCreated, "isolated")
}

// inTransaction inserts an item in a transaction.
func (a *app) inTransaction(ctx context.Context, o pgx.TxOptions, status int, name string) (int, any, error) {
	err := pgx.BeginTxFunc(ctx, a.db, o, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertItem, name)
		return err
	})
	return status, object{"name": name}, err
}

func (a *app) slow(r *http.Request) (int, any, error) {
	in, err := read[struct {
		MS   float64
		Name string
	}](r)
	if err != nil {
		return 0, nil, err
	}
	if _, err := a.db.Exec(r.Context(), insertItem, in.Name); err != nil {
		return 0, nil, err
	}
	_, err = a.db.Exec(r.Context(), "SELECT pg_sleep($1)", time.Duration(in.MS*float64(time.Millisecond)).Seconds())
	return http.StatusCreated, object{"name": in.Name}, err
}
