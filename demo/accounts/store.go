package accounts

import (
	"context"
	"errors"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// store reads and writes accounts.
type store struct{ db database }

func (s store) items(ctx context.Context, where string, arg any) ([]item, error) {
	rows, err := s.db.Query(ctx, "SELECT id, email, name FROM accounts WHERE "+where+" ORDER BY id LIMIT 10", arg)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[item])
}

// after is the page of accounts that follows an id.
func (s store) after(ctx context.Context, id int64) ([]item, error) {
	return s.items(ctx, "id > $1", id)
}

// named are the accounts whose name starts with q, in whatever case.
func (s store) named(ctx context.Context, q string) ([]item, error) {
	return s.items(ctx, "starts_with(lower(name), lower($1))", q)
}

// one is an account. Its tags are in alphabetical order, where the shop keeps
// the order that they were given.
func (s store) one(ctx context.Context, id int64) (account, error) {
	a := account{ID: id}
	err := s.db.QueryRow(ctx, `SELECT email, name, version, created_at, updated_at,
		ARRAY(SELECT tag FROM account_tags WHERE account_id = id ORDER BY tag) FROM accounts WHERE id = $1`, id).
		Scan(&a.Email, &a.Name, &a.Version, &a.Created, &a.Updated, &a.Tags)
	a.Created, a.Updated = a.Created.UTC(), a.Updated.UTC()
	return a, err
}

type profile struct {
	Name     string  `json:"name"`
	Nickname *string `json:"nickname,omitempty"`
}

func (s store) profile(ctx context.Context, id int64) (p profile, err error) {
	err = s.db.QueryRow(ctx, "SELECT name, nickname FROM accounts WHERE id = $1", id).Scan(&p.Name, &p.Nickname)
	return p, err
}

// insert makes an account and returns its id.
func (s store) insert(ctx context.Context, in newAccount) (id int64, err error) {
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `INSERT INTO accounts (email, name, nickname, created_at, updated_at)
			VALUES ($1, $2, $3, now(), now()) RETURNING id`, in.Email, in.Name, in.Nickname).Scan(&id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO account_tags (account_id, position, tag)
			SELECT $1, t.position, t.tag FROM unnest($2::text[]) WITH ORDINALITY AS t (tag, position)`, id, in.Tags); err != nil {
			return err
		}
		return audit(ctx, tx, id, "create")
	})
	if pgErr, is := errors.AsType[*pgconn.PgError](err); is && pgErr.Code == "23505" { // unique_violation
		return 0, failure{http.StatusConflict, "the email is taken"}
	}
	return id, err
}

// rename gives an account another name.
func (s store) rename(ctx context.Context, id int64, name string) error {
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "UPDATE accounts SET name = $2, version = version + 1, updated_at = now() WHERE id = $1", id, name)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errNotFound
		}
		return audit(ctx, tx, id, "update")
	})
}

func audit(ctx context.Context, tx pgx.Tx, id int64, action string) error {
	_, err := tx.Exec(ctx, "INSERT INTO audit_log (account_id, action) VALUES ($1, $2)", id, action)
	return err
}
