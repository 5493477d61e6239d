# One word per chore, the same on a laptop and in CI.
SHELL := /bin/sh
PY := .venv/bin/python
.DEFAULT_GOAL := help

help:          ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

.venv/.ready: requirements-dev.lock pyproject.toml scripts/setup
	@scripts/setup

setup: .venv/.ready   ## make .venv with the locked packages

run: .venv/.ready     ## start everything, send the sample visits, show the result and stay up
	@$(PY) -m gateway up

demo: .venv/.ready    ## the same on free ports, then stop
	@$(PY) -m gateway demo

check: .venv/.ready   ## style, types, architecture, partner folders
	@.venv/bin/ruff check . && .venv/bin/ruff format --check -q . && .venv/bin/mypy && .venv/bin/lint-imports --no-cache && $(PY) -m gateway check && echo "all good"

test: .venv/.ready    ## every check and test that belongs to a change
	@scripts/test-tools
	@$(MAKE) --no-print-directory check
	@scripts/tests

test-heavy: .venv/.ready  ## restarts, floods, failover, bad networks: minutes on two cores (CI runs them too)
	@scripts/test-tools
	@scripts/tests -m 'heavy and not long' --override-ini addopts=-q

test-long: .venv/.ready   ## the long forms: kills, fuzz, the image
	@scripts/test-tools long
	@$(PY) -m pytest -m long --override-ini addopts=-q

wall: .venv/.ready    ## plant marks everywhere, play journeys and failures, search, write a report to var/wall
	@$(PY) -m gateway wall

audit: .venv/.ready   ## locked packages, licences, known vulnerabilities, secrets in files
	@$(PY) scripts/audit.py

bench: .venv/.ready   ## measure against hand-written code: mapping, folders, seals, the whole job, nodes, lanes (may install PostgreSQL)
	@$(PY) -m benchmarks.mapping_speed
	@$(PY) -m benchmarks.check_folders
	@$(PY) -m benchmarks.seals
	@$(PY) -m benchmarks.gateway_job
	@scripts/test-tools
	@$(PY) -m benchmarks.nodes
	@$(PY) -m benchmarks.lanes

simulate: .venv/.ready   ## play seeded worlds with faults at every boundary (SEEDS=10000), then hunt planted bugs
	@$(PY) -m simulation --seeds $(or $(SEEDS),10000)

lock:          ## renew the locked versions
	@.venv/bin/python -m pip install -q uv
	@.venv/bin/uv pip compile -q pyproject.toml --extra postgres --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.lock
	@.venv/bin/uv pip compile -q pyproject.toml --extra sandbox --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-dev.lock

clean:         ## forget .venv and run-time files
	@rm -rf .venv var

.PHONY: help setup run demo check test test-heavy test-long wall audit bench simulate lock clean
