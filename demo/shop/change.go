package shop

import (
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const uniqueViolation = "23505"

// create is POST /api/accounts {"email", "name", "nickname", "tags"}.
func (s *shop) create(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Email, Name string
		Nickname    *string
		Tags        []string
	}
	if err := readJSON(r, &in); err != nil {
		return err
	}
	if _, err := mail.ParseAddress(in.Email); err != nil {
		return problem{http.StatusBadRequest, "the email is not valid"}
	}
	ctx := r.Context()
	var id int64
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "INSERT INTO accounts (email, name, nickname, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) RETURNING id",
			in.Email, in.Name, in.Nickname, time.Now()).Scan(&id); err != nil {
			return err
		}
		for i, tag := range in.Tags {
			if _, err := tx.Exec(ctx, "INSERT INTO account_tags (account_id, position, tag) VALUES ($1, $2, $3)", id, i+1, tag); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "INSERT INTO audit_log (account_id, action) VALUES ($1, 'create')", id)
		return err
	})
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == uniqueViolation {
		return problem{http.StatusConflict, "the email is taken"}
	}
	if err != nil {
		return err
	}
	account, err := s.account(ctx, id)
	if err != nil {
		return err
	}
	w.Header().Set("Location", fmt.Sprintf("/api/accounts/%d", id))
	writeJSON(w, http.StatusCreated, account)
	return nil
}

// update is PATCH /api/accounts/{id} {"name"}.
func (s *shop) update(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	var in struct{ Name string }
	if err := readJSON(r, &in); err != nil {
		return err
	}
	ctx := r.Context()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "UPDATE accounts SET name = $2, version = version + 1, updated_at = $3 WHERE id = $1", id, in.Name, time.Now())
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return notFound
		}
		_, err = tx.Exec(ctx, "INSERT INTO audit_log (account_id, action) VALUES ($1, 'update')", id)
		return err
	})
	if err != nil {
		return err
	}
	account, err := s.account(ctx, id)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, account)
	return nil
}
