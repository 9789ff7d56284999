package shop

import (
	"encoding/json"
	"errors"
	"net/http"
)

// Object is a JSON object.
type Object = map[string]any

// Answering makes a handler of a function that says what to answer: a status
// and what becomes JSON. An error is answered with 500.
func Answering(f func(*http.Request) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, v, err := f(r)
		if err != nil {
			fail(w, err)
			return
		}
		reply(w, status, v)
	}
}

// Read is the request's body.
func Read[T any](r *http.Request) (v T, err error) {
	err = json.NewDecoder(r.Body).Decode(&v)
	return v, err
}

func fail(w http.ResponseWriter, err error) {
	reply(w, http.StatusInternalServerError, Object{"error": err.Error()})
}

// reply answers with v as JSON.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// SQLSTATEs that the shop answers to.
const (
	uniqueViolation = "23505"
	checkViolation  = "23514"
	noParent        = "23503"
)

// stateOf is the SQLSTATE of an error of either driver.
func stateOf(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}
