# patto: make demo | test | check | sim RUNS=20000 | attack | san | lint | ct | valgrind | fuzz T=60 | cover | e2e | install | clean
# Everything is built under $(BUILD); V=1 shows the commands.
BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
T ?= 60
PREFIX ?= /usr/local
VERSION := 0.1.0
Q := $(if $(V),,@)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wvla -Wundef \
        -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wcast-align -Wpointer-arith \
        -Wwrite-strings -Wformat=2 -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference \
        -Wdouble-promotion -Wframe-larger-than=16384 -Wenum-conversion
IS_GCC := $(shell $(CC) --version | grep -q '^gcc' && echo yes)
# Zeroed variables would hide uninitialised reads from sanitizers and memcheck.
PLAIN := $(or $(SAN),$(MEMCHECK))
HARD := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
        -fno-strict-aliasing -fPIE
HARD_GCC := -fzero-call-used-regs=used $(if $(PLAIN),,-ftrivial-auto-var-init=zero)
OPT ?= -O2
CFLAGS_ALL := -std=c17 -D_GNU_SOURCE -DPATTO_VERSION='"$(VERSION)"' -I. -I$(BUILD)/gen $(OPT) -g \
              $(WARN) $(HARD) $(if $(IS_GCC),-Wduplicated-cond -Wlogical-op $(HARD_GCC)) \
              $(if $(WERROR),-Werror) \
              $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
              $(if $(PLAIN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3) \
              $(if $(COVER),--coverage -fprofile-update=atomic) $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now,-z,noexecstack $(if $(SAN),-fsanitize=$(SAN)) \
               $(if $(COVER),--coverage) $(LDFLAGS)
LIBS := -lseccomp -lgrpc -lgpr -lprotobuf-c -lfyaml -lsqlite3 -ljansson -lcsv -lutf8proc -lsodium -lssl \
        -lcrypto -lpthread -lm

PROTO := $(wildcard proto/*.proto)
GEN_C := $(PROTO:%.proto=$(BUILD)/gen/%.pb-c.c)
GEN_O := $(GEN_C:%.c=%.o)
SRC := $(wildcard crypto/base/*.c crypto/*.c policy/*.c proto/*.c node/*.c)
LIB_O := $(patsubst %.c,$(BUILD)/%.o,$(filter-out node/main.c,$(SRC))) $(GEN_O) \
         $(if $(PROTO),$(BUILD)/gen/descriptors.o)
LIB := $(BUILD)/libpatto.a
TEST_C := $(wildcard tests/crypto/*_test.c tests/policy/*_test.c tests/proto/*_test.c \
                     tests/node/*_test.c tests/sim/*_test.c)
ATTACK := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/attack/*_test.c))
TEST := $(TEST_C:%.c=$(BUILD)/%) $(ATTACK)
FUZZ_C := $(wildcard tests/fuzz/fuzz_*.c)
REPLAY := $(FUZZ_C:%.c=$(BUILD)/%_replay)
HELP_O := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*.c))

all: $(BUILD)/patto

$(BUILD)/patto: $(BUILD)/node/main.o $(LIB)
	@echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(LIB): $(LIB_O)
	$(Q)rm -f $@ && ar rcs $@ $^

# Generated code: protobuf-c's for the two services, descriptors for reflection.
$(BUILD)/gen/proto/%.pb-c.c $(BUILD)/gen/proto/%.pb-c.h: proto/%.proto
	@mkdir -p $(BUILD)/gen
	$(Q)protoc-c -I. --c_out=$(BUILD)/gen $<
$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE -I. -I$(BUILD)/gen $(OPT) -g -w $(HARD) \
	    $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all) -c -o $@ $<
$(BUILD)/gen/descriptors.c: $(PROTO) scripts/descriptors.sh
	@mkdir -p $(@D)
	$(Q)sh scripts/descriptors.sh $(PROTO) > $@
GEN_H := $(PROTO:%.proto=$(BUILD)/gen/%.pb-c.h)

$(BUILD)/%.o: %.c | $(GEN_H)
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS_ARCH) -MMD -MP -c -o $@ $<

# Lanes of points: chosen at run time, so only these files may use these instructions. At -O3 their limb
# loops unroll, which is a factor of four; their tables of points need large frames. Their functions
# neither clear registers on return nor set what they will write at once: their callers wipe, and the
# outermost ones clear all registers (group_chunk.h).
ifeq ($(shell uname -m),x86_64)
UNSET := $(if $(IS_GCC),$(if $(PLAIN),,-ftrivial-auto-var-init=uninitialized))
LANES := $(if $(PLAIN),,-O3) $(if $(IS_GCC),-fzero-call-used-regs=skip) $(UNSET)
IFMA := -mavx512f -mavx512ifma -mavx512dq -mavx512vl -mavx512bw
AVX2_FMA := -mavx2 -mfma -ffp-contract=off
# Its sums in the order they are written, and another register where gcc's scheduler would wait for one.
IN_ORDER := $(if $(PLAIN),,$(if $(IS_GCC),-fno-tree-ter -frename-registers))
$(BUILD)/crypto/group_ifma.o: CFLAGS_ARCH := $(IFMA) $(LANES) $(IN_ORDER) -Wframe-larger-than=98304
$(BUILD)/crypto/group_avx2.o: CFLAGS_ARCH := $(AVX2_FMA) $(LANES) -Wframe-larger-than=65536
$(BUILD)/tests/crypto/fe_ifma_test.o: CFLAGS_ARCH := $(IFMA)
$(BUILD)/tests/crypto/fe_avx2_test.o $(BUILD)/tests/crypto/double_mod_test.o: CFLAGS_ARCH := $(AVX2_FMA)
$(BUILD)/crypto/sha512_x8.o: CFLAGS_ARCH := -mavx512f -mavx512bw
$(BUILD)/crypto/sha512_x4.o: CFLAGS_ARCH := -mavx2
$(BUILD)/crypto/blake2b_tree_x4.o: CFLAGS_ARCH := -mavx2
$(BUILD)/crypto/blake2b_tree_x8.o: CFLAGS_ARCH := -mavx512f -mavx512bw
endif

# Here -O3 is what makes the compiler use vectors in plain C.
$(BUILD)/crypto/dot.o: CFLAGS_ARCH := $(if $(PLAIN),,-O3)
ifeq ($(shell uname -m),x86_64)
$(BUILD)/crypto/dot_avx2.o: CFLAGS_ARCH := -mavx2 $(if $(PLAIN),,-O3)
$(BUILD)/crypto/dot_ifma.o: CFLAGS_ARCH := -mavx512f -mavx512bw -mavx512vl -mavx512vnni \
                                           $(if $(PLAIN),,-O3)
$(BUILD)/crypto/block_avx2.o $(BUILD)/crypto/membership_avx2.o: CFLAGS_ARCH := $(AVX2_FMA) $(if $(PLAIN),,-O3)
$(BUILD)/crypto/aes_x4.o: CFLAGS_ARCH := -mavx512f -mavx512bw -mvaes -maes
$(BUILD)/crypto/aes_x2.o: CFLAGS_ARCH := -mavx2 -mvaes -maes
$(BUILD)/crypto/aes_x1.o: CFLAGS_ARCH := -mavx2 -maes
$(BUILD)/crypto/digit_sum_avx2.o: CFLAGS_ARCH := -mavx2 $(if $(PLAIN),,-O3)
# Arrays of registers, written before they are read, would be set to zero first each time around a loop.
$(BUILD)/crypto/block_ifma.o $(BUILD)/crypto/membership_ifma.o: CFLAGS_ARCH := $(IFMA) $(if $(PLAIN),,-O3) $(UNSET)
endif
$(BUILD)/crypto/block_portable.o $(BUILD)/crypto/residues.o $(BUILD)/crypto/digit_sum.o \
$(BUILD)/crypto/membership_portable.o $(BUILD)/crypto/membership.o: \
    CFLAGS_ARCH := $(if $(PLAIN),,-O3)

# Two hundred programs are linked faster, and a tenth as large, by gold and without what debuggers read:
# `make DEBUG=1` keeps it, as do builds for sanitizers and memcheck.
LDFLAGS_MANY := $(if $(shell command -v ld.gold),-fuse-ld=gold) $(if $(PLAIN)$(COVER)$(DEBUG),,-Wl,-S)

# Tests: a program a module. Objects named in X_test.objs replace library members (a seam for
# tests only: the product has no such switch).
$(BUILD)/tests/%_test: $(BUILD)/tests/%_test.o $(HELP_O) $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) $(LDFLAGS_MANY) $(LDFLAGS_TEST) -o $@ $(filter %.o,$^) $(LIB) -lcmocka $(LIBS)
# The AVX-512 paths on any machine with AVX2: their instructions in plain C (tests/emulated/avx512.h), the
# same tests. Objects named first stand in for the library's.
EMULATED_O := $(patsubst %,$(BUILD)/tests/emulated/%.o,group_ifma block_ifma dot_ifma membership_ifma sha512_x8 \
                blake2b_tree_x8 aes_x4 cpu)
EMULATED := $(patsubst %,$(BUILD)/tests/emulated/%_test,fe_ifma group oprf block dot membership sha512_each \
              blake2b_tree aes_wide rlwe inner)
AS_IF := -O3 -mavx2 -maes -mpclmul -Wno-psabi -Wno-attributes -Wno-frame-larger-than -include tests/emulated/avx512.h
$(BUILD)/tests/emulated/%.o: crypto/%.c tests/emulated/avx512.h | $(GEN_H)
	@mkdir -p $(@D)
	@echo "  CC   $< (emulated)"
	$(Q)$(CC) $(CFLAGS_ALL) $(AS_IF) -MMD -MP -c -o $@ $<
$(BUILD)/tests/emulated/fe_ifma_test.o: tests/crypto/fe_ifma_test.c tests/emulated/avx512.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(AS_IF) -MMD -MP -c -o $@ $<
$(BUILD)/tests/emulated/%_test: $(BUILD)/tests/crypto/%_test.o $(EMULATED_O) $(HELP_O) $(LIB)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(LIB) -lcmocka $(LIBS)
$(BUILD)/tests/emulated/fe_ifma_test: $(BUILD)/tests/emulated/fe_ifma_test.o $(EMULATED_O) $(HELP_O) $(LIB)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(LIB) -lcmocka $(LIBS)
# Programs in which memory ends at every call in turn: tests/failing_memory.h.
MEMORY_ENDS := malloc calloc realloc aligned_alloc strdup sodium_malloc mmap
CIPHER_FAILS := EVP_CIPHER_CTX_new EVP_CIPHER_CTX_copy EVP_EncryptUpdate \
                crypto_pwhash_scryptsalsa208sha256
YAML_FAILS := fy_diag_create fy_parser_create fy_parser_set_string
$(BUILD)/tests/policy/policy_memory_test: \
    LDFLAGS_TEST := $(MEMORY_ENDS:%=-Wl,--wrap=%) $(YAML_FAILS:%=-Wl,--wrap=%)
$(BUILD)/tests/crypto/proof_memory_test: \
    LDFLAGS_TEST := $(MEMORY_ENDS:%=-Wl,--wrap=%) \
                    -Wl,--wrap=EVP_CIPHER_CTX_new -Wl,--wrap=EVP_CIPHER_CTX_copy
$(BUILD)/tests/crypto/crypto_memory_test: \
    LDFLAGS_TEST := $(MEMORY_ENDS:%=-Wl,--wrap=%) $(CIPHER_FAILS:%=-Wl,--wrap=%)
# A file system without O_TMPFILE.
$(BUILD)/tests/node/spool_test: LDFLAGS_TEST := -Wl,--wrap=open
# Simulated nodes, among them a liar: tests/sim/sim.h.
SIM_O := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/sim/sim_*.c))
$(BUILD)/tests/sim/hostile_test: $(SIM_O)
$(BUILD)/tests/sim/hostile_test: LDFLAGS_TEST := -Wl,--wrap=wire_encode
# A prover that lies consistently: tests/proof_lies.h.
LIES := membership_classes membership_table_make rlwe_key_secret
$(BUILD)/tests/crypto/column_cheat_test $(BUILD)/tests/attack/heavy_test: \
    LDFLAGS_TEST := $(LIES:%=-Wl,--wrap=%)
# What attacks win when a defence is taken out: the noise; what keys it.
$(BUILD)/tests/attack/noiseless_test: \
    LDFLAGS_TEST := -Wl,--wrap=noise_gauss -Wl,--wrap=noise_laplace
$(BUILD)/tests/attack/unkeyed_test: LDFLAGS_TEST := -Wl,--wrap=hash_parts -Wl,--wrap=prf_derive
$(BUILD)/tests/fuzz/%_replay: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/main.o $(LIB)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(BUILD)/lattice-bench: $(BUILD)/tests/bench/lattice_bench.o $(LIB)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(BUILD)/demo-page: $(LIB)
$(BUILD)/demo-data $(BUILD)/demo-check $(BUILD)/demo-page: $(BUILD)/demo-%: $(BUILD)/tests/demo/demo_%.o
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
# A node that cheats, for e2e/replay.sh alone.
DEVIANT := rlwe_encrypt_columns noise_gauss columns_evaluator epoch_column_seed rlwe_blocks_valid \
           noise_laplace columns_any shuffle_dummies column_verifier_check columns_recipient
$(BUILD)/patto-deviant: $(BUILD)/node/main.o $(BUILD)/tests/deviant/deviant.o $(LIB)
	$(Q)$(CC) $(LDFLAGS_ALL) $(DEVIANT:%=-Wl,--wrap=%) -o $@ $^ $(LIBS)
$(BUILD)/ingest-bench: $(BUILD)/tests/bench/ingest_bench.o $(LIB)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# Constant-time programs: crypto alone, run under memcheck by scripts/ct.sh.
CT := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/ct/ct_*.c))
CRYPTO_O := $(patsubst %.c,$(BUILD)/%.o,$(wildcard crypto/base/*.c crypto/*.c))
$(BUILD)/tests/ct/ct_%: $(BUILD)/tests/ct/ct_%.o $(BUILD)/tests/ct/secret.o $(CRYPTO_O)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lsodium -lcrypto -lm
ct-programs: $(CT)

tests: $(TEST) $(REPLAY) $(BUILD)/patto-deviant

deps:
	@sh scripts/deps.sh

# Unit, vector, fuzz-corpus replay and simulation: no network, no privileges.
check: $(TEST) $(REPLAY)
	@BUILD=$(BUILD) sh scripts/run-tests.sh $(TEST) $(REPLAY)

# The attacks of tests/attack/ as a table, each of so many trials: some minutes.
TRIALS ?= 10000
attack: deps
	@$(MAKE) --no-print-directory $(ATTACK)
	@BUILD=$(BUILD) PATTO_ATTACK_TRIALS=$(TRIALS) sh scripts/attack.sh $(ATTACK)

test: deps
	@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) $(BUILD)/patto $(BUILD)/demo-data \
		$(BUILD)/demo-check $(BUILD)/demo-page tests
	@BUILD=$(BUILD) sh scripts/run-tests.sh --e2e $(TEST) $(REPLAY)

e2e: $(BUILD)/patto $(BUILD)/demo-data $(BUILD)/demo-check $(BUILD)/demo-page $(BUILD)/patto-deviant
	@BUILD=$(BUILD) sh scripts/run-tests.sh --e2e

demo: deps
	@$(MAKE) --no-print-directory $(BUILD)/patto $(BUILD)/demo-data $(BUILD)/demo-check
	@BUILD=$(BUILD) sh scripts/demo.sh

# What `make check` runs on a machine with AVX-512, on one with AVX2.
emulated: deps
	@$(MAKE) --no-print-directory $(EMULATED)
	@BUILD=$(BUILD) sh scripts/run-tests.sh $(EMULATED)

san: deps
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/san CC=clang SAN=address,undefined check

lint: deps
	@BUILD=$(BUILD) sh scripts/lint.sh

ct: deps
	@BUILD=$(BUILD)/ct sh scripts/ct.sh

# Memcheck over all but crypto/, which `make ct` and `make san` cover: some five minutes. Threads
# take turns (fair-sched), or a test's deadline passes before its other end is heard.
# Nor over the filter of system calls: memcheck makes its own inside the process.
MEM_TEST := $(filter-out $(BUILD)/tests/crypto/% $(BUILD)/tests/sim/% $(BUILD)/tests/attack/% \
                         $(BUILD)/tests/node/sandbox_test,$(TEST))
valgrind: deps
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/mem MEMCHECK=1 memcheck
memcheck: $(MEM_TEST)
	@BUILD=$(BUILD) UNDER="valgrind -q --leak-check=full --show-leak-kinds=definite \
	    --errors-for-leak-kinds=definite --error-exitcode=9 --fair-sched=try \
	    --child-silent-after-fork=yes" sh scripts/run-tests.sh $(MEM_TEST)

# RUNS seeds of the simulation: so many are every deviation there is, and weather. SEED=n: that one.
RUNS ?= 20000
sim: $(BUILD)/tests/sim/hostile_test
	@PATTO_SIM_RUNS=$(RUNS) $(if $(SEED),PATTO_SIM_SEED=$(SEED)) $<

fuzz: deps
	@BUILD=$(BUILD)/fuzz sh scripts/fuzz.sh $(T)

cover: deps
	@BUILD=$(BUILD)/cover sh scripts/cover.sh

print-libs: # for scripts that link by themselves
	@echo $(LIBS)

install: $(BUILD)/patto
	install -D -m 0755 $(BUILD)/patto $(DESTDIR)$(PREFIX)/bin/patto
	$(BUILD)/patto man >$(BUILD)/patto.1
	$(BUILD)/patto completion bash >$(BUILD)/patto.bash
	$(BUILD)/patto completion zsh >$(BUILD)/patto.zsh
	install -D -m 0644 $(BUILD)/patto.1 $(DESTDIR)$(PREFIX)/share/man/man1/patto.1
	install -D -m 0644 $(BUILD)/patto.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/patto
	install -D -m 0644 $(BUILD)/patto.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_patto

clean:
	rm -rf $(BUILD)

.PHONY: all deps tests ct-programs check sim attack test e2e demo emulated san lint ct valgrind memcheck fuzz cover install clean print-libs
.PRECIOUS: $(BUILD)/%.o $(BUILD)/gen/proto/%.pb-c.c $(BUILD)/gen/proto/%.pb-c.h
-include $(LIB_O:.o=.d) $(BUILD)/node/main.d $(HELP_O:.o=.d) $(wildcard $(BUILD)/tests/*/*.d)
