package reports

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
)

// fill sets all that there is below v to something that was counted: a counter
// that is added is in this test by itself.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch list := v.Addr().Interface().(type) {
	case *histogram:
		for range 1 + rand.IntN(4) {
			list.add(uint16(rand.IntN(5)), 1+rand.Int64N(9))
		}
		return
	case *stages:
		for range 1 + rand.IntN(4) {
			fill(t, reflect.ValueOf(list.of([]string{"shadow", "ramp", "verify"}[rand.IntN(3)])).Elem())
		}
		return
	case **sparkRing:
		return // not of what is counted since
	case *statuses:
		for range 1 + rand.IntN(4) {
			list.add(200+rand.IntN(3), 200+rand.IntN(3), 1+rand.Int64N(9))
		}
		return
	}
	switch v.Kind() {
	case reflect.Int64:
		v.SetInt(1 + rand.Int64N(1000))
	case reflect.String:
		if v.String() != "" {
			return // what was counted, not how often
		}
		v.SetString([]string{"budget", "timeout", "other"}[rand.IntN(3)])
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + rand.IntN(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key)
			fill(t, value)
			v.SetMapIndex(key, value)
		}
	default:
		t.Fatalf("counters have a %s; say here how it is filled, and in minus what becomes of it", v.Type())
	}
}

// What is merged and taken away again has never been there: each counter is in
// merge and in minus, or in neither.
func TestMinusIsTheInverseOfMerge(t *testing.T) {
	for range 200 {
		var before, since counts
		fill(t, reflect.ValueOf(&before).Elem())
		fill(t, reflect.ValueOf(&since).Elem())
		since.Stage, since.StageAt = "verify", before.StageAt+1
		copied := func(c *counts) *counts {
			d := &counts{}
			if err := json.Unmarshal(c.encode(), d); err != nil {
				t.Fatal(err)
			}
			return d
		}
		sum := copied(&before)
		sum.merge(copied(&since))
		sum.minus(&before)
		if got, want := string(sum.encode()), string(since.encode()); got != want {
			t.Fatalf("(a + b) - a is\n%s, want\n%s", got, want)
		}
		if sum.nothing() {
			t.Fatal("something was counted")
		}
		sum.minus(copied(&since))
		if !sum.nothing() {
			t.Fatalf("what is left of nothing: %s", sum.encode())
		}
	}
}
