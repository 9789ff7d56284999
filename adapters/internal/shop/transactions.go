package shop

import (
	"net/http"
	"time"
)

func (s *shop) transfer(r *http.Request) (int, any, error) {
	in, err := Read[struct {
		From, To string
		Qty      int
	}](r)
	if err != nil {
		return 0, nil, err
	}
	err = s.db.Transfer(r.Context(), in.From, in.To, in.Qty)
	if stateOf(err) == checkViolation {
		return http.StatusUnprocessableEntity, Object{"error": "not enough"}, nil
	}
	return http.StatusOK, Object{"moved": in.Qty}, err
}

func (s *shop) nested(r *http.Request) (int, any, error) {
	in, err := Read[struct{ Outer, Inner string }](r)
	if err != nil {
		return 0, nil, err
	}
	if err := s.db.Nested(r.Context(), in.Outer, in.Inner); err != nil {
		return 0, nil, err
	}
	names, err := s.db.Names(r.Context(), "SELECT name FROM items WHERE name IN ($1, $2) ORDER BY name", in.Outer, in.Inner)
	return http.StatusCreated, Object{"names": names}, err
}

// pair is the body of a request for two items.
type pair struct{ A, B string }

func (s *shop) two(r *http.Request) (int, any, error) {
	in, err := Read[pair](r)
	if err != nil {
		return 0, nil, err
	}
	ctx := r.Context()
	if err := s.db.Exec(ctx, InsertItem, in.A); err != nil {
		return 0, nil, err
	}
	err = s.db.Exec(ctx, InsertItem, in.B)
	if stateOf(err) != uniqueViolation {
		return http.StatusCreated, Object{}, err
	}
	var kept bool
	err = s.db.Row(ctx, HasItem, in.A).Scan(&kept)
	return http.StatusConflict, Object{"kept": kept}, err
}

func (s *shop) deferred(r *http.Request) (int, any, error) {
	in, err := Read[struct{ Parent int }](r)
	if err != nil {
		return 0, nil, err
	}
	err = s.db.Deferred(r.Context(), in.Parent)
	if stateOf(err) == noParent {
		return http.StatusConflict, Object{"error": noParent}, nil
	}
	return http.StatusCreated, Object{}, err
}

func (s *shop) durable(r *http.Request) (int, any, error) {
	in, err := Read[Named](r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, Object{"name": in.Name}, s.db.Isolated(r.Context(), "", in.Name)
}

func (s *shop) isolation(r *http.Request) (int, any, error) {
	in, err := Read[struct{ Level string }](r)
	if err != nil {
		return 0, nil, err
	}
	const name = "isolated"
	return http.StatusCreated, Object{"name": name}, s.db.Isolated(r.Context(), in.Level, name)
}

func (s *shop) slow(r *http.Request) (int, any, error) {
	in, err := Read[struct {
		MS   float64
		Name string
	}](r)
	if err != nil {
		return 0, nil, err
	}
	if err := s.db.Exec(r.Context(), InsertItem, in.Name); err != nil {
		return 0, nil, err
	}
	err = s.db.Exec(r.Context(), "SELECT pg_sleep($1)", time.Duration(in.MS*float64(time.Millisecond)).Seconds())
	return http.StatusCreated, Object{"name": in.Name}, err
}

func (s *shop) beside(r *http.Request) (int, any, error) {
	in, err := Read[Named](r)
	if err != nil {
		return 0, nil, err
	}
	seen, err := s.db.Beside(r.Context(), in.Name)
	return http.StatusCreated, Object{"seen": seen}, err
}

func (s *shop) apart(r *http.Request) (int, any, error) {
	in, err := Read[pair](r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, Object{}, s.db.Apart(r.Context(), in.A, in.B)
}
