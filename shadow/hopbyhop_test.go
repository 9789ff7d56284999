package shadow

import (
	"net/http"
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/upstream"
)

// TestRulesKnowWhatIsTakenOff holds that a rule for a field is refused exactly
// when the field is taken off before answers are compared.
func TestRulesKnowWhatIsTakenOff(t *testing.T) {
	for _, name := range []string{
		"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
		"Via", "Date", "Location", "Content-Length", "WWW-Authenticate", "Allow", "Proxy-Status", "Alt-Svc", "Server",
	} {
		h := http.Header{}
		h.Set(name, "x")
		upstream.RemoveHopByHop(h)
		_, errs := compare.Compile([]compare.Rule{{Path: "header:" + name, Ignore: true}})
		if takenOff := len(h) == 0; takenOff != (errs != nil) {
			t.Errorf("%s: taken off is %v, the rule says %v", name, takenOff, errs)
		}
	}
}
