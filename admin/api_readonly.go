package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/quackproxy/quack/readonly"
)

func (s *server) getReadonly(w http.ResponseWriter, r *http.Request) { s.answer(w, r, s.readonly()) }

func (s *server) postReadonly(w http.ResponseWriter, r *http.Request) {
	var body readonlyChange
	err := decode(r, &body)
	if err == nil {
		err = s.changeReadonly(r, body)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, s.readonly())
}

// changeReadonly closes or opens the gate and waits as long as asked.
func (s *server) changeReadonly(r *http.Request, body readonlyChange) error {
	c, err := body.change()
	if err != nil {
		return badRequest(err.Error())
	}
	by := callerOf(r).by
	if !c.On {
		_, err := s.control.Thaw(r.Context(), by, c.Why)
		return err
	}
	if _, err := s.control.Freeze(r.Context(), by, c.Why, c.For); err != nil || c.Wait == 0 {
		return err
	}
	return s.waitDrained(r, c.Wait)
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
		return &problemError{status: http.StatusConflict, kind: "gate-opened", title: "The gate was opened meanwhile", detail: "Someone else opened it while this call waited for the writes under way. The audit says who."}
	}
	n := s.gate.UnderWay()
	return &problemError{
		status: http.StatusGatewayTimeout, kind: "not-drained", title: "Writes are still under way",
		detail: fmt.Sprintf("The gate is closed and stays closed: no new write is let through. %d that had begun before have not ended after %s.\nAsk again with --wait to go on waiting, or open the gate with quack readonly off.", n, wait),
		extra:  map[string]any{"under_way": n, "read_only": true},
	}
}
