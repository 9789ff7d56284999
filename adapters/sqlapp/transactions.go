package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// inTx runs f in a transaction, as most applications write it. Statements of a
// transaction need no context.
func (a *app) inTx(ctx context.Context, o *sql.TxOptions, f func(*sql.Tx) error) error {
	tx, err := a.db.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (a *app) transfer(r *http.Request) (int, any, error) {
	in, err := read[struct {
		From, To string
		Qty      int
	}](r)
	if err != nil {
		return 0, nil, err
	}
	err = a.inTx(r.Context(), nil, func(tx *sql.Tx) error {
		if _, err := tx.Exec("UPDATE items SET qty = qty + $1 WHERE name = $2", in.Qty, in.To); err != nil {
			return err
		}
		_, err := tx.Exec("UPDATE items SET qty = qty - $1 WHERE name = $2", in.Qty, in.From)
		return err
	})
	if stateOf(err) == checkViolation {
		return http.StatusUnprocessableEntity, object{"error": "not enough"}, nil
	}
	return http.StatusOK, object{"moved": in.Qty}, err
}

// nested has a savepoint of its own: package database/sql has no other way.
func (a *app) nested(r *http.Request) (int, any, error) {
	in, err := read[struct{ Outer, Inner string }](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	err = a.inTx(ctx, nil, func(tx *sql.Tx) error {
		if _, err := tx.Exec(insertItem, in.Outer); err != nil {
			return err
		}
		if _, err := tx.Exec("SAVEPOINT inner_one"); err != nil {
			return err
		}
		if _, err := tx.Exec(insertItem, in.Inner); err != nil {
			return err
		}
		_, err := tx.Exec("ROLLBACK TO SAVEPOINT inner_one")
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	rows, err := a.db.QueryContext(ctx, "SELECT name FROM items WHERE name IN ($1, $2) ORDER BY name", in.Outer, in.Inner)
	if err != nil {
		return 0, nil, err
	}
	defer rows.Close()
	names := []string{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return 0, nil, err
		}
		names = append(names, name)
	}
	return http.StatusCreated, object{"names": names}, rows.Err()
}

func (a *app) two(r *http.Request) (int, any, error) {
	in, err := read[struct{ A, B string }](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	if _, err := a.db.ExecContext(ctx, insertItem, in.A); err != nil {
		return 0, nil, err
	}
	_, err = a.db.ExecContext(ctx, insertItem, in.B)
	if stateOf(err) != uniqueViolation {
		return http.StatusCreated, object{}, err
	}
	var kept bool
	err = a.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM items WHERE name = $1)", in.A).Scan(&kept)
	return http.StatusConflict, object{"kept": kept}, err
}

func (a *app) deferred(r *http.Request) (int, any, error) {
	in, err := read[struct{ Parent int }](r)
	if err != nil {
		return 0, nil, err
	}
	err = a.inTx(r.Context(), nil, func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO children (parent_id) VALUES ($1)", in.Parent)
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
	return a.inTransaction(r.Context(), nil, http.StatusCreated, in.Name)
}

func (a *app) isolation(r *http.Request) (int, any, error) {
	in, err := read[struct{ Level string }](r)
	if err != nil {
		return 0, nil, err
	}
	level, err := levelOf(in.Level)
	if err != nil {
		return 0, nil, err
	}
	return a.inTransaction(r.Context(), &sql.TxOptions{Isolation: level}, http.StatusCreated, "isolated")
}

func levelOf(name string) (sql.IsolationLevel, error) {
	for l := sql.LevelDefault; l <= sql.LevelLinearizable; l++ {
		if strings.EqualFold(l.String(), name) {
			return l, nil
		}
	}
	return 0, fmt.Errorf("no isolation level is called %q", name)
}

// inTransaction inserts an item in a transaction.
func (a *app) inTransaction(ctx context.Context, o *sql.TxOptions, status int, name string) (int, any, error) {
	err := a.inTx(ctx, o, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, insertItem, name)
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
	if _, err := a.db.ExecContext(r.Context(), insertItem, in.Name); err != nil {
		return 0, nil, err
	}
	_, err = a.db.ExecContext(r.Context(), "SELECT pg_sleep($1)", time.Duration(in.MS*float64(time.Millisecond)).Seconds())
	return http.StatusCreated, object{"name": in.Name}, err
}
