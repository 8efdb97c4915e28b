# Everything a developer types. `make demo` and `make test` install what is missing.
SHELL := /bin/bash
.DELETE_ON_ERROR:

VENV := build/venv
export CARGO_TERM_COLOR ?= auto

.PHONY: help setup build install packages test drill-region bench-authority test-dotnet test-platforms test-engines test-windows demo lint soak fuzz bench clean

help: ## What there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: ## Install what is missing (as root or with sudo), else say what to install
	@scripts/setup.sh

build: setup ## The command line and library in target/release, the header in include, the wheel in build/wheels
	@scripts/build.sh

install: build ## The C library into DESTDIR/PREFIX (/usr/local), for pkg-config and CMake
	@scripts/package/c.sh --install "$(or $(PREFIX),/usr/local)" "$(DESTDIR)"

packages: build ## The package of every ecosystem, in build/packages; with PLATFORMS=all those of other platforms too
	@scripts/packages.sh

test: build ## All tests, in every language
	@scripts/test.sh

test-windows: build ## The tests of the build for Windows, by MinGW and Wine, which it installs on Debian; else it says why they did not run
	@scripts/windows.sh test

test-dotnet: build ## The C# tests on .NET: the `dotnet` on the path, or the one of scripts/dotnet.sh
	@tests/csharp/run.sh dotnet

test-platforms: build ## Every platform but Windows, built by cross compilers and run by qemu (some minutes); PLATFORMS names some
	@scripts/platforms.sh $(PLATFORMS)

test-engines: build ## The game engines that can be had here: what is missing is installed, or named `not run`
	@$(VENV)/bin/python tests/engines/run.py

drill-region: build ## The outage of a region, for real: authorities, PostgreSQL servers and links killed, cut and slowed (as root, some minutes)
	@tests/authority/run.sh drill

demo: build ## An outage survived by three products on one ledger, in under a minute
	@$(VENV)/bin/python demo/run.py

lint: setup ## Formatting and lints only
	@scripts/lint.sh

soak: build ## The long runs of the tests
	@REPRIEVE_SOAK=1 scripts/test.sh

fuzz: setup ## Each fuzz target for REPRIEVE_FUZZ_SECONDS (600); needs a nightly compiler
	@scripts/fuzz.sh long

bench: ## The speed of ledger and calls beside their limits and peers, written into docs/performance.md
	@scripts/bench.sh

bench-authority: build ## Renewals a second beside their limit, and 100,000 clients that come back, written into docs/performance.md
	@scripts/authority.sh --bins --example stampede
	@$(VENV)/bin/python tests/region/bench.py

clean: ## Remove what was built
	cargo clean
	cargo clean --manifest-path benches/Cargo.toml
	rm -rf build
