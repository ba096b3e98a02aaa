# Every verb works on a laptop or says in one line what is missing. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
# Options of make bench, bench-guard, bench-incidents, conformance, chaos, bench-scale, probe-soak: ARGS=--quick, ARGS=--help.
ARGS ?=
BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help
help: ## list the verbs
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[36mmake %-14s\033[0m %s\n", $$1, $$2}' Makefile

.PHONY: up
up: venv ## the whole thing on a real Kubernetes: operator, sample pool, real model server, a failure and its rescue
	@hack/demo/up.sh

.PHONY: down
down: ## stop the local Kubernetes of `make up` and leave nothing behind
	@hack/cluster/cluster down

.PHONY: try
try: venv ## the same story without a cluster, in about a minute (`poolkeeper run`)
	@hack/ci/install.sh router
	@hack/demo/try.sh

.PHONY: check
check: venv ## the quick check of a change: lint, unit, property, Lua, a smoke test of the router (a minute)
	@hack/ci/install.sh router test
	@hack/ci/check.sh

.PHONY: test
test: ## everything: lint, unit, Lua, router, charts, real cluster
	@hack/ci/test.sh

.PHONY: test-unit
test-unit: venv ## the tests that need neither nginx nor a cluster (seconds)
	@hack/ci/pytest.sh -m "not (router or cluster or slow or paced or timing)" tests hack/tests

.PHONY: test-lua
test-lua: ## the router's pure Lua (busted) and its lint (luacheck)
	@hack/ci/install.sh router test
	@luacheck -q router tests/lua
	@busted tests/lua

.PHONY: test-router
test-router: venv ## a real nginx against scripted providers on loopback
	@hack/ci/install.sh router
	@hack/ci/pytest.sh -m "router and not (paced or timing)" tests
	@hack/ci/pytest.sh -m "router and paced" tests
	@hack/ci/pytest.sh -n 0 -m "router and timing" tests

.PHONY: test-cluster
test-cluster: venv cluster images ## the tests on the real Kubernetes
	@hack/ci/pytest.sh -n 0 -m cluster tests

.PHONY: test-clients
test-clients: venv ## real client libraries (Python, npm, Go) while the first tier fails: what they hold is what one healthy endpoint says
	@hack/ci/pytest.sh -m "conformance" -n 2 tests/conformance/test_clients.py $(ARGS)

.PHONY: test-servers
test-servers: venv ## a real model server as an endpoint (installed once, 130 MB): its refusals, its continuations, its death
	@hack/ci/install.sh router test
	@POOLKEEPER_SERVERS=1 hack/ci/pytest.sh -n 0 hack/tests/run/test_servers.py $(ARGS)

.PHONY: conformance
conformance: venv ## every fault class played against the router, judged from both sides; prints the scorecard
	@hack/ci/install.sh router test
	@hack/bench/run.sh conformance $(ARGS)

.PHONY: bench
bench: venv ## speed beside bare nginx, Envoy and LiteLLM (25 minutes; ARGS=--quick: one); prints the tables, writes docs/bench.md
	@hack/ci/install.sh router test bench
	@hack/bench/run.sh speed $(ARGS)

.PHONY: bench-guard
bench-guard: venv ## is the router slower than at the last commit? CPU of a request, paired, two minutes (ARGS="--ref main"); fails past 3 %
	@hack/ci/install.sh router test
	@hack/bench/run.sh speed.guard $(ARGS)

.PHONY: bench-incidents
bench-incidents: venv ## a scripted day of incidents through nginx, Envoy, LiteLLM and Poolkeeper (ARGS=--quick: one minute); writes docs/incidents.md
	@hack/ci/install.sh router test
	@hack/bench/run.sh incidents $(ARGS)

.PHONY: dashboards
dashboards: venv ## the incident day through two routers and a Prometheus: every dashboard query compared with what happened (6 minutes; ARGS=--quick: one); writes docs/dashboards.md
	@hack/ci/install.sh router test
	@PYTHONPATH=operator:. $(BIN)/python -m hack.dashboards $(ARGS)

.PHONY: on-call
on-call: venv cluster images ## an outage on the real Kubernetes, in real time: who says what after how many seconds (a quarter of an hour); writes docs/on-call.md
	@hack/ci/install.sh router test
	@PYTHONPATH=operator:. $(BIN)/python -m hack.dashboards.on_call $(ARGS)

.PHONY: probe-soak
probe-soak: venv ## 500 probe runs against a real model server on this machine (installed once, a minute): no false alarm
	@hack/bench/run.sh soak $(ARGS)

.PHONY: chaos
chaos: venv ## the operator under every fault, on a control plane of its own (hours; ARGS="--minutes 20"); writes docs/chaos.md
	@hack/ci/install.sh router test
	@hack/cluster/build.sh kubernetes etcd
	@hack/bench/run.sh chaos $(ARGS)

.PHONY: bench-scale
bench-scale: venv ## one operator with 10, 100, 1,000 pools (half an hour; ARGS="--pools 10 30"); writes docs/scale.md
	@hack/cluster/build.sh kubernetes etcd
	@hack/bench/run.sh scale $(ARGS)

.PHONY: mutants
mutants: venv ## small faults put into FILE="path ..." one at a time: which does no test notice? (without FILE: conditions, plan, probing, core Lua)
	@hack/ci/install.sh router test
	@nice -n 10 $(BIN)/python -m hack.mutants $(FILE)

.PHONY: lint
lint: venv ## ruff, mypy --strict, import layers, luacheck, shellcheck, prose
	@hack/ci/install.sh router test
	@hack/ci/lint.sh

.PHONY: generate
generate: venv ## CRDs, chart templates and reference docs from the models
	@$(BIN)/python -m hack.generate

.PHONY: goldens
goldens: venv ## refresh the golden files; review the diff before you commit it
	@UPDATE_GOLDENS=1 $(BIN)/pytest -q tests/golden

.PHONY: verify
verify: lint ## lint, and prove that generated files are what the models say
	@$(BIN)/python -m hack.generate --check

.PHONY: cluster
cluster: ## only the real Kubernetes (built once, then seconds)
	@hack/cluster/cluster up

.PHONY: images
images: ## only the container images
	@hack/images/build.sh

.PHONY: wheel
wheel: venv ## the command and the router's files as one wheel, in dist/
	@$(BIN)/python -m hack.release.wheel dist

.PHONY: package
package: venv ## a release in dist/: wheel, chart, crds.yaml, install.yaml, SBOM, checksums; REGISTRY=, URL=, SIGNING_KEY= add images, Krew, signatures
	@REGISTRY="$(REGISTRY)" URL="$(URL)" SIGNING_KEY="$(SIGNING_KEY)" OUT="$(OUT)" hack/release/package.sh

.PHONY: release-check
release-check: venv ## does TAG=vX.Y.Z fit the version, and does CHANGELOG.md say what is in it?
	@$(BIN)/python -m hack.release.notes "$(TAG)" >/dev/null

.PHONY: audit
audit: venv ## is a vulnerability known in any Python package that we pin? Asks api.osv.dev; without it nothing is proved, and it fails
	@PYTHONPATH=operator:. $(BIN)/python -m hack.release.audit

.PHONY: release-publish
release-publish: venv ## dist/ becomes the release TAG on GitHub (gh), with the changelog's words
	@$(BIN)/python -m hack.release.notes "$(TAG)" | gh release create "$(TAG)" --title "$(TAG)" --notes-file - dist/*

.PHONY: e2e-gitops
e2e-gitops: venv cluster images ## a real Argo CD (compiled once, minutes) syncs operator, policy and pools from git; writes the timeline into docs/gitops.md
	@hack/ci/install.sh gitops
	@PYTHONPATH=operator:. timeout 1200 $(BIN)/python -m hack.gitops

.PHONY: e2e-upgrade
e2e-upgrade: venv cluster images ## the previous version upgraded, rolled back and removed under 100 streams, on a real Kubernetes without pools (ten minutes; ARGS="--from COMMIT"); writes docs/upgrade.md
	@PYTHONPATH=operator:. timeout 1800 $(BIN)/python -m hack.upgrade $(ARGS)

.PHONY: e2e-release
e2e-release: venv cluster images ## a release made twice, signed, pushed to a registry here, verified by cosign (compiled once, minutes), installed from there by digest under Pod security "restricted"; writes its table into docs/install.md
	@hack/ci/install.sh release
	@PYTHONPATH=operator:. timeout 1500 $(BIN)/python -m hack.delivery $(ARGS)

.PHONY: docs
docs: venv ## the documentation as a site, in build/site/html; fails at a link, an anchor or a page that is lost
	@PYTHONPATH=operator:. $(BIN)/python -m hack.site

.PHONY: venv
venv: .venv/.ready ## the Python environment, from the lock files

.venv/.ready: requirements-dev.lock pyproject.toml
	@echo "==> Python environment (.venv) from requirements-dev.lock"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "poolkeeper needs Python 3.11 or newer; seen: $$($(PYTHON) --version)"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: lock
lock: ## pin the dependencies again (requirements*.in -> requirements*.lock, with hashes)
	@for name in requirements requirements-dev; do \
	  $(BIN)/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header $$name.in -o $$name.lock; \
	done
	@$(BIN)/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header hack/site/site.in -o hack/site/site.lock
	@for name in sbom audit; do \
	  $(BIN)/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header hack/release/$$name.in -o hack/release/$$name.lock; \
	done

.PHONY: clean
clean: ## remove the environment and build output (the cache outside the checkout stays)
	@rm -rf .venv build dist operator/*.egg-info .pytest_cache .mypy_cache .ruff_cache
