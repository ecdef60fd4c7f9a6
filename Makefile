# mayfly: one Makefile, no recursion into folders. Everything built lands in build/$(MODE)/.
#   make MODE=debug|release|static|asan|cover|analyze|fuzz   V=1 shows the commands   DEVELOPER=1 adds -Werror
VERSION := 0.1.0
MODE    ?= debug
ARCH    ?= $(shell uname -m)
BUILD   := build/$(MODE)$(if $(filter static,$(MODE)),/$(ARCH))
PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc 2>/dev/null || echo 1)
parallel = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))
Q       := $(if $(V),,@)
.DEFAULT_GOAL := all
ifeq ($(origin CC),default)
CC      := $(if $(filter fuzz,$(MODE)),$(shell command -v clang-14 || echo clang),gcc)
endif
PKG_CONFIG ?= pkg-config
PACKAGES   := libcurl libcjson libsodium zlib sqlite3 expat yaml-0.1
MODES      := debug release static asan cover analyze fuzz
$(if $(filter $(MODES),$(MODE)),,$(error MODE=$(MODE) is unknown, it is one of: $(MODES)))

# --- Flags. What the environment brings in CPPFLAGS, CFLAGS, LDFLAGS is added, never replaced.
# GCC's warnings count; clang, which builds the fuzzers, may have another opinion.
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wvla -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough -Wundef \
	-Wcast-qual -Wwrite-strings \
	$(if $(filter fuzz,$(MODE)),-Wno-format-nonliteral,$(if $(DEVELOPER),-Werror))
cflags_debug    := -O1 -g
cflags_release  := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
ldflags_release := -pie -Wl,-z,relro,-z,now
cflags_static   := -Os -fPIE -fstack-protector-strong -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-ident \
	$(if $(filter aarch64,$(ARCH)),-mno-outline-atomics)
# Debian's linker packs relocations on x86 alone.
ldflags_static   = -static-pie -s \
	-Wl,--gc-sections,-z,relro,-z,now,-z,noexecstack,-Map=$@.map \
	$(if $(filter x86_64,$(ARCH)),-z pack-relative-relocs)
cflags_asan     := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
ldflags_asan    := -fsanitize=address,undefined
cflags_cover    := -O0 -g --coverage
ldflags_cover   := --coverage
cflags_analyze  := -O2 -fanalyzer
cflags_fuzz     := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
ldflags_fuzz    := -fsanitize=fuzzer,address,undefined

include packaging/static/static.mk

# Asked once, and only when something is compiled, so that `make setup` works without pkg-config.
packages = $(eval packages := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null) \
	$(if $(filter yes,$(shell $(PKG_CONFIG) --exists $(PACKAGES) 2>/dev/null && echo yes)),,\
	$(error $(PKG_CONFIG) does not find $(PACKAGES): run `make setup`)))$(packages)
libraries = $(eval libraries := $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lm)$(libraries)
ifeq ($(MODE),static)
CC        := $(LIBRARY_FOLDER)/root/bin/musl-gcc
packages  :=
libraries := -lcurl -lmbedtls -lmbedx509 -lmbedcrypto -lz -lcjson -lsodium -lsqlite3 -lexpat -lyaml
STAMPS    := $(LIBRARIES:%=$(LIBRARY_FOLDER)/%.stamp)
endif
compile = $(CC) -std=gnu11 -D_GNU_SOURCE -I. -DMAYFLY_VERSION='"$(VERSION)"' $(WARN) \
	-ffile-prefix-map=$(CURDIR)=. $(cflags_$(MODE)) $(packages) $(CPPFLAGS) $(CFLAGS)
link = $(CC) $(ldflags_$(MODE)) -Wl,--as-needed $(LDFLAGS)

# --- Files. The programs share common/ and nothing else; a unit test sees everything but a main.
COMMON    := $(sort $(wildcard common/*.c))
BOOTSTRAP := $(filter-out bootstrap/main.c,$(sort $(wildcard bootstrap/*.c)))
REAPER    := $(filter-out reaper/main.c,$(sort $(wildcard reaper/*.c reaper/*/*.c)))
UNITS     := $(sort $(wildcard tests/unit/test_*.c))
SUPPORT   := $(sort $(wildcard tests/unit/support/*.c))
DRIVERS   := $(sort $(wildcard tests/contract/*.c tests/peers/*.c tests/vectors/*.c tests/aws/*.c))
SIMULATOR := $(sort $(wildcard tests/simulation/*.c))
FUZZERS   := $(sort $(wildcard tests/fuzz/fuzz_*.c))
PRODUCT   := $(COMMON) $(BOOTSTRAP) $(REAPER) $(wildcard bootstrap/main.c reaper/main.c)
BENCHES   := $(sort $(wildcard tests/bench/*.c))
SOURCES   := $(PRODUCT) $(UNITS) $(SUPPORT) $(DRIVERS) $(SIMULATOR) $(BENCHES) $(FUZZERS) tests/fuzz/replay.c
PROGRAMS  := $(BUILD)/mayfly-bootstrap $(BUILD)/mayfly-reaper
object     = $(patsubst %.c,$(BUILD)/%.o,$(1))

# A file of templates/ becomes a C array: schema_<name> (common/schemas.h, in both programs),
# prices_<provider> (reaper/money/price_tables.h), trace_<name> (tests/simulation/traces.h).
SCHEMAS              := schema_reaper_config schema_ticket schema_bundle
PRICES               := prices_aws prices_gcp
schema_reaper_config := templates/mayfly-reaper.schema.json
schema_ticket        := templates/ticket.schema.json
schema_bundle        := templates/bundle.schema.json
prices_aws           := templates/prices-aws.csv
prices_gcp           := templates/prices-gcp.csv
trace_office         := templates/traces/office.csv
trace_steady         := templates/traces/steady.csv
trace_sweep          := templates/traces/sweep.csv
header_schema        := common/schemas.h
header_prices        := reaper/money/price_tables.h
header_trace         := tests/simulation/traces.h
header_of             = $(header_$(firstword $(subst _, ,$(1))))
SHARED    := $(call object,$(COMMON)) $(SCHEMAS:%=$(BUILD)/templates/%.o)
TABLES    := $(PRICES:%=$(BUILD)/templates/%.o)
TRACES    := $(patsubst templates/traces/%.csv,$(BUILD)/templates/trace_%.o,$(sort $(wildcard templates/traces/*.csv)))
MODULES   := $(SHARED) $(TABLES) $(call object,$(BOOTSTRAP) $(REAPER))

TESTS     := $(UNITS:%.c=$(BUILD)/%)
SIMULATE  := $(BUILD)/tests/simulation/simulate
REPLAYS   := $(FUZZERS:%.c=$(BUILD)/%)
ENVIRONMENT := venv
PYTEST     = MAYFLY_BUILD="$(CURDIR)/$(BUILD)" PYTHONDONTWRITEBYTECODE=1 \
	timeout --foreground -k 30 3000 \
	.deps/$(ENVIRONMENT)/bin/python -m pytest -q -p no:cacheprovider $(PYTEST_FLAGS)

.SECONDARY:
.SECONDEXPANSION:
.DELETE_ON_ERROR:
.PHONY: all setup setup-developer test test-all stages demo agent-image unit replay \
	valgrind contract vectors pages write-pages write-aws-shapes machine test-machine test-vectors simulate bench peers aws test-aws images whole unit-programs asan analyze fuzz cover mutants mutants-simulation gates format install help clean FORCE

# --- What a user calls.
all: $(PROGRAMS) ## build the two programs (MODE=release for one to ship)

setup: ## install what the build, the tests and the demo need; a no-op when it is there
	$(Q)sh tests/setup.sh user

test: setup ## set up, build, and run every test but the slow ones
	$(Q)$(MAKE) --no-print-directory stages STAGES="unit replay simulate valgrind contract vectors pages peers aws images machine whole check-static packages"

test-all: setup ## `make test`, and the slow tests with it
	$(Q)$(MAKE) --no-print-directory stages STAGES="unit replay simulate valgrind contract vectors pages peers aws images machine whole check-static packages test-machine" \
		PYTEST_FLAGS="$(PYTEST_FLAGS) --slow"

demo: setup ## a whole life on this machine: reaper, machines, tasks; AGENT=docker|host
	$(Q)$(MAKE) --no-print-directory $(parallel) all
	$(Q)MAYFLY_BUILD="$(CURDIR)/$(BUILD)" .deps/venv/bin/python tests/whole/demo.py \
		--agent "$(AGENT)" $(DEMO_FLAGS)

install: ## install programs, units, manuals and templates under DESTDIR and PREFIX (/usr/local)
	$(Q)$(MAKE) --no-print-directory $(parallel) MODE=release all
	$(Q)for program in mayfly-bootstrap mayfly-reaper; do \
		sh packaging/install.sh $$program build/release/$$program "$(PREFIX)" "$(DESTDIR)" || exit 1; \
	done
	@echo "  units are in $(PREFIX)/lib/systemd/system; systemd-sysusers makes the reaper's user mayfly"

# The agent's version in AGENT=, the image's name in TAG=, another docker CLI for it in DOCKER_CLI=.
agent-image: setup ## the image of clearml-agent, loaded into docker (that of DOCKER_HOST)
	$(Q)mkdir -p build
	$(Q).deps/venv/bin/python packaging/container/agent/build.py --agent $(agent_version) \
		--tag $(or $(TAG),mayfly/clearml-agent:$(agent_version)) \
		$(if $(DOCKER_CLI),--docker-cli $(DOCKER_CLI)) --output build/agent-image.tar
	$(Q)docker load --input build/agent-image.tar
agent_version = $(or $(AGENT),3.0.3)

# --- The stages of `make test`. Each one runs to its end; the failed ones are named at the end.
stages:
	$(Q)$(MAKE) --no-print-directory $(parallel) all unit-programs
	$(Q)failed=; for stage in $(STAGES); do \
		began=$$(date +%s); \
		$(MAKE) --no-print-directory $$stage || failed="$$failed $$stage"; \
		echo "--- $$stage: $$(($$(date +%s) - began)) s"; done; \
	if [ "$$failed" ]; then echo "FAILED:$$failed"; exit 1; fi; echo "passed: $(STAGES)"

unit-programs: $(TESTS) $(REPLAYS) $(SIMULATE) $(DRIVERS:%.c=$(BUILD)/%) $(BENCHES:%.c=$(BUILD)/%)

unit: $(TESTS) ## the unit tests, one line a program
	$(Q)JOBS=$(JOBS) sh tests/run.sh $(TESTS)

replay: $(REPLAYS) ## the fuzz targets over their saved inputs
	$(Q)JOBS=$(JOBS) sh tests/run.sh $(REPLAYS)

# Not test_child: what it looks at (descriptors, signals, the parent's death) valgrind has for itself.
valgrind: $(TESTS) ## the unit tests under valgrind
	$(Q)JOBS=$(JOBS) RUN_UNDER="valgrind -q --error-exitcode=9 --leak-check=full" \
		sh tests/run.sh $(filter-out %/test_child,$(TESTS))

contract: $(PROGRAMS) $(DRIVERS:%.c=$(BUILD)/%) ## the ClearML stand-in held to what a real server answered
	$(Q)$(PYTEST) tests/contract

vectors: $(PROGRAMS) $(DRIVERS:%.c=$(BUILD)/%) ## age and minisign: the published vectors, and the tools of those names
	$(Q)$(PYTEST) -rs tests/vectors

test-vectors: setup ## the same, with set-up; says how many of each
	$(Q)$(MAKE) --no-print-directory $(parallel) all unit-programs
	$(Q)$(MAKE) --no-print-directory vectors

simulate: $(SIMULATE) ## seeded worlds, faults in all places: SEEDS=1000 FIRST_SEED=1
	$(Q)$(SIMULATE) --cases
	$(Q)$(SIMULATE) --list tests/simulation/seeds.txt
	$(Q)$(SIMULATE) --jobs $(JOBS) --seeds $(or $(SEEDS),1000) --first $(or $(FIRST_SEED),1)

bench: ## how long a pass over 10,000 instances plans, in how much memory, and how both grow
	$(Q)$(MAKE) --no-print-directory $(parallel) MODE=release build/release/tests/bench/plan_bench
	$(Q)build/release/tests/bench/plan_bench

pages: $(PROGRAMS) ## manuals and completion: are they what the tables say, do they work?
	$(Q)$(PYTEST) -rs tests/pages

peers: $(PROGRAMS) $(DRIVERS:%.c=$(BUILD)/%) ## what talks to docker, against an engine and a registry that tests start
	$(Q)$(PYTEST) -rs tests/peers

# With boto3, botocore's models and moto, which are in an environment of their own.
aws: ENVIRONMENT := aws
aws: $(PROGRAMS) $(DRIVERS:%.c=$(BUILD)/%) ## what talks to AWS, against moto and botocore's models
	$(Q)$(PYTEST) -rs tests/aws

test-aws: setup ## the same, with set-up
	$(Q)$(MAKE) --no-print-directory $(parallel) all unit-programs
	$(Q)$(MAKE) --no-print-directory aws

machine: $(PROGRAMS) ## lives under systemd as a container's init, each up to power-off
	$(Q)$(PYTEST) -rs tests/machine

test-machine: setup static ## the same lives and more, in virtual machines with a kernel and a disk of their own
	$(Q)sh tests/setup.sh machine
	$(Q)$(MAKE) --no-print-directory $(parallel) all
	$(Q)$(PYTEST) -rs --durations=0 --durations-min=2 --machine=virtual tests/machine

images: $(PROGRAMS) $(DRIVERS:%.c=$(BUILD)/%) ## packaging/: container image, packer templates, user data; what cannot run here says so
	$(Q)$(PYTEST) -rs tests/images

# They wait more than they work: a file of them a processor.
whole: $(PROGRAMS) ## reaper, machines and the real clearml-agent together, also killed midway
	$(Q)$(PYTEST) -n $(JOBS) --dist loadfile tests/whole

# --- What a developer calls.
setup-developer: ## what fuzz, analyze and gates need on top: clang, cppcheck, shellcheck, ...
	$(Q)sh tests/setup.sh developer

asan: ## unit tests and replay under AddressSanitizer and UBSan
	$(Q)$(MAKE) --no-print-directory $(parallel) MODE=asan DEVELOPER=1 unit-programs
	$(Q)$(MAKE) --no-print-directory MODE=asan DEVELOPER=1 unit replay

analyze: ## GCC's analyzer, then clang-tidy and cppcheck where they are installed
	$(Q)$(MAKE) --no-print-directory $(parallel) MODE=analyze DEVELOPER=1 objects
	$(Q)$(MAKE) --no-print-directory compile_commands.json
	$(Q)JOBS=$(JOBS) sh tests/analyze.sh $(PRODUCT)

# Not the unit tests: the analyzer does not know that a failed assertion of cmocka ends the test.
objects: $(call object,$(PRODUCT) $(DRIVERS) $(FUZZERS) tests/fuzz/replay.c)

fuzz: ## libFuzzer over each target, SECONDS_EACH=60 (needs clang: make setup-developer)
	$(Q)$(MAKE) --no-print-directory $(parallel) MODE=fuzz fuzzers
	$(Q)SECONDS_EACH=$(or $(SECONDS_EACH),60) JOBS=$(JOBS) sh tests/fuzz.sh $(FUZZERS:%.c=build/fuzz/%)

fuzzers: $(REPLAYS)

.PHONY: bench-policy
bench-policy: $(BUILD)/tests/bench/policy ## mayfly, ClearML's autoscaler and a lower bound on the shipped traces
	$(Q)$< tests/bench/policy.json $(sort $(wildcard templates/traces/*.csv))

cover: ## line coverage of the unit tests and the replay, per file
	$(Q)find build/cover -name '*.gcda' -delete 2>/dev/null || true
	$(Q)$(MAKE) --no-print-directory $(parallel) MODE=cover unit-programs
	$(Q)$(MAKE) --no-print-directory -k MODE=cover unit replay || echo "(a map of what ran)"
	$(Q)sh tests/cover.sh $(filter-out %/main.c,$(PRODUCT))

gates: all unit-programs ## the house rules that a machine can check, and the check of the checks
	$(Q)sh tests/gates.sh $(BUILD)
	$(Q)sh tests/gates_test.sh $(BUILD)

format: ## rewrite the C sources with clang-format 14
	$(Q)clang-format-14 -i $(shell find bootstrap common reaper tests -name '*.[ch]')

write-pages: $(PROGRAMS) ## write manuals and completion anew from the tables of options and the schema
	$(Q)python3 packaging/pages.py $(BUILD)

write-aws-shapes: ## write the table of EC2's requests anew from the model of the pinned botocore
	$(Q)cd tests && ../.deps/aws/bin/python -m aws.write_shapes > ../reaper/providers/aws_shapes.c.new
	$(Q)mv reaper/providers/aws_shapes.c.new reaper/providers/aws_shapes.c

mutants: mutants-unit mutants-simulation ## both kinds: do the unit tests, and the simulator, notice them?

mutants-unit: $(TESTS) ## one operator of a deciding module changed at a time: does a unit test notice?
	$(Q).deps/venv/bin/python tests/mutate.py $(MODULE)

mutants-simulation: $(SIMULATE) ## known bugs put back, one at a time: does the simulator notice? SEEDS=1000
	$(Q)SEEDS=$(or $(SEEDS),1000) .deps/venv/bin/python tests/simulation/mutate.py

compile_commands.json: Makefile $(SOURCES) ## for clangd, clang-tidy and include-what-you-use
	@echo "  GEN $@"
	$(Q){ printf '['; comma=; for f in $(SOURCES); do printf '%s\n{"directory": "%s", "file": "%s", "command": "%s"}' \
		"$$comma" "$(CURDIR)" "$$f" '$(subst ','\'',$(subst ",\",$(compile))) -c '"$$f"; comma=,; done; printf '\n]\n'; } > $@

help: ## this list
	@awk -F':.*## ' '/^[a-z_.-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' Makefile \
		packaging/static/static.mk

clean: ## remove everything that was built (not what set-up made: that is .deps/)
	$(Q)rm -rf build compile_commands.json

# --- Rules.
$(BUILD)/mayfly-bootstrap: $(call object,bootstrap/main.c $(BOOTSTRAP)) $(SHARED)
$(BUILD)/mayfly-reaper: $(call object,reaper/main.c $(REAPER)) $(SHARED) $(TABLES)
$(PROGRAMS):
	@echo "  LD  $@"
	$(Q)$(link) $^ $(libraries) -o $@

$(BUILD)/tests/unit/test_%: $(BUILD)/tests/unit/test_%.o $(call object,$(SUPPORT)) $(MODULES)
	@echo "  LD  $@"
	$(Q)$(link) $^ $(libraries) -lcmocka -o $@

# What a Python test drives: a module of ours behind standard input and output.
$(DRIVERS:%.c=$(BUILD)/%): %: %.o $(call object,tests/unit/support/driven.c) $(MODULES)
	@echo "  LD  $@"
	$(Q)$(link) $^ $(libraries) -o $@

# The simulator: seeded worlds, and what must hold in them.
# What it is linked with is written beside it, for mutate.py.
$(SIMULATE): $(call object,$(SIMULATOR)) $(TRACES) $(MODULES)
	@echo "  LD  $@"
	$(Q)$(link) $^ $(libraries) -o $@
	$(Q)echo '$^ $(libraries)' > $@.link

# Built with the tests, so that they link; run by `make bench` and `make bench-policy`.
$(BENCHES:%.c=$(BUILD)/%): %: %.o $(MODULES)
	@echo "  LD  $@"
	$(Q)$(link) $^ $(libraries) -o $@

# libFuzzer brings its own main; everywhere else replay.c is the main.
$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(MODULES) \
		$(if $(filter fuzz,$(MODE)),,$(call object,tests/fuzz/replay.c))
	@echo "  LD  $@"
	$(Q)$(link) $^ $(libraries) -o $@

$(BUILD)/%.o: %.c $(BUILD)/flags $(STAMPS)
	@mkdir -p $(@D)
	@echo "  CC  $<"
	$(Q)$(compile) -MMD -MP -c $< -o $@

$(BUILD)/templates/%.o: $(BUILD)/templates/%.c $(BUILD)/flags $(STAMPS)
	$(Q)$(compile) -c $< -o $@

# Octal character constants, and not numbers: they fit a signed char without a warning.
$(BUILD)/templates/%.c: $$($$*) Makefile
	@mkdir -p $(@D)
	@echo "  GEN $@"
	$(Q){ printf '#include "%s"\n\nconst char %s[] = {\n' $(call header_of,$*) $*; \
		od -An -v -to1 $< | sed "s/ *\([0-7][0-7][0-7]\)/'\\\\\1',/g"; \
		printf '0\n};\nconst size_t %s_len = sizeof(%s) - 1;\n' $* $*; } > $@

# Other flags than last time rebuild everything.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(compile))' > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d $(BUILD)/*/*/*/*.d)
