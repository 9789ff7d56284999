package shop

import (
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

// statement is GET /api/accounts/{id}/statement. The fee is 1.5 % of the
// total, rounded half up to the cent.
func (s *shop) statement(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	var count, balance, total int64
	err = s.db.QueryRow(r.Context(), `SELECT a.balance, count(e.id), coalesce(sum(e.amount), 0)
		FROM accounts a LEFT JOIN entries e ON e.account_id = a.id WHERE a.id = $1 GROUP BY a.id`, id).
		Scan(&balance, &count, &total)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"account_id": id, "entries": count, "balance": money(balance), "total": money(total),
		"fee": money((total*15 + 500) / 1000),
	})
	return nil
}

// activity is GET /api/accounts/{id}/activity: the latest entries.
func (s *shop) activity(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	rows, err := s.db.Query(r.Context(), "SELECT id, amount, note, created_at FROM entries WHERE account_id = $1 ORDER BY id LIMIT 40", id)
	if err != nil {
		return err
	}
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (map[string]any, error) {
		var entry, amount int64
		var note string
		var at time.Time
		err := row.Scan(&entry, &amount, &note, &at)
		return map[string]any{"id": entry, "amount": money(amount), "note": note, "created_at": at.UTC()}, err
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"entries": entries})
	return nil
}

// deposit is POST /api/accounts/{id}/deposits {"amount": cents, "note": "…"}.
func (s *shop) deposit(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	var in struct {
		Amount int64
		Note   string
	}
	if err := readJSON(r, &in); err != nil {
		return err
	}
	if in.Amount <= 0 {
		return problem{http.StatusUnprocessableEntity, "the amount is not positive"}
	}
	ctx := r.Context()
	var entry, balance int64
	var created time.Time
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "UPDATE accounts SET balance = balance + $2 WHERE id = $1 RETURNING balance", id, in.Amount).Scan(&balance); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "INSERT INTO entries (account_id, amount, note, created_at) VALUES ($1, $2, $3, $4) RETURNING id, created_at",
			id, in.Amount, in.Note, time.Now()).Scan(&entry, &created); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO audit_log (account_id, action) VALUES ($1, 'deposit')", id)
		return err
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, map[string]any{"id": entry, "balance": money(balance), "created_at": created.UTC()})
	return nil
}
