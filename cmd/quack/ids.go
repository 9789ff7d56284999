package main

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/quackproxy/quack/admin"
)

// idKind is what an id is of: a report names comparisons and differences, each by
// ids of a form of its own.
type idKind struct {
	name string
	form *regexp.Regexp
	says string // what the id looks like
}

var (
	ofComparison = idKind{"a comparison", regexp.MustCompile(`^[0-9A-Z]{26}$`), "26 digits and capitals"}
	ofDifference = idKind{"a difference", regexp.MustCompile(`^[a-z2-7]{16}$`), "16 small letters and digits"}
)

// anotherID adds to the error that nothing is kept by an id what a verb wants an
// id of, where it has not the form of one. Other errors stay as they are.
func anotherID(err error, id string, wanted idKind) error {
	var problem *admin.Problem
	if !errors.As(err, &problem) || problem.Status != http.StatusNotFound || wanted.form.MatchString(id) {
		return err
	}
	for _, kind := range []idKind{ofComparison, ofDifference} {
		if kind.form.MatchString(id) {
			return fmt.Errorf("%q is the id of %s, and this takes that of %s: %s, as `quack report` shows it\n%w", id, kind.name, wanted.name, wanted.says, err)
		}
	}
	return fmt.Errorf("%q is not the id of %s: %s, as `quack report` shows it\n%w", id, wanted.name, wanted.says, err)
}
