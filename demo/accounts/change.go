package accounts

import (
	"fmt"
	"net/http"
	"net/mail"
)

type newAccount struct {
	Email    string   `json:"email"`
	Name     string   `json:"name"`
	Nickname *string  `json:"nickname"`
	Tags     []string `json:"tags"`
}

// create refuses a bad address with 422, where the shop answers 400.
func (s *service) create(r *http.Request) (reply, error) {
	in, err := decode[newAccount](r)
	if err != nil {
		return reply{}, err
	}
	if _, err := mail.ParseAddress(in.Email); err != nil {
		return reply{}, failure{http.StatusUnprocessableEntity, "the email is not valid"}
	}
	n, err := s.accounts.insert(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	a, err := s.accounts.one(r.Context(), n)
	if err != nil {
		return reply{}, err
	}
	return reply{Status: http.StatusCreated, Location: fmt.Sprintf("/api/accounts/%d", n), Body: a}, nil
}

func (s *service) update(r *http.Request) (reply, error) {
	n, err := id(r)
	if err != nil {
		return reply{}, err
	}
	in, err := decode[struct {
		Name string `json:"name"`
	}](r)
	if err != nil {
		return reply{}, err
	}
	if err := s.accounts.rename(r.Context(), n, in.Name); err != nil {
		return reply{}, err
	}
	return s.show(r)
}
