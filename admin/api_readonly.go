package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/quackproxy/quack/readonly"
)

// getReadonly says how the gate stands; with ?wait=30s once no write is under
// way any more.
func (s *server) getReadonly(w http.ResponseWriter, r *http.Request) {
	wait, err := waitOf(r)
	if err == nil && wait > 0 {
		err = s.waitDrained(r, wait)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, s.readonly())
}

// waitOf reads the query of getReadonly strictly; 0 without one.
func waitOf(r *http.Request) (time.Duration, error) {
	if _, err := filter(r, "wait"); err != nil {
		return 0, err
	}
	text := r.URL.Query().Get("wait")
	if text == "" {
		return 0, nil
	}
	wait, err := length("wait", text)
	if err == nil {
		err = checkWait(wait)
	}
	if err != nil {
		return 0, badRequest(err.Error())
	}
	return wait, nil
}

func (s *server) postReadonly(w http.ResponseWriter, r *http.Request) {
	var body readonlyChange
	var is ReadonlyStatus
	err := decode(r, &body)
	if err == nil {
		is, err = s.changeReadonly(r, body)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, is)
}

// changeReadonly closes or opens the gate, waits as long as asked, and returns
// the state that it made, whoever changes it next.
func (s *server) changeReadonly(r *http.Request, body readonlyChange) (ReadonlyStatus, error) {
	c, err := body.change()
	if err != nil {
		return ReadonlyStatus{}, badRequest(err.Error())
	}
	var made readonly.State
	by := callerOf(r).by
	if c.On {
		ctx, release := s.servers.untilShutdown(r.Context())
		defer release()
		made, err = s.control.Freeze(ctx, by, c.Why, c.For)
	} else {
		made, err = s.control.Thaw(r.Context(), by, c.Why)
	}
	if err == nil && c.Wait > 0 {
		err = s.waitDrained(r, c.Wait)
	}
	return ReadonlyStatus{State: made, UnderWay: s.gate.UnderWay()}, err
}

// waitDrained waits until no write is under way.
func (s *server) waitDrained(r *http.Request, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	ctx, release := s.servers.untilShutdown(ctx)
	defer release()
	err := s.gate.Drained(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, readonly.ErrOpen):
		return &problemError{status: http.StatusConflict, kind: "gate-open", title: "The gate is open", detail: "Writes are let through, so there is no end of them to wait for. If it was closed before, someone opened it: quack audit says who.\nClose it with quack readonly on --wait 30s --why TEXT."}
	}
	n := s.gate.UnderWay()
	return &problemError{
		status: http.StatusGatewayTimeout, kind: "not-drained", title: "Writes are still under way",
		detail: fmt.Sprintf("The gate is closed and stays closed: no new write is let through. %d that had begun before have not ended after %s.\nGo on waiting with quack readonly status --wait 30s, which changes nothing, or open the gate with quack readonly off --why TEXT.", n, wait),
		extra:  map[string]any{"under_way": n, "read_only": true},
	}
}
