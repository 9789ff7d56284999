package main

import "testing"

func TestReadPgbench(t *testing.T) {
	const out = "transaction type: <builtin: select only>\nnumber of transactions actually processed: 4500\nlatency average = 0.4 ms\ntps = 2251.5 (without initial connection time)\n"
	if rate, n, err := readPgbench([]byte(out)); rate != 2251.5 || n != 4500 || err != nil {
		t.Error(rate, n, err)
	}
	const bounded = "number of transactions actually processed: 10/10\ntps = 5 (x)\n"
	if rate, n, err := readPgbench([]byte(bounded)); rate != 5 || n != 10 || err != nil {
		t.Error(rate, n, err)
	}
	if _, _, err := readPgbench([]byte("pgbench: error\n")); err == nil {
		t.Error("no rate is taken for one")
	}
}

func TestWireBudget(t *testing.T) {
	all := wireTurns{{Contender: wireQuack, PerSecond: 90}, {Contender: wireBouncer, PerSecond: 100}}
	if b := all.budget("simple"); b.Got != "0.90" || b.Verdict != met {
		t.Error(b)
	}
	if b := all[:1].budget("simple"); b.Verdict != notMeasured {
		t.Error(b)
	}
}
