package shop

import (
	"context"
	"net/http"
	"time"

	"github.com/quackproxy/quack/txshadow"
)

// effects creates an item, and does what the transaction can not take back.
func (s *shop) effects(r *http.Request) (int, any, error) {
	in, err := Read[Named](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	if err := s.db.Isolated(ctx, "", in.Name); err != nil {
		return 0, nil, err
	}
	if err := txshadow.SendMail(ctx, "order.placed", s.mailhost.addr, nil, "shop@example.com", []string{"buyer@example.com"}, []byte("thanks\r\n")); err != nil {
		return 0, nil, err
	}
	if !txshadow.Record(ctx, "job", "ChargeJob") {
		go s.jobs.Add(1)
	}
	if !txshadow.Record(ctx, "callback", "") {
		s.callbacks.Add(1)
	}
	return http.StatusAccepted, Object{}, s.callThird(ctx)
}

func (s *shop) callThird(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.effectURL, nil)
	if err != nil {
		return err
	}
	resp, err := s.third.Do(r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (s *shop) ran(*http.Request) (int, any, error) {
	return http.StatusOK, Object{"mail": s.mailhost.received.Load(), "job": s.jobs.Load(), "callback": s.callbacks.Load()}, nil
}
