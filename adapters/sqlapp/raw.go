package main

import (
	"cmp"
	"context"
	"database/sql"
	"net/http"
	"time"

	"github.com/quackproxy/quack/txshadow"
)

// sql sends statements as they are on one connection: by the simple protocol,
// or prepared, which is the extended one with each driver. Errors are caught
// and told.
func (a *app) sql(r *http.Request) (int, any, error) {
	in, err := read[struct {
		Protocol   string
		Statements []string
	}](r)
	if err != nil {
		return 0, nil, err
	}
	conn, err := a.db.Conn(r.Context())
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close()
	send := prepared
	if in.Protocol == "simple" {
		send = simple
	}
	told := make([]*string, 0, len(in.Statements))
	for _, statement := range in.Statements {
		told = append(told, textOf(send(r.Context(), conn, statement)))
	}
	return http.StatusOK, object{"errors": told}, nil
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

func textOf(err error) *string {
	if err == nil {
		return nil
	}
	text := cmp.Or(stateOf(err), err.Error())
	return &text
}

// stream inserts an item and answers in several parts.
func (a *app) stream(w http.ResponseWriter, r *http.Request) {
	in, err := read[named](r)
	if err == nil {
		_, err = a.db.ExecContext(r.Context(), insertItem, in.Name)
	}
	if err != nil {
		reply(w, http.StatusInternalServerError, object{"error": err.Error()})
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	flusher := http.NewResponseController(w)
	for range 5 {
		w.Write([]byte("a part of the answer\n"))
		flusher.Flush()
	}
}

// effects creates an item, and does what the transaction can not take back.
func (a *app) effects(r *http.Request) (int, any, error) {
	in, err := read[named](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	if _, _, err := a.inTransaction(ctx, nil, 0, in.Name); err != nil {
		return 0, nil, err
	}
	if err := txshadow.SendMail(ctx, "order.placed", a.mailhost.addr, nil, "shop@example.com", []string{"buyer@example.com"}, []byte("thanks\r\n")); err != nil {
		return 0, nil, err
	}
	if !txshadow.Record(ctx, "job", "ChargeJob") {
		go a.jobs.Add(1)
	}
	if !txshadow.Record(ctx, "callback", "") {
		a.callbacks.Add(1)
	}
	return http.StatusAccepted, object{}, a.callThird(ctx)
}

func (a *app) callThird(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.effectURL, nil)
	if err != nil {
		return err
	}
	resp, err := a.third.Do(r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (a *app) ran(*http.Request) (int, any, error) {
	return http.StatusOK, object{"mail": a.mailhost.received.Load(), "job": a.jobs.Load(), "callback": a.callbacks.Load()}, nil
}
