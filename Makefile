# SPDX-License-Identifier: Apache-2.0
#
#   make run        build, show this machine, then the demo fleet
#   make test       pass the tests
#   make guests     the tests that boot kernels of three architectures, alone
#   make check      what a change must hold: format, vet, staticcheck, race, three architectures
#   make bench-openb  the comparison of docs/measurements/placement.md; needs TARSIA_SHARED
#   make bench      benchmarks of discovery and placement
#   make build-all  stripped binaries for linux amd64, arm64, riscv64 in dist/

GO      ?= go
ARCHES  := amd64 arm64 riscv64
VERSION ?= 0.1.0-dev
LDFLAGS := -s -w -X main.version=$(VERSION)
STATIC  := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
# The largest stripped binary that we ship.
MAX_MB  := 60

.PHONY: bench-openb build run test test-tools guests check race fuzz bench build-all all clean

build:
	@$(STATIC) -o bin/tarsia ./cmd/tarsia
	@$(STATIC) -o bin/tarsia-device ./cmd/tarsia-device

# The demo finds faults, so it exits 8: that is success here, and nothing else is.
run: build
	@bin/tarsia topo
	@echo
	@bin/tarsia demo; code=$$?; \
	if [ $$code -eq 8 ]; then echo "faults found, as planted"; \
	else echo "tarsia demo exited $$code, want 8: the planted faults were not found" >&2; exit 1; fi

# Plain "go test ./..." needs nothing but Go; this adds the groups that need more.
# Guests wait for each other, so a package may take longer than go test allows
# by itself.
test: test-tools
	TARSIA_TESTS=all $(GO) test -timeout 40m ./...

# Only the tests that boot kernels, with what the guests print.
guests:
	TARSIA_TESTS=all $(GO) test -timeout 40m -count=1 -v ./guest
	TARSIA_TESTS=all $(GO) test -timeout 40m -count=1 -v -run '^TestGuest' ./cmd/tarsia

# Programs that some groups of tests need. They are installed only as root;
# otherwise the groups that do without are named here and skip by themselves.
test-tools:
	@sh scripts/test-tools

check:
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "gofmt: $$out" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck -checks all,-ST1000 ./...
	$(GO) mod tidy -diff
	@for arch in $(ARCHES); do \
		echo "vet and build linux/$$arch"; \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) vet ./... || exit 1; \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -o /dev/null ./... || exit 1; \
	done
	@$(MAKE) --no-print-directory race

# The detector sees nothing where nothing runs side by side, and costs tenfold:
# only packages that start goroutines or share memory are run under it.
race:
	@if command -v cc >/dev/null 2>&1; then \
		packages=$$(grep -rlE '"sync(/atomic)?"|\bgo func|\.Go\(|\.Parallel\(' --include='*.go' . | xargs -n1 dirname | sort -u); \
		echo "race: $$packages" | tr '\n' ' '; echo; CGO_ENABLED=1 $(GO) test -race -short -skip '^TestScripts' $$packages; \
	else echo "race: skipped, no C compiler"; fi

# Each fuzz target for a while: FUZZTIME=60s make fuzz
FUZZTIME ?= 10s
fuzz:
	@sh scripts/fuzz $(FUZZTIME)

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

build-all:
	@mkdir -p dist
	@for arch in $(ARCHES); do \
		GOOS=linux GOARCH=$$arch $(STATIC) -o dist/tarsia-linux-$$arch ./cmd/tarsia || exit 1; \
		GOOS=linux GOARCH=$$arch CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS) $$(sh scripts/interpreter $$arch)" \
			-o dist/tarsia-device-linux-$$arch ./cmd/tarsia-device || exit 1; \
		for name in tarsia tarsia-device; do \
			size=$$(wc -c < dist/$$name-linux-$$arch); \
			echo "dist/$$name-linux-$$arch $$size bytes"; \
			if [ $$size -gt $$(( $(MAX_MB) * 1000000 )) ]; then echo "larger than $(MAX_MB) MB" >&2; exit 1; fi; \
		done; \
	done

all: check test fuzz bench build-all

clean:
	rm -rf bin dist

# Ten seeds of every placement policy on five lists of the Alibaba GPU trace of
# 2023, which TARSIA_SHARED must hold.
bench-openb:
	@test -n "$$TARSIA_SHARED" || { echo "TARSIA_SHARED names no folder with traces/" >&2; exit 1; }
	TARSIA_OPENB=all $(GO) test -count=1 -timeout 6h -run '^TestOpenB$$' ./simulate
