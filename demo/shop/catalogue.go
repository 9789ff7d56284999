package shop

import (
	"html/template"
	"net/http"

	"github.com/jackc/pgx/v5"
)

// product is a row of the catalogue; Price is in cents.
type product struct {
	ID    int64
	Name  string
	Price int64
}

func (p product) shown() map[string]any {
	return map[string]any{"id": p.ID, "name": p.Name, "price": money(p.Price)}
}

var homePage = template.Must(template.New("home").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The duck shop</title>
<h1>The duck shop</h1>
<ul>
{{- range .}}
<li><a href="/products/{{.ID}}">{{.Name}}</a></li>
{{- end}}
</ul>
</html>
`))

func (s *shop) catalogue(r *http.Request) ([]product, error) {
	rows, err := s.db.Query(r.Context(), "SELECT id, name, price FROM products ORDER BY id")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[product])
}

// home is GET /: the shop's page.
func (s *shop) home(w http.ResponseWriter, r *http.Request) error {
	all, err := s.catalogue(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	return homePage.Execute(w, all)
}

// products is GET /products.
func (s *shop) products(w http.ResponseWriter, r *http.Request) error {
	all, err := s.catalogue(r)
	if err != nil {
		return err
	}
	items := []map[string]any{}
	for _, p := range all {
		items = append(items, p.shown())
	}
	writeJSON(w, http.StatusOK, map[string]any{"items": items})
	return nil
}

// product is GET /products/{id}.
func (s *shop) product(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	p := product{ID: id}
	if err := s.db.QueryRow(r.Context(), "SELECT name, price FROM products WHERE id = $1", id).Scan(&p.Name, &p.Price); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, p.shown())
	return nil
}

// order is POST /orders {"account_id", "product_id", "quantity"}.
func (s *shop) order(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		AccountID int64 `json:"account_id"`
		ProductID int64 `json:"product_id"`
		Quantity  int64 `json:"quantity"`
	}
	if err := readJSON(r, &in); err != nil {
		return err
	}
	if in.Quantity <= 0 {
		return problem{http.StatusUnprocessableEntity, "the quantity is not positive"}
	}
	var id, total int64
	err := s.db.QueryRow(r.Context(), `INSERT INTO orders (account_id, product_id, quantity, total)
		SELECT a.id, p.id, $3::integer, p.price * $3::integer FROM accounts a, products p WHERE a.id = $1 AND p.id = $2 RETURNING id, total`,
		in.AccountID, in.ProductID, in.Quantity).Scan(&id, &total)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, map[string]any{"id": id, "total": money(total)})
	return nil
}
