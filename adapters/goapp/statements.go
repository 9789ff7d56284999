package main

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/adapters/internal/shop"
)

func (s *storage) Exec(ctx context.Context, sql string, args ...any) error {
	_, err := s.db.Exec(ctx, sql, args...)
	return err
}

func (s *storage) Row(ctx context.Context, sql string, args ...any) shop.Row {
	return s.db.QueryRow(ctx, sql, args...)
}

func (s *storage) Item(ctx context.Context, sql string, args ...any) (shop.Item, error) {
	rows, _ := s.db.Query(ctx, sql, args...)
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[shop.Item])
}

func (s *storage) Names(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, _ := s.db.Query(ctx, sql, args...)
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (s *storage) Send(ctx context.Context, p shop.Protocol, statements []string) (told []error, err error) {
	conn, release, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	mode := pgx.QueryExecModeExec
	if p == shop.Simple {
		mode = pgx.QueryExecModeSimpleProtocol
	}
	for _, statement := range statements {
		rows, err := conn.Query(ctx, statement, mode)
		rows.Close()
		if err == nil {
			err = rows.Err()
		}
		told = append(told, err)
	}
	return told, nil
}

func (s *storage) Beside(ctx context.Context, name string) (seen bool, err error) {
	one, release, err := s.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	other, release, err := s.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	rows, _ := one.Query(ctx, shop.InsertItem, name)
	if _, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[shop.Item]); err != nil {
		return false, err
	}
	rows, _ = other.Query(ctx, shop.HasItem, name)
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
}
