# `make help` lists the targets.
BUILD ?= build
JOBS ?= $(shell nproc)
PYTHON_ENV ?= $(HOME)/.cache/galley/python
SEED ?= 1
IMAGE_BUILD ?= $(if $(shell command -v buildah),buildah build --isolation chroot --layers --pull-never,docker build)
FUZZ_SECONDS ?= 600
export CTEST_OUTPUT_ON_FAILURE = 1

.DEFAULT_GOAL := build
.PHONY: help packages build demo test check asan tsan vector2 tidy format sim fuzz bench python clean images chart s3 e2e bench-k8s

help: ## this list
	@grep -hE '^[a-z0-9_-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | column -t -s '	'

packages: ## install what is needed from Debian's packages
	@tools/install_packages.sh build test

build: packages ## build the programs into build/bin
	@cmake -S . -B $(BUILD) -G Ninja >/dev/null
	@ninja -C $(BUILD) -j $(JOBS)

demo: packages ## ShopFlow: make 10 million order items and sum them per order, on two executors
	@cmake -S . -B $(BUILD) -G Ninja >/dev/null
	@ninja -C $(BUILD) -j $(JOBS) galley galley-executor
	@examples/demo.sh $(BUILD)/bin

python: ## the Python environment of the compatibility tests and benchmarks
	@tools/install_packages.sh test
	@tools/python_env.sh $(PYTHON_ENV)

test: build python ## every test there is
	@tests/run_all.sh $(BUILD) $(PYTHON_ENV)

tidy: ## names, includes and sizes as STYLE.md has them
	@python3 tests/tidy/tidy.py

check: test asan tsan vector2 ## the tests once more with sanitizers and two-row batches

asan: packages ## tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake -S . -B $(BUILD)-asan -G Ninja -DGLY_ASAN=ON >/dev/null
	@ninja -C $(BUILD)-asan -j $(JOBS)
	@ctest --test-dir $(BUILD)-asan -j $(JOBS)
	@python3 tests/sql/run_sql_tests.py $(BUILD)-asan/bin/galley --variant two --variant spill

tsan: packages ## tests with ThreadSanitizer
	@cmake -S . -B $(BUILD)-tsan -G Ninja -DGLY_TSAN=ON >/dev/null
	@ninja -C $(BUILD)-tsan -j $(JOBS)
	@ctest --test-dir $(BUILD)-tsan -j $(JOBS)
	@rm -f $(BUILD)-tsan/race.*
	@TSAN_OPTIONS="suppressions=$(CURDIR)/tests/tidy/tsan.supp log_path=$(abspath $(BUILD)-tsan)/race" \
		python3 tests/sql/run_sql_tests.py $(BUILD)-tsan/bin/galley --variant wide
	@cat $(BUILD)-tsan/race.* 2>/dev/null && exit 1 || true # executors' reports are there, too

vector2: packages ## tests with two rows a batch
	@cmake -S . -B $(BUILD)-vector2 -G Ninja -DGLY_BATCH_ROWS=2 >/dev/null
	@ninja -C $(BUILD)-vector2 -j $(JOBS)
	@ctest --test-dir $(BUILD)-vector2 -j $(JOBS)
	@python3 tests/sql/run_sql_tests.py $(BUILD)-vector2/bin/galley --variant two --variant spill

format: ## lay out the sources with clang-format
	@tools/install_packages.sh check
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

sim: build ## simulate the schedulers: make sim SEED=42
	@$(BUILD)/tests/sim_scheduler $(SEED)

fuzz: python ## run every fuzz target for FUZZ_SECONDS
	@tools/install_packages.sh build check
	@tests/fuzz/run.sh $(BUILD)-fuzz $(FUZZ_SECONDS) $(PYTHON_ENV)/bin/python

bench: build python ## measure against DuckDB and PySpark; appends to bench/results
	@$(PYTHON_ENV)/bin/python bench/bench.py $(BUILD)/bin

images: ## compile and build the images galley-driver:dev and galley-executor:dev (buildah or docker)
	@for kind in driver executor; do $(IMAGE_BUILD) -t galley-$$kind:dev -f Dockerfile.$$kind . || exit 1; done

chart: ## write what of the chart is made of other files: README's table, custom resources
	@tools/chart_readme.py

s3: build python ## s3:// against the server that AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY name
	@$(PYTHON_ENV)/bin/python tests/compat/s3_test.py $(BUILD)/bin

e2e: build ## the tests on the Kubernetes cluster that KUBECONFIG names: make e2e ARGS='--only fault_04'
	@tests/e2e/run.sh $(BUILD)/bin $(ARGS)

bench-k8s: build ## measure on the Kubernetes cluster that KUBECONFIG names; appends to bench/results
	@tests/e2e/run.sh $(BUILD)/bin --prepare
	@python3 bench/k8s/run.py $(BUILD) $(ARGS)

clean: ## remove the build folders
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-vector2 $(BUILD)-fuzz
