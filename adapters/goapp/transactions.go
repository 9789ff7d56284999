package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/adapters/internal/shop"
)

func (s *storage) Transfer(ctx context.Context, from, to string, qty int) error {
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, shop.AddTo, qty, to); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, shop.TakeFrom, qty, from)
		return err
	})
}

func (s *storage) Nested(ctx context.Context, outer, inner string) error {
	changedMind := errors.New("rolled back and rescued")
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, shop.InsertItem, outer); err != nil {
			return err
		}
		err := pgx.BeginFunc(ctx, tx, func(nested pgx.Tx) error {
			if _, err := nested.Exec(ctx, shop.InsertItem, inner); err != nil {
				return err
			}
			return changedMind
		})
		if errors.Is(err, changedMind) {
			return nil
		}
		return err
	})
}

func (s *storage) Deferred(ctx context.Context, parent int) error {
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, shop.InsertChild, parent)
		return err
	})
}

func (s *storage) Isolated(ctx context.Context, level, name string) error {
	return pgx.BeginTxFunc(ctx, s.db, pgx.TxOptions{IsoLevel: pgx.TxIsoLevel(level)}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, shop.InsertItem, name)
		return err
	})
}

func (s *storage) Apart(ctx context.Context, a, b string) error {
	one, err := s.db.Begin(ctx)
	if err != nil {
		return err
	}
	defer one.Rollback(context.WithoutCancel(ctx))
	other, err := s.db.Begin(ctx)
	if err != nil {
		return err
	}
	defer other.Rollback(context.WithoutCancel(ctx))
	_, errA := one.Exec(ctx, shop.InsertItem, a)
	_, errB := other.Exec(ctx, shop.InsertItem, b)
	return errors.Join(errA, errB, one.Commit(ctx), other.Commit(ctx))
}
