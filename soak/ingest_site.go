package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// playDucks is a backend that answers quickly; new is wrong in one of twenty.
func playDucks() int {
	fill := strings.Repeat("x", 900)
	wrong := os.Getenv("SOAK_SIDE") == "new"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /up", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /ducks/{route}/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		price := 10
		if wrong && differs(id) {
			price = 11
		}
		var body bytes.Buffer
		fmt.Fprintf(&body, `{"id":%d,"price":%d,"fill":%q}`, id, price, fill)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
		w.Write(body.Bytes())
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Getenv("SOAK_ADDR"), mux))
	return 1
}

// differs reports whether the answers to a request do.
func differs(id int) bool { return id%20 == 7 }
