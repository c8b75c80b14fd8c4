# `make` alone lists the targets. Every target sets up what it needs; a second run is quick.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
ASSETS := zhike/ui/static/vendor/manifest.json
PO := $(wildcard zhike/locale/*/LC_MESSAGES/django.po)
# Whatever may ask for an icon, which the sprite then holds.
ASKERS := $(shell find zhike -name tests -prune -o \( -name '*.py' -o -name '*.html' \) -print)
# Settings are read by the type checker and the extractor too; they must not touch ./var for it.
ASIDE := ZHIKE_HOME=.venv/aside DATABASE_URL=postgresql:///unused

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# --- Set up -------------------------------------------------------------------------------------

.PHONY: setup
setup: .venv/installed $(ASSETS) $(PO:.po=.mo) ## Python packages, browser assets, translations

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "zhike needs Python 3.11 or newer; name one: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv is not installed. On Debian: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "Making .venv"
	@$(PYTHON) -m venv .venv

.venv/installed: requirements.lock pyproject.toml | .venv/bin/python
	@[ -x $(BIN)/uv ] || $(BIN)/pip install --quiet --disable-pip-version-check uv
	@echo "Installing the packages of requirements.lock"
	@UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

node_modules/.installed: package-lock.json package.json
	@command -v npm >/dev/null || \
		{ echo "npm is not installed; zhike needs Node 20 or newer with npm." >&2; exit 1; }
	@echo "Installing the packages of package-lock.json"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

$(ASSETS): node_modules/.installed tools/vendor.mjs $(ASKERS)
	@node tools/vendor.mjs

# Babel compiles without the gettext package, which a fresh machine may lack.
%.mo: %.po | .venv/installed
	@$(BIN)/pybabel --quiet compile --input-file=$< --output-file=$@

.PHONY: system
system: ## Chromium, a CJK font, gettext and a directory for tests from the system's packages, where absent
	@missing=(); \
	command -v chromium >/dev/null || missing+=(chromium); \
	compgen -G '/usr/share/fonts/*/*/*CJK*' >/dev/null || missing+=(fonts-noto-cjk); \
	command -v xgettext >/dev/null || missing+=(gettext); \
	[ -x /usr/sbin/slapd ] || missing+=(slapd); \
	command -v ldapmodify >/dev/null || missing+=(ldap-utils); \
	if [ $${#missing[@]} -eq 0 ]; then exit 0; fi; \
	root=(); [ "$$(id -u)" -eq 0 ] || root=(sudo); \
	if ! command -v apt-get >/dev/null || { [ $${#root[@]} -gt 0 ] && ! command -v sudo >/dev/null; }; then \
		echo "Install these system packages, then try again: $${missing[*]}" >&2; exit 1; \
	fi; \
	echo "Installing system packages: $${missing[*]}"; \
	"$${root[@]}" apt-get update -qq; \
	command -v debconf-set-selections >/dev/null && \
		echo 'slapd slapd/no_configuration boolean true' | "$${root[@]}" debconf-set-selections; \
	DEBIAN_FRONTEND=noninteractive "$${root[@]}" apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null

# --- Use ----------------------------------------------------------------------------------------

.PHONY: demo
demo: setup ## Make the sample institution and serve it on this machine (CUSTOMERS=n for its size)
	@$(BIN)/zhike demo $(if $(CUSTOMERS),--customers $(CUSTOMERS))

.PHONY: berka
berka: setup ## Load the Berka bank into a fresh data folder: make berka DATA=folder
	@[ -n "$(DATA)" ] || { echo "Say where the files are: make berka DATA=folder" >&2; exit 2; }
	@$(BIN)/zhike berka --data "$(DATA)"

# --- Check --------------------------------------------------------------------------------------

.PHONY: test
test: setup system ## Every test
	@$(BIN)/pytest -n 2 --dist loadscope -q

.PHONY: check
check: setup ## Format, lint, types, import contracts, architecture; under a minute
	@$(BIN)/ruff format --check --quiet . || { echo "Run make format." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo
	@$(ASIDE) $(BIN)/mypy
	@$(BIN)/pytest -q tests/architecture tests/i18n

.PHONY: trust
trust: setup system ## What is proven of trust, a line a goal (FULL=1 the long form, hours; ONLY="G-05 G-13" some of them)
	@$(BIN)/python -m tests.trust $(if $(FULL),--full) $(ONLY)

.PHONY: format
format: setup ## Format the code and put right what the linter can
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

.PHONY: types
types: setup ## Types alone
	@$(ASIDE) $(BIN)/mypy

.PHONY: benchmarks
benchmarks: setup ## Every figure, its peer's and the ratio; takes long
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python "$$file"; done

.PHONY: screenshots
screenshots: setup system ## A picture of every page into var/screenshots (URL=address of a running site, ONLY=words of a name)
	@$(BIN)/python -m tests.browser.screenshots $(if $(URL),--url $(URL)) $(if $(ONLY),--only $(ONLY))

# --- Keep up ------------------------------------------------------------------------------------

.PHONY: messages
messages: .venv/installed system ## Gather the messages to translate into zhike/locale
	@cd zhike && $(subst .venv,../.venv,$(ASIDE)) DJANGO_SETTINGS_MODULE=zhike.config.settings ../$(BIN)/django-admin makemessages \
		--locale zh_Hans --locale zh_Hant --no-wrap --no-location --no-obsolete --ignore 'tests/*' --ignore '*/tests/*'

.PHONY: lock
lock: .venv/installed ## Write requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --group dev --upgrade --output-file requirements.lock pyproject.toml

.PHONY: clean
clean: ## Remove what the other targets made; the data folder stays
	@rm -rf .venv node_modules zhike/ui/static/vendor .mypy_cache .ruff_cache .import_linter_cache \
		.hypothesis test-results dist
	@find zhike tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
	@find zhike/locale -name '*.mo' -delete
