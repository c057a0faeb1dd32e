# Everything starts here. `make` alone says what there is; docs/ and CONTRIBUTING.md say more.
#
# Nothing but Python 3.11+ and make has to be there. The first target that needs it makes .venv from
# requirements.lock; later ones look only at a stamp. Another Python: make PYTHON=python3.12 test

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

BIN := .venv/bin
RUN := $(BIN)/python
# Without byte code Airflow's commands take four times as long.
unexport PYTHONDONTWRITEBYTECODE
# An active environment of somebody else must not be written to.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

# The stamp's name says what the environment was made from (not when: a checkout changes times): the
# lock, the metadata, the rules, the interpreter, this place.
INPUTS := requirements.lock setup.cfg pyproject.toml scripts/make-venv
STAMP := .venv/ready-$(firstword $(shell { cat $(INPUTS); pwd -P; echo '$(PYTHON)'; } | cksum))
# The environment in which tests replay exports; inside .venv, so that it goes and comes with it.
REPLAY := .venv/replay/ready-$(firstword $(shell cat requirements-replay.lock scripts/make-replay-venv | cksum))
PACKAGES := pipeline spiders dags
# One more than there are cores, for they often wait for a child, a server or a clock; eight at most.
TESTS := $(RUN) -m pytest -n $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 7 ] && n=7; echo $$((n + 1))) --dist loadscope --no-loadscope-reorder

.PHONY: help venv lock check format test test-all prove demo up bench clean

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

venv: $(STAMP) ## make .venv from requirements.lock (the other targets do it when needed)

$(STAMP):
	@PYTHON='$(PYTHON)' scripts/make-venv && touch $@

$(REPLAY): $(STAMP)
	@scripts/make-replay-venv && touch $@

lock: $(STAMP) ## bring the locks up to setup.cfg (UPGRADE=--upgrade: with the newest versions it allows)
	$(BIN)/uv pip compile setup.cfg $(UPGRADE) --quiet --universal --python-version 3.11 --extra store --extra render --extra cluster --extra dev \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --output-file requirements.lock
	$(BIN)/uv pip compile requirements-replay.in $(UPGRADE) --quiet --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --output-file requirements-replay.lock
	for images in 'setup.cfg --extra cluster:requirements' 'setup.cfg docker/kubernetes.in --extra cluster:kubernetes' \
		docker/build.in:build docker/store.in:store; do \
		$(BIN)/uv pip compile $${images%:*} --quiet --universal --python-version 3.11 --constraint requirements.lock \
			--generate-hashes --no-emit-index-url --no-header --no-annotate --output-file "docker/$${images#*:}.lock" || exit 1; \
	done

check: $(STAMP) ## style, types, the rules about who may import whom, and the files of docker/
	@failed=0; \
	for tool in 'ruff check .' 'ruff format --check .' 'mypy $(PACKAGES) $(wildcard bench)' 'lint-imports --no-logo' \
		'hadolint docker/Dockerfile' 'shellcheck $(wildcard docker/*.sh)' \
		'check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yaml docker/prove/compose.yaml' \
		'kubernetes-validate --strict --quiet docker/kubernetes/pod-template.yaml'; do \
		echo "$$tool"; $(BIN)/$$tool || failed=1; \
	done; exit $$failed

format: $(STAMP) ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(STAMP) $(REPLAY) ## the tests, without the slow ones
	$(TESTS) -m 'not slow'

test-all: $(STAMP) $(REPLAY) ## all tests
	@scripts/need-servers
	$(TESTS)

prove: $(STAMP) ## the composition of docker/, built, started, lost and restored for real (root, Debian; 10 to 15 minutes)
	PYTHON='$(RUN)' docker/prove.sh

demo: $(STAMP) ## two newsrooms on loopback, through Airflow into SeaweedFS, twice; ends by itself
	$(RUN) -m bench.demo

up: export MUNIMENT_HOME ?= $(CURDIR)/.muniment/up
up: $(STAMP) ## SeaweedFS, Airflow and the demo's newsroom in the foreground; Ctrl-C ends them
	$(RUN) -m bench.newsroom --sites-folder .muniment/newsroom --change-every 300 -- $(BIN)/muniment up

bench: $(STAMP) ## say which measuring programs there are
	@for program in bench/*.py; do printf '  $(RUN) -m bench.%s --help\n' "$$(basename "$$program" .py)"; done | grep -v __init__

clean: ## remove .venv and what tools leave behind (data of `make up` and `make demo` stays)
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
