# quack — `make help` lists the targets.
GO ?= go
export GOFLAGS ?=

.PHONY: help build demo test check ci rounds setup bench setup-bench bench-compare soak quiet clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/quack
	@$(GO) build -o bin/quack ./cmd/quack

demo: build ## start a monolith, a new service, the proxy before them, and traffic
	@./bin/quack demo

test: setup ## all tests with the race detector
	$(GO) test -race -timeout 20m ./...

check: ## gofmt, vet, staticcheck, the arrows between packages, module files
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test -count=1 ./internal/arch ./internal/sockets
	$(GO) mod tidy -diff
	$(GO) mod verify >/dev/null

rounds: ## in full, and without the race detector, what make test has fewer rounds of: a minute
	$(GO) test -count=1 ./compare ./reports

ci: check test rounds ## what CI runs
	$(GO) build -o bin/quack ./cmd/quack
	./bin/quack check routes.yaml
	./bin/quack demo --once
	$(MAKE) bench SHORT=1
	$(MAKE) soak SHORT=1
	$(MAKE) soak SHORT=1 ONLY=shadow-writes
	$(MAKE) soak SHORT=1 ONLY=ingest

setup: ## install what the tests and the demo need and Go does not bring (Chromium, curl, a C compiler)
	@./scripts/setup

bench: setup-bench ## benchmarks, side by side in one run, about 19 minutes (SHORT=1: half a minute; ARGS="-only p99")
	$(GO) run ./bench $(if $(SHORT),-short) $(ARGS)

bench-compare: ## the comparison against other libraries, large bodies included: about 8 minutes
	$(GO) test ./compare -run '^$$' -bench Libraries -libraries -v -timeout 30m

setup-bench:
	@./scripts/setup-bench

soak: ## half an hour of traffic with restarts, kills, reloads and upgrades (SHORT=1: a minute; SOAK=2h; ONLY=shadow-writes: 10 minutes; ONLY=ingest: 3)
	$(GO) run ./soak $(if $(SHORT),-short) $(if $(SOAK),-for $(SOAK)) $(if $(ONLY),-only $(ONLY))

quiet: ## 100,000 comparisons through the proxy of two services that are equal, ten answers wrong (ORDERS=1000000)
	QUACK_ORDERS=$(or $(ORDERS),100000) $(GO) test -count=1 -timeout 60m -run 'TestEqualServicesThroughTheProxy' -v ./cmd/quack

clean: ## remove what was built
	rm -rf bin
