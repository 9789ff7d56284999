package compare

import (
	"bytes"
	"math"
	"math/big"
	"testing"
)

// TestIDsByChanceDiffer holds how many digits two ids made by chance differ in:
// the bounds are so low that none is taken for a slip of the pen.
func TestIDsByChanceDiffer(t *testing.T) {
	// The probability that at most k of n digits to a base differ.
	atMost := func(k, n int64, base float64) float64 {
		sum := 0.0
		for i := range k + 1 {
			ways, _ := new(big.Float).SetInt(new(big.Int).Binomial(n, i)).Float64()
			sum += ways * math.Pow(1-1/base, float64(i)) * math.Pow(1/base, float64(n-i))
		}
		return sum
	}
	for _, c := range []struct {
		what    string
		p, most float64
	}{
		{"version 4: 15 of 30 digits", atMost(14, 30, 16), 1e-11},
		{"version 7: 6 of 15 digits", atMost(5, 15, 16), 1e-8},
		{"ULID: 8 of 16 characters", atMost(7, 16, 32), 1e-9},
	} {
		if c.p > c.most {
			t.Errorf("%s: %g, want at most %g", c.what, c.p, c.most)
		}
	}
}

func TestRequestIDNames(t *testing.T) {
	for _, name := range []string{"request_id", "requestId", "RequestID", "request-id", "X-Request-Id", "trace_id", "traceId", "spanId", "correlationId", "traceparent", "trace.id"} {
		if !isRequestIDName([]byte(name)) {
			t.Errorf("%q is no name of a request id", name)
		}
	}
	for _, name := range []string{"", "id", "request", "requestedId", "customer_id", "idempotency_key", "transaction_id", "request_id_of_order", "request id", "requêteid"} {
		if isRequestIDName([]byte(name)) {
			t.Errorf("%q is a name of a request id", name)
		}
	}
}

func FuzzGeneratedIDs(f *testing.F) {
	f.Add([]byte("/a/6f2f7e8c-1b8f-4a53-9d6e-0f3c5a7b9d11/x"), []byte("/a/0b8e1c62-93d4-4f17-8a2b-5c6d7e8f9a0b/x"), []byte("id"))
	f.Add([]byte("01HQ3ZC9W5M8X2K7T4R6V1B0NE"), []byte("01HQ3ZC9W6A1B2C3D4E5F6G7HJ"), []byte("ref"))
	f.Add([]byte("65e5a0d7c0ffee0123456789"), []byte("65e5a0d8deadbeef98765432"), []byte("_id"))
	f.Add([]byte("req-8c1f9a02"), []byte("req-77b0e4d1"), []byte("request_id"))
	f.Fuzz(func(t *testing.T, a, b, name []byte) {
		if bytes.Equal(a, b) {
			return
		}
		var there, back [][2]string
		yes := looksMadeUp(a, b, name, func(l, n []byte) bool { there = append(there, [2]string{string(l), string(n)}); return true })
		if yes != looksMadeUp(b, a, name, func(l, n []byte) bool { back = append(back, [2]string{string(n), string(l)}); return true }) {
			t.Fatalf("%q and %q look made up one way only", a, b)
		}
		if len(there) != len(back) {
			t.Fatalf("%v one way, %v the other", there, back)
		}
		for i := range there {
			if there[i] != back[i] {
				t.Fatalf("%v one way, %v the other", there, back)
			}
			if set := (&idSet{request: &Request{Target: "/x?of=" + there[i][0] + "&a"}}); yes && !set.has([]byte(there[i][0])) {
				t.Fatalf("%q is not found in the request that names it", there[i][0])
			}
		}
		if yes && looksMadeUp(a, b, name, func(_, _ []byte) bool { return false }) {
			t.Fatal("they look made up although each id was refused")
		}
	})
}
