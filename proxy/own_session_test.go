package proxy

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNoBackendSeesTheAdminSession: browsers send the cookie of the admin pages
// to the proxy, too, when both are known by one name.
func TestNoBackendSeesTheAdminSession(t *testing.T) {
	for _, route := range []string{named, "  - {name: other, match: /other}"} {
		for _, c := range []struct{ sent, want string }{
			{"quack_session_7070=s", ""},
			{"quack_session=s", ""},
			{"a=b; quack_session_7070=s; c=d", "a=b; c=d"},
			{"quack_session_7070=s; quack_session_7071=s; c=d", "c=d"},
			{"a=quack_session_7070", "a=quack_session_7070"},
			{"quack_session_=x; quack_sessions=y; quack_session_id=z;a", "quack_session_=x; quack_sessions=y; quack_session_id=z;a"},
		} {
			got := make(chan *http.Request, 1)
			w := newWorld(t, route, echoHead(got), nil)
			w.ask("GET", "/", "", "Cookie", c.sent)
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			if d := cmp.Diff(want, (<-got).Header["Cookie"]); d != "" {
				t.Errorf("%s (-want +got):\n%s", c.sent, d)
			}
		}
	}
}

func TestDropOwnSession(t *testing.T) {
	lines := []string{"a=1;quack_session_1=s", "quack_session=s", "b=2"}
	h := http.Header{"Cookie": lines}
	dropOwnSession(h)
	if d := cmp.Diff(http.Header{"Cookie": {"a=1", "b=2"}}, h); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if lines[1] != "quack_session=s" {
		t.Error("the lines themselves were changed")
	}
}
