package shop

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

const pageSize = 10

// list is GET /api/accounts?after=ID: a page of accounts by id.
func (s *shop) list(w http.ResponseWriter, r *http.Request) error {
	after, err := strconv.ParseInt(r.FormValue("after"), 10, 64)
	if err != nil {
		after = 0
	}
	return s.accounts(w, r, "SELECT id, email, name FROM accounts WHERE id > $1 ORDER BY id LIMIT $2", after, pageSize)
}

// search is POST /api/accounts/search {"q": "start of a name"}.
func (s *shop) search(w http.ResponseWriter, r *http.Request) error {
	var q struct{ Q string }
	if err := readJSON(r, &q); err != nil {
		return err
	}
	return s.accounts(w, r, "SELECT id, email, name FROM accounts WHERE starts_with(lower(name), lower($1)) ORDER BY id LIMIT $2", q.Q, pageSize)
}

func (s *shop) accounts(w http.ResponseWriter, r *http.Request, sql string, args ...any) error {
	rows, err := s.db.Query(r.Context(), sql, args...)
	if err != nil {
		return err
	}
	items, err := pgx.CollectRows(rows, pgx.RowToMap)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"items": items})
	return nil
}

// show is GET /api/accounts/{id}.
func (s *shop) show(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	account, err := s.account(r.Context(), id)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, account)
	return nil
}

// account is an account as show, create and update answer it; its tags are in
// the order that the staff gave them.
func (s *shop) account(ctx context.Context, id int64) (map[string]any, error) {
	var email, name string
	var version int
	var created, updated time.Time
	var tags []string
	err := s.db.QueryRow(ctx, `SELECT email, name, version, created_at, updated_at,
		ARRAY(SELECT tag FROM account_tags WHERE account_id = id ORDER BY position) FROM accounts WHERE id = $1`, id).
		Scan(&email, &name, &version, &created, &updated, &tags)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"id": id, "email": email, "name": name, "version": version, "tags": tags,
		"created_at": created.UTC(), "updated_at": updated.UTC(),
	}, nil
}

// profile is GET /api/accounts/{id}/profile; who has no nickname has a null one.
func (s *shop) profile(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	var name string
	var nickname *string
	if err := s.db.QueryRow(r.Context(), "SELECT name, nickname FROM accounts WHERE id = $1", id).Scan(&name, &nickname); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"name": name, "nickname": nickname})
	return nil
}
