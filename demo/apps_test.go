package demo

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/quackproxy/quack/demo/accounts"
	"github.com/quackproxy/quack/demo/shop"
	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(holding); dir != "" {
		hold(dir)
	}
	goleak.VerifyTestMain(m)
}

const testSecret = "0123456789abcdef-of-a-test"

// shopDatabase is a database as the demo makes it, for this test alone.
func shopDatabase(t *testing.T) database {
	t.Helper()
	dsn := pgtest.NewDatabase(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	if err := txshadow.Install(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	return database{admin: dsn, application: dsn}
}

func appForTest(t *testing.T, make newApp, db database) *app {
	t.Helper()
	a, err := startApp(t.Context(), make, db.application, testSecret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.stop(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return a
}

// both are what each of the two applications is asked, in this order, and what
// it answers. Fee, tags and the like are where they differ: demo/README.md.
var both = []struct {
	method, path, body string
	shop, accounts     string // status, Location if any, body; accounts "" is the same
}{
	{"GET", "/api/accounts?after=22", "",
		`200 {"items":[{"email":"customer23@example.com","id":23,"name":"Tony 23"},{"email":"customer24@example.com","id":24,"name":"Alan 24"}]}`,
		`200 {"items":[{"id":23,"email":"customer23@example.com","name":"Tony 23"},{"id":24,"email":"customer24@example.com","name":"Alan 24"}]}`},
	{"GET", "/api/accounts?after=99", "", `200 {"items":[]}`, ""},
	{"POST", "/api/accounts/search", `{"q":"ada"}`, `200 {"items":[{"email":"customer6@example.com","id":6,"name":"Ada 6"},{"email":"customer12@example.com","id":12,"name":"Ada 12"}]}`,
		`200 {"items":[{"id":6,"email":"customer6@example.com","name":"Ada 6"},{"id":12,"email":"customer12@example.com","name":"Ada 12"}]}`},
	{"POST", "/api/accounts/search", `{"q":`, `400 {"error":"the body is not JSON of the right shape"}`, ""},
	{"GET", "/api/accounts/1", "", `200 {"created_at":TIME,"email":"customer1@example.com","id":1,"name":"Barbara 1","tags":["vip","early","newsletter"],"updated_at":TIME,"version":1}`,
		`200 {"id":1,"email":"customer1@example.com","name":"Barbara 1","tags":["early","newsletter","vip"],"version":1,"created_at":TIME,"updated_at":TIME}`},
	{"GET", "/api/accounts/99", "", `404 {"error":"not found"}`, ""},
	{"GET", "/api/accounts/me", "", `404 {"error":"not found"}`, ""},
	{"GET", "/api/accounts/2/profile", "", `200 {"name":"Edsger 2","nickname":"duck2"}`, ""},
	{"GET", "/api/accounts/1/profile", "", `200 {"name":"Barbara 1","nickname":null}`, `200 {"name":"Barbara 1"}`},
	{"GET", "/api/accounts/1/statement", "", `200 {"account_id":1,"balance":707.80,"entries":40,"fee":10.62,"total":707.80}`,
		`200 {"account_id":1,"balance":707.80,"entries":40,"total":707.80,"fee":10.61}`},
	{"GET", "/api/accounts/99/statement", "", `404 {"error":"not found"}`, ""},
	{"PATCH", "/api/accounts/3", `{"name":"Grace"}`, `200 {"created_at":TIME,"email":"customer3@example.com","id":3,"name":"Grace","tags":["early","vip"],"updated_at":TIME,"version":2}`,
		`200 {"id":3,"email":"customer3@example.com","name":"Grace","tags":["early","vip"],"version":2,"created_at":TIME,"updated_at":TIME}`},
	{"PATCH", "/api/accounts/99", `{"name":"Grace"}`, `404 {"error":"not found"}`, ""},
	{"POST", "/api/accounts", `{"email":"a@example.com","name":"A","tags":["b","a"]}`,
		`201 /api/accounts/25 {"created_at":TIME,"email":"a@example.com","id":25,"name":"A","tags":["b","a"],"updated_at":TIME,"version":1}`,
		`201 /api/accounts/25 {"id":25,"email":"a@example.com","name":"A","tags":["a","b"],"version":1,"created_at":TIME,"updated_at":TIME}`},
	{"POST", "/api/accounts", `{"email":"a@example.com","name":"A"}`, `409 {"error":"the email is taken"}`, ""},
	{"POST", "/api/accounts", `{"email":"nobody"}`, `400 {"error":"the email is not valid"}`, `422 {"error":"the email is not valid"}`},
	{"POST", "/api/accounts/3/deposits", `{"amount":1250,"note":"first"}`, `201 {"balance":729.10,"created_at":TIME,"id":961}`,
		`201 {"id":961,"balance":729.10,"created_at":TIME}`},
	{"POST", "/api/accounts/3/deposits", `{"amount":-1}`, `422 {"error":"the amount is not positive"}`, ""},
	{"POST", "/api/accounts/99/deposits", `{"amount":1}`, `404 {"error":"not found"}`, ""},
	{"GET", "/up", "", `204`, ""},
}

// shopOnly is what the shop alone is asked.
var shopOnly = []struct{ method, path, body, want string }{
	{"GET", "/products", "", `200 {"items":[{"id":1,"name":"Rubber duck","price":4.95},{"id":2,"name":"Pond","price":1299.00},{"id":3,"name":"Bread (not for ducks)","price":3.20},{"id":4,"name":"Umbrella","price":18.50}]}`},
	{"GET", "/products/1", "", `200 {"id":1,"name":"Rubber duck","price":4.95}`},
	{"GET", "/products/9", "", `404 {"error":"not found"}`},
	{"POST", "/orders", `{"account_id":1,"product_id":1,"quantity":3}`, `201 {"id":1,"total":14.85}`},
	{"POST", "/orders", `{"account_id":1,"product_id":9,"quantity":3}`, `404 {"error":"not found"}`},
	{"POST", "/orders", `{"account_id":1,"product_id":1,"quantity":0}`, `422 {"error":"the quantity is not positive"}`},
}

func TestShop(t *testing.T) {
	db := shopDatabase(t)
	before := counted(t, db)
	a := appForTest(t, shop.New, db)
	for _, c := range both {
		ask(t, a, c.method, c.path, c.body, c.shop)
	}
	for _, c := range shopOnly {
		ask(t, a, c.method, c.path, c.body, c.want)
	}
	if got := request(t, a, "GET", "/", "", nil); !strings.Contains(got, `<li><a href="/products/1">Rubber duck</a></li>`) {
		t.Errorf("GET / = %s: no link to a product", got)
	}
	want := before.plus(stock{Accounts: 1, Tags: 2, Entries: 1, Orders: 1, Audits: 3, Cents: 1250, Versions: 2})
	if got := counted(t, db); got != want {
		t.Errorf("the database has %+v, want %+v", got, want)
	}
}

func TestAccounts(t *testing.T) {
	db := shopDatabase(t)
	before := counted(t, db)
	a := appForTest(t, accounts.New, db)
	for _, c := range both {
		if c.accounts == "" {
			c.accounts = c.shop
		}
		ask(t, a, c.method, c.path, c.body, c.accounts)
	}
	want := before.plus(stock{Accounts: 1, Tags: 2, Entries: 1, Audits: 2, Cents: 1250, Versions: 2})
	if got := counted(t, db); got != want {
		t.Errorf("the database has %+v, want %+v: only the audit row of the deposit is forgotten", got, want)
	}
}

func TestBothAnswerTheSameActivity(t *testing.T) {
	db := shopDatabase(t)
	legacy := request(t, appForTest(t, shop.New, db), "GET", "/api/accounts/1/activity", "", nil)
	if n := strings.Count(legacy, `"note":"deposit"`); n != 40 {
		t.Fatalf("the shop answers %d entries, want 40: %s", n, legacy)
	}
	first := `"id":%d`
	for _, id := range []int{1, 40} {
		if !strings.Contains(legacy, fmt.Sprintf(first, id)) {
			t.Errorf("the shop's answer is without entry %d: %s", id, legacy)
		}
	}
	sorted := regexp.MustCompile(`\{"amount":([\d.]+),"created_at":("[^"]+"),"id":(\d+),"note":("[^"]+")\}`)
	want := sorted.ReplaceAllString(legacy, `{"id":$3,"amount":$1,"note":$4,"created_at":$2}`)
	if got := request(t, appForTest(t, accounts.New, db), "GET", "/api/accounts/1/activity", "", nil); got != want {
		t.Errorf("the new service answers\n%s\nwant, as the shop does,\n%s", got, want)
	}
}

func counted(t *testing.T, db database) stock {
	t.Helper()
	s, err := db.count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var times = regexp.MustCompile(`"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`)

func ask(t *testing.T, a *app, method, path, body, want string) {
	t.Helper()
	got := times.ReplaceAllString(request(t, a, method, path, body, nil), "TIME")
	if got != want {
		t.Errorf("%s %s %s\n got  %s\n want %s", method, path, body, got, want)
	}
}

// request is an answer in one line: status, Location, body.
func request(t *testing.T, a *app, method, path, body string, header http.Header) string {
	t.Helper()
	resp := send(t, a, method, path, body, header)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprint(resp.StatusCode)
	for _, part := range []string{resp.Header.Get("Location"), strings.TrimSpace(string(b))} {
		if part != "" {
			line += " " + part
		}
	}
	return line
}

func send(t *testing.T, a *app, method, path, body string, header http.Header) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
