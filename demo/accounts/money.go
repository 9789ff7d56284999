package accounts

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

// amount is money in cents, shown as a decimal number.
type amount int64

// MarshalJSON writes 1234 as 12.34.
func (a amount) MarshalJSON() ([]byte, error) {
	sign := ""
	if a < 0 {
		sign, a = "-", -a
	}
	return fmt.Appendf(nil, "%s%d.%02d", sign, a/100, a%100), nil
}

type statement struct {
	AccountID int64  `json:"account_id"`
	Balance   amount `json:"balance"`
	Entries   int64  `json:"entries"`
	Total     amount `json:"total"`
	Fee       amount `json:"fee"`
}

// statement cuts the fee's fraction of a cent off, where the shop rounds it.
func (s *service) statement(r *http.Request) (reply, error) {
	n, err := id(r)
	if err != nil {
		return reply{}, err
	}
	st := statement{AccountID: n}
	err = s.accounts.db.QueryRow(r.Context(), `SELECT balance,
		(SELECT count(*) FROM entries WHERE account_id = accounts.id),
		(SELECT coalesce(sum(amount), 0)::bigint FROM entries WHERE account_id = accounts.id)
		FROM accounts WHERE id = $1`, n).Scan(&st.Balance, &st.Entries, &st.Total)
	if err != nil {
		return reply{}, err
	}
	st.Fee = amount(math.Trunc(float64(st.Total) * 0.015))
	return ok(st)
}

type entry struct {
	ID      int64     `json:"id"`
	Amount  amount    `json:"amount"`
	Note    string    `json:"note"`
	Created time.Time `json:"created_at"`
}

// activity asks for the entries one by one, where the shop asks for all at once.
func (s *service) activity(r *http.Request) (reply, error) {
	n, err := id(r)
	if err != nil {
		return reply{}, err
	}
	ids, err := s.entryIDs(r.Context(), n)
	if err != nil {
		return reply{}, err
	}
	entries := make([]entry, len(ids))
	for i, entryID := range ids {
		e := &entries[i]
		err := s.accounts.db.QueryRow(r.Context(), "SELECT id, amount, note, created_at FROM entries WHERE id = $1", entryID).
			Scan(&e.ID, &e.Amount, &e.Note, &e.Created)
		if err != nil {
			return reply{}, err
		}
		e.Created = e.Created.UTC()
	}
	return ok(struct {
		Entries []entry `json:"entries"`
	}{entries})
}

func (s *service) entryIDs(ctx context.Context, account int64) ([]int64, error) {
	rows, err := s.accounts.db.Query(ctx, "SELECT id FROM entries WHERE account_id = $1 ORDER BY id LIMIT 40", account)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

type receipt struct {
	ID      int64     `json:"id"`
	Balance amount    `json:"balance"`
	Created time.Time `json:"created_at"`
}

// deposit forgets the row in the audit log that the shop writes.
func (s *service) deposit(r *http.Request) (reply, error) {
	n, err := id(r)
	if err != nil {
		return reply{}, err
	}
	in, err := decode[struct {
		Amount int64  `json:"amount"`
		Note   string `json:"note"`
	}](r)
	if err != nil {
		return reply{}, err
	}
	if in.Amount <= 0 {
		return reply{}, failure{http.StatusUnprocessableEntity, "the amount is not positive"}
	}
	var done receipt
	ctx := r.Context()
	err = pgx.BeginFunc(ctx, s.accounts.db, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "UPDATE accounts SET balance = balance + $2 WHERE id = $1 RETURNING balance", n, in.Amount).
			Scan(&done.Balance); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `INSERT INTO entries (account_id, amount, note, created_at) VALUES ($1, $2, $3, now())
			RETURNING id, created_at`, n, in.Amount, in.Note).Scan(&done.ID, &done.Created)
	})
	if err != nil {
		return reply{}, err
	}
	done.Created = done.Created.UTC()
	return reply{Status: http.StatusCreated, Body: done}, nil
}
