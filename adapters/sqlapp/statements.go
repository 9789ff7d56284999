package main

import (
	"context"
	"database/sql"

	"github.com/quackproxy/quack/adapters/internal/shop"
)

// storage is the shop's database, by the pool of package database/sql.
type storage struct{ db *sql.DB }

func (s storage) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.db.ExecContext(ctx, query, args...)
	return err
}

func (s storage) Row(ctx context.Context, query string, args ...any) shop.Row {
	return s.db.QueryRowContext(ctx, query, args...)
}

func (s storage) Item(ctx context.Context, query string, args ...any) (shop.Item, error) {
	return itemOf(s.db.QueryRowContext(ctx, query, args...))
}

func itemOf(row *sql.Row) (it shop.Item, err error) {
	err = row.Scan(&it.ID, &it.Name, &it.Qty)
	return it, err
}

func (s storage) Names(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := []string{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// Send sends by the simple protocol, or prepared, which is the extended one with
// each driver.
func (s storage) Send(ctx context.Context, p shop.Protocol, statements []string) (told []error, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	send := prepared
	if p == shop.Simple {
		send = simple
	}
	for _, statement := range statements {
		told = append(told, send(ctx, conn, statement))
	}
	return told, nil
}

func simple(ctx context.Context, conn *sql.Conn, statement string) error {
	_, err := conn.ExecContext(ctx, statement)
	return err
}

func prepared(ctx context.Context, conn *sql.Conn, statement string) error {
	st, err := conn.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer st.Close()
	_, err = st.ExecContext(ctx)
	return err
}

func (s storage) Beside(ctx context.Context, name string) (seen bool, err error) {
	one, err := s.db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer one.Close()
	other, err := s.db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer other.Close()
	if _, err := itemOf(one.QueryRowContext(ctx, shop.InsertItem, name)); err != nil {
		return false, err
	}
	err = other.QueryRowContext(ctx, shop.HasItem, name).Scan(&seen)
	return seen, err
}
