# What can be done here. Each recipe is one script, so that it can be read and run without make.

.PHONY: help run build test lint end2end screenshots fuzz-api fuzz fuzz-ingest fuzz-sql mutate bench-ingest bench-governed release deny setup

help: ## list these
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

run: ## build, make a demo lake on the first run, serve it on http://127.0.0.1:3000
	@scripts/run

build: ## what `make run` serves, without serving it
	@scripts/build

test: ## all checks: format, clippy, Rust tests, browser tests
	@scripts/test

lint: ## format and clippy only
	@bash -c 'source scripts/env && cargo fmt --all --check && cargo clippy --locked --all-targets -- -D warnings'

end2end: ## the browser tests only, on what is built
	@scripts/end2end

screenshots: ## every page, light and dark, wide and phone, into end2end/artefacts/screenshots
	@scripts/end2end --project=screenshots

fuzz-api: ## schemathesis against the API for SECONDS (default 300)
	@scripts/fuzz-api $(SECONDS)

bench-ingest: ## ingest against DuckDB, Polars, DataFusion and pyarrow; writes docs/benchmarks.md
	@scripts/bench-ingest

bench-governed: ## governed queries against a filter by hand, over ROWS (default 3000000); writes docs/benchmarks/governed.md
	@bash -c 'source scripts/env && TEST_GOVERNED_ROWS=$(or $(ROWS),3000000) TEST_GOVERNED_ROUNDS=$(or $(ROUNDS),15) TEST_GOVERNED_WRITE="$$PWD/docs/benchmarks/governed.md" cargo test --locked --test query -- --nocapture a_governed_question'

fuzz-sql: ## random queries as two partners against honest copies, for SECONDS (default 3600)
	@bash -c 'source scripts/env && TEST_SQL_SECONDS=$(or $(SECONDS),3600) TEST_SQL_FROM=$(or $(FROM),0) cargo test --locked --test security -- --nocapture random_queries'

mutate: ## weakens one enforcement at a time and demands that a test fails; NAMES narrows to some
	@bash -c 'source scripts/env && scripts/mutate $(NAMES)'

fuzz: ## libFuzzer against the reader, SECONDS (default 300) for TARGET (default: each)
	@for target in $(or $(TARGET),sniff csv json xlsx xls ods parquet); do \
		scripts/fuzz $$target -max_total_time=$(or $(SECONDS),300) || exit 1; done

fuzz-ingest: ## mutated files against the reader, RUNS for each target (default 1000000)
	@bash -c 'source scripts/env && TEST_FUZZ_RUNS=$(or $(RUNS),1000000) cargo test --locked --test fuzz -- --nocapture'

release: ## the small and fast binary for deployment
	@scripts/release

deny: ## licences and advisories of all dependencies (needs cargo-deny)
	@cargo deny --locked check

setup: ## install what a fresh machine lacks
	@scripts/setup test
