# The two commands of the README are `make demo` and `make test`.

# What is optional.
TEST_FEATURES := hexclave-core/actix-web,hexclave-core/api,hexclave-core/axum,hexclave-core/blocking,hexclave-core/cli-login,hexclave-core/file-store,hexclave-core/metrics,hexclave-core/tonic,hexclave-core/tower,hexclave-core/webhooks,hexclave-convex/convex-client,hexclave-convex/functions
INTEROP := tests/interop
NODE_EXAMPLES := examples/convex-app
NODE_IS_USABLE := command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 

# A dependency of a user's program may turn on a feature of serde_json that changes how numbers are read. Apart from the
# rest, which must not depend on it.
ARBITRARY_PRECISION := --features hexclave-tests/arbitrary-precision --package hexclave-tests --package hexclave-core \
	--package hexclave-convex --test verifier --test verification --test identity --test identity_rules --test partial_user

.PHONY: demo test test-docker fuzz postgres nginx chromium schemathesis lint docs tests node-if-required examples

demo: postgres
	cargo run --locked --package hexclave-bridge -- demo

test: postgres nginx chromium schemathesis lint docs tests examples

# The tests of Row Level Security once more, with Postgres in a container of a real Docker engine.
test-docker:
	./scripts/test-docker cargo test --workspace --locked --features $(TEST_FEATURES) --test rls --test postgres

FUZZ_TARGETS := token jwks credentials
FUZZ_SECONDS ?= 600

# Each fuzz target for FUZZ_SECONDS; needs a nightly compiler and cargo-fuzz. What it finds is in fuzz/artifacts.
fuzz:
	@cd hexclave-core; \
	set -ex; \
	for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/target/corpus/$$target; \
		cargo +nightly fuzz run $$target fuzz/target/corpus/$$target fuzz/corpus/$$target -- \
			-dict=fuzz/dictionaries/$$target.dict -max_total_time=$(FUZZ_SECONDS); \
	done

postgres:
	@./scripts/ensure-postgres

nginx:
	@./scripts/ensure-nginx

chromium:
	@./scripts/ensure-chromium

schemathesis:
	@./scripts/ensure-python-packages schemathesis hexclave-bridge/tests/schemathesis.txt

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- --deny warnings
	cargo clippy --workspace --exclude 'example-*' --all-targets --no-default-features --locked -- --deny warnings

docs:
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --all-features --locked

node-if-required:
	@if [ -n "$(INTEROP_REQUIRED)" ] && ! { $(NODE_IS_USABLE); }; then \
		echo 'INTEROP_REQUIRED is set, but Node 20 or newer and npm are not here.'; \
		exit 1; \
	fi

tests: node-if-required
	@if $(NODE_IS_USABLE); then \
		set -ex; \
		npm ci --prefix $(INTEROP); \
		cargo test --workspace --locked --features $(TEST_FEATURES),hexclave-tests/interop; \
	else \
		echo '*** Node 20 or newer and npm are not here: the tests with the real JavaScript packages are left out. ***'; \
		set -ex; \
		cargo test --workspace --locked --features $(TEST_FEATURES); \
	fi
	cargo test --locked $(ARBITRARY_PRECISION)

# The examples with a Node side; those in Rust are members of the workspace, and tested with it.
examples: node-if-required
	@if $(NODE_IS_USABLE); then \
		set -ex; \
		for example in $(NODE_EXAMPLES); do \
			npm ci --prefix $$example; \
			npm test --prefix $$example; \
		done; \
	else \
		echo '*** Node 20 or newer and npm are not here: the examples in TypeScript are not tested. ***'; \
	fi
