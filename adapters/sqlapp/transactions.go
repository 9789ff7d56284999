package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/quackproxy/quack/adapters/internal/shop"
)

// inTx runs f in a transaction, as most applications write it. Statements of a
// transaction need no context.
func (s storage) inTx(ctx context.Context, o *sql.TxOptions, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s storage) Transfer(ctx context.Context, from, to string, qty int) error {
	return s.inTx(ctx, nil, func(tx *sql.Tx) error {
		if _, err := tx.Exec(shop.AddTo, qty, to); err != nil {
			return err
		}
		_, err := tx.Exec(shop.TakeFrom, qty, from)
		return err
	})
}

// Nested has a savepoint of its own: package database/sql has no other way.
func (s storage) Nested(ctx context.Context, outer, inner string) error {
	return s.inTx(ctx, nil, func(tx *sql.Tx) error {
		if _, err := tx.Exec(shop.InsertItem, outer); err != nil {
			return err
		}
		if _, err := tx.Exec("SAVEPOINT inner_one"); err != nil {
			return err
		}
		if _, err := tx.Exec(shop.InsertItem, inner); err != nil {
			return err
		}
		_, err := tx.Exec("ROLLBACK TO SAVEPOINT inner_one")
		return err
	})
}

func (s storage) Deferred(ctx context.Context, parent int) error {
	return s.inTx(ctx, nil, func(tx *sql.Tx) error {
		_, err := tx.Exec(shop.InsertChild, parent)
		return err
	})
}

func (s storage) Isolated(ctx context.Context, level, name string) error {
	o, err := optionsOf(level)
	if err != nil {
		return err
	}
	return s.inTx(ctx, o, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, shop.InsertItem, name)
		return err
	})
}

func optionsOf(level string) (*sql.TxOptions, error) {
	if level == "" {
		return nil, nil
	}
	for l := sql.LevelDefault; l <= sql.LevelLinearizable; l++ {
		if strings.EqualFold(l.String(), level) {
			return &sql.TxOptions{Isolation: l}, nil
		}
	}
	return nil, fmt.Errorf("no isolation level is called %q", level)
}

func (s storage) Apart(ctx context.Context, a, b string) error {
	one, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer one.Rollback()
	other, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer other.Rollback()
	_, errA := one.ExecContext(ctx, shop.InsertItem, a)
	_, errB := other.ExecContext(ctx, shop.InsertItem, b)
	return errors.Join(errA, errB, one.Commit(), other.Commit())
}
