# furrow: hand-written, plain targets, everything built lands in build/.
#
#   make                     the library and the programs
#   make MPICC=mpicc.mpich   the same with another MPI, in build/mpich
#   make V=1                 show the commands
#   make help                what else there is

MPICC   ?= mpicc
CXX     ?= g++
AR      ?= ar
OBJCOPY ?= objcopy
CFLAGS  ?= -O2 -g
WERROR  ?= -Werror
PREFIX  ?= /usr/local
DESTDIR ?=
SANITIZE ?=
PKG_CONFIG ?= pkg-config

VERSION := 0.1.0
SONAME  := libfurrow.so.0

# One build directory for each MPI compiler and each sanitizer; the default is plain build/.
mpi_variant  := $(filter-out mpicc,$(patsubst mpicc.%,%,$(notdir $(MPICC))))
tool_variant := $(if $(findstring thread,$(SANITIZE)),tsan,$(if $(SANITIZE),asan))
BUILD ?= $(subst / ,/,$(strip build$(addprefix /,$(mpi_variant))$(addprefix /,$(tool_variant))))

Q := $(if $(V),,@)
say = @$(if $(V),true,printf '  %-5s %s\n' $(1) $(2))

warnings := -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(WERROR)
c_flags  := -std=c11 -D_GNU_SOURCE $(CFLAGS) -ffp-contract=off $(warnings) -Wstrict-prototypes -Wmissing-prototypes \
            -fvisibility=hidden -fPIC -pthread -Ilib
cxx_flags := -std=c++17 $(CFLAGS) $(warnings) -fPIC -pthread -Itests
ld_flags := $(LDFLAGS) -Wl,--as-needed -pthread
libs     := -lm

ifneq ($(SANITIZE),)
sanitize  := -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
# TSan does not see fences and warns of each. Ours order atomic words only, so it invents no race for that.
sanitize  += $(if $(findstring thread,$(SANITIZE)),-Wno-tsan)
c_flags   += $(sanitize)
cxx_flags += $(sanitize)
ld_flags  += $(sanitize)
else
so_flags  := -Wl,-z,defs
endif

.PHONY: all programs lib
all: lib programs ## build the library and the programs (default)

# ---- the library ----------------------------------------------------------------------------------------------------

lib_sources := $(wildcard $(patsubst %,lib/%/*.c,base plan comm node journal run ops))
lib_objects := $(lib_sources:%.c=$(BUILD)/obj/%.o)
shared      := $(BUILD)/libfurrow.so
static      := $(BUILD)/libfurrow.a

lib: $(shared) $(static)

$(BUILD)/libfurrow.so.$(VERSION): $(lib_objects)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(MPICC) -shared $(ld_flags) $(so_flags) -Wl,-soname,$(SONAME) -o $@ $^ $(libs)

$(BUILD)/$(SONAME): $(BUILD)/libfurrow.so.$(VERSION)
	$(Q)ln -sf $(<F) $@

$(shared): $(BUILD)/$(SONAME)
	$(Q)ln -sf $(<F) $@

# Names that files of the library share but that do not begin with furrow must not meet a program's own: one object, in which
# they are local.
$(static): $(lib_objects)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -r -nostdlib -o $(BUILD)/furrow.o $^
	$(Q)$(OBJCOPY) --wildcard --keep-global-symbol='furrow_*' --keep-global-symbol='FURROW_*' $(BUILD)/furrow.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(BUILD)/furrow.o

# The same in pieces: some tests bring their own.
pieces := $(BUILD)/obj/pieces.a
$(pieces): $(lib_objects)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# ---- the programs: apps/NAME.c, or every source in apps/NAME/ and its folders; what they share is in apps/common/ -----

# pkg-config names of what a program needs; where one is missing the program is left out, aloud.
NEEDS_checksum   := libcrypto
NEEDS_fetch      := libcurl
NEEDS_furrow     := jansson libpcre2-8
NEEDS_mandelbrot := libpng
NEEDS_option     := jansson
NEEDS_pi         := jansson
NEEDS_quadrature := jansson

have     = $(shell $(PKG_CONFIG) --exists $(1) 2>/dev/null && echo yes)
missing  = $(strip $(foreach package,$(NEEDS_$(1)),$(if $(have_$(package)),,$(package))))
have_libpng    := $(call have,libpng)
have_jansson   := $(call have,jansson)
have_libcrypto := $(call have,libcrypto)
have_libcurl   := $(call have,libcurl)
have_libpcre2-8 := $(call have,libpcre2-8)

program_files = $(wildcard apps/$(1).c apps/$(1)/*.c apps/$(1)/*/*.c)
all_programs := $(sort $(patsubst apps/%.c,%,$(wildcard apps/*.c)) \
                       $(filter-out common,$(patsubst apps/%/,%,$(dir $(wildcard apps/*/*.c)))))
left_out     := $(foreach program,$(all_programs),$(if $(call missing,$(program)),$(program)))
the_programs := $(filter-out $(left_out),$(all_programs))

# Shared sources that include a missing library's header can't be built; only programs left out would use them.
missing_headers := $(if $(have_libpng),,-e '<png\.h>') $(if $(have_jansson),,-e '<jansson\.h>')
common_sources  := $(wildcard apps/common/*.c)
ifneq ($(strip $(missing_headers)),)
common_sources  := $(filter-out $(shell grep -l $(missing_headers) $(common_sources) /dev/null),$(common_sources))
endif
common          := $(BUILD)/obj/apps/libcommon.a

programs: $(the_programs:%=$(BUILD)/bin/%)
	@$(foreach program,$(left_out),echo "left out: $(program), because $(call missing,$(program)) is missing" >&2;):

$(common): $(common_sources:%.c=$(BUILD)/obj/%.o)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

define program_rule
$(BUILD)/bin/$(1): $$(patsubst %.c,$(BUILD)/obj/%.o,$(call program_files,$(1))) $(common) $(static)
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$(Q)$(MPICC) $(ld_flags) -o $$@ $$^ $(if $(NEEDS_$(1)),$$(shell $(PKG_CONFIG) --libs $(NEEDS_$(1)))) $(libs)
endef
$(foreach program,$(the_programs),$(eval $(call program_rule,$(program))))

# ---- the tests: unit/ one program without MPI, mpi/ one program, fault/, docs/ and attack/ a program each file --------

.PHONY: tests
tests: lib programs ## build the tests

objects     = $(patsubst %,$(BUILD)/obj/%.o,$(basename $(1)))
names       = $(patsubst tests/%.c,$(BUILD)/tests/%,$(1))
shim_common := tests/shim/test.c tests/shim/watchdog.c tests/shim/shim.cc
shim_unit   := $(BUILD)/tests/libshim-unit.a
shim_mpi    := $(BUILD)/tests/libshim-mpi.a
wrap        := $(shell sed -n 's/^  X(\([a-z_]*\), E[A-Z]*).*/-Wl,--wrap=\1/p' tests/shim/wrap.h)

unit_sources  := $(wildcard tests/unit/*.c)
fuzzers       := $(wildcard tests/fuzz/*.c)
unit_of_apps  := apps/option/closed_form.c apps/option/pairs.c $(patsubst %,apps/quadrature/%.c,heap integrands rule) \
                 $(patsubst %,apps/furrow/doctor/%.c,cores facts judge judge_cores judge_links show_text transports variables)
unit_of_apps  += apps/fetch/names.c
ifneq ($(have_libpcre2-8),)
unit_of_apps  += $(patsubst %,apps/furrow/farm/%.c,columns done gauge inputs joblog lines median order places results screen \
                   shell spill tally template template_fill values words)
unit_of_apps  += $(patsubst %,apps/furrow/farm/%.c,capture cores environment guard pieces slots start stop watch)
unit_libs     := $(shell $(PKG_CONFIG) --libs libpcre2-8)
else
unit_sources  := $(filter-out tests/unit/apps_farm_%,$(unit_sources))
fuzzers       := $(filter-out %/farm.c,$(fuzzers))
endif
simulation    := $(filter-out %/main.c %/message.c,$(wildcard tests/simulate/*.c))
mpi_sources   := $(wildcard tests/mpi/*.c tests/mpi/common/*.c)
fault_sources := $(wildcard tests/fault/*.c)
with_points   := tests/fault/conductor.c# includes a source of the library, for which it stands in
plain_sources := $(wildcard $(patsubst %,tests/%/*.c,docs hosts attack))
self_sources  := $(wildcard tests/shim/selftest/*.c)

tests: $(if $(unit_sources),$(BUILD)/tests/unit/all) $(if $(mpi_sources),$(BUILD)/tests/mpi/all) \
       $(call names,$(fault_sources) $(plain_sources) $(self_sources))

$(shim_unit): $(call objects,$(shim_common) tests/shim/alone.c)
$(shim_mpi): $(call objects,$(shim_common) tests/shim/mpi.c tests/shim/pmpi.c tests/shim/wrap.c)
$(shim_unit) $(shim_mpi):
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/unit/all: $(call objects,$(unit_sources) $(unit_of_apps) $(simulation) $(fuzzers)) $(shim_unit) $(common) $(pieces)
$(BUILD)/tests/unit/all: private libs += $(unit_libs)
$(BUILD)/tests/mpi/all: $(call objects,$(mpi_sources)) $(shim_mpi) $(static)
$(call names,$(filter-out $(with_points),$(fault_sources))): $(BUILD)/tests/fault/%: $(BUILD)/obj/tests/fault/%.o $(shim_mpi) $(static)
$(call names,$(with_points)): $(BUILD)/tests/fault/%: $(BUILD)/obj/tests/fault/%.o $(shim_mpi) $(pieces)
$(call names,$(fault_sources)): private ld_flags += $(wrap)
$(call names,$(self_sources)): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(shim_mpi) $(static)
$(call names,$(self_sources)): private ld_flags += $(wrap)
$(call names,$(plain_sources)): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(static)

$(BUILD)/tests/unit/all $(BUILD)/tests/mpi/all $(call names,$(fault_sources) $(plain_sources) $(self_sources)):
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(MPICC) $(ld_flags) -o $@ $^ $(if $(filter %.a,$(filter-out $(static) $(pieces),$^)),-lgtest -lstdc++) $(libs)

$(BUILD)/simulate/cluster: $(call objects,tests/simulate/main.c $(simulation)) $(static)
$(BUILD)/simulate/message: $(call objects,tests/simulate/message.c)
$(BUILD)/simulate/cluster $(BUILD)/simulate/message:
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(MPICC) $(ld_flags) -o $@ $^ $(libs)

# ---- objects --------------------------------------------------------------------------------------------------------

# Remembers compilers and flags: when they change, everything is built again.
.PHONY: force
flags := $(BUILD)/flags
$(flags): force
	@mkdir -p $(@D)
	@printf '%s\n' '$(MPICC) $(CXX) $(c_flags) $(cxx_flags) $(ld_flags)' | cmp -s - $@ || \
	  printf '%s\n' '$(MPICC) $(CXX) $(c_flags) $(cxx_flags) $(ld_flags)' > $@

$(BUILD)/obj/apps/%.o: private c_flags += -Iapps -Iapps/common
$(BUILD)/obj/tests/%.o: private c_flags += -Itests -Iapps

$(BUILD)/obj/%.o: %.c $(flags)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(MPICC) $(c_flags) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.cc $(flags)
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(cxx_flags) -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ---- what people type -----------------------------------------------------------------------------------------------

# The targets below build by calling make again: what install-deps brought is seen, and all cores are used.
again = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: run test check bench attack simulate sanitize valgrind battery fuzz docs install uninstall clean help

run: ## install what is missing, build, and run parallel Monte Carlo on all cores
	@scripts/install-deps
	@$(again) all
	@BUILD=$(BUILD) scripts/montecarlo

test: ## install what is missing, build and run all tests
	@scripts/install-deps --test
	@$(again) tests
	@BUILD=$(BUILD) MPICC='$(MPICC)' tests/run $(GROUPS)

check: ## format, lint, layers, public headers, exported symbols
	@scripts/install-deps --check
	@$(again) lib
	@BUILD=$(BUILD) MPICC='$(MPICC)' scripts/check

bench: ## run the benchmark against its peers (BENCH=quick: a minute and a half)
	@scripts/install-deps --bench
	@$(again) all
	@BUILD=$(BUILD) MPICC='$(MPICC)' BENCH='$(BENCH)' tests/bench/run

attack: ## kill a program with a journal and resume it, 200 times (ATTACK_SEED repeats one); stream 10^7 items
	@scripts/install-deps --test
	@$(again) tests
	@BUILD=$(BUILD) tests/attack/run
	@BUILD=$(BUILD) tests/attack/stream

simulate: ## simulate dynamic scheduling on up to 10 000 nodes, with the real rules
	@scripts/install-deps --simulate
	@$(again) $(BUILD)/simulate/cluster $(BUILD)/simulate/message
	@BUILD=$(BUILD) tests/simulate/run

sanitize: ## run the tests with ASan and UBSan, and those without MPI with TSan
	@scripts/install-deps
	@$(again) SANITIZE=address,undefined tests
	@BUILD=$(BUILD)/asan scripts/sanitize address
	@$(again) SANITIZE=thread tests
	@BUILD=$(BUILD)/tsan scripts/sanitize thread

valgrind: ## run the tests at one and two ranks under valgrind
	@scripts/install-deps --valgrind
	@$(again) tests
	@BUILD=$(BUILD) scripts/sanitize valgrind

battery: ## run a battery of statistical tests on the random numbers
	@scripts/install-deps --battery
	@$(again) lib
	@BUILD=$(BUILD) MPICC='$(MPICC)' tests/battery/run

fuzz: ## fuzz what reads files (FUZZ=600: so many seconds each, instead of 60)
	@scripts/install-deps --fuzz
	@BUILD=$(BUILD) tests/fuzz/run $(FUZZ)

docs: ## write the API reference to build/docs (Doxygen)
	@scripts/install-deps --docs
	@mkdir -p build/docs
	$(Q)doxygen docs/Doxyfile

# ---- install --------------------------------------------------------------------------------------------------------

bindir     := $(PREFIX)/bin
libdir     := $(PREFIX)/lib
includedir := $(PREFIX)/include
headers    := $(wildcard lib/furrow/*.h)
tool       := $(if $(filter furrow,$(the_programs)),$(BUILD)/bin/furrow)
# What belongs to it: manual pages and completion, in share/ as they are installed.
tool_share := $(if $(tool),$(wildcard share/man/man1/*.1) share/bash-completion/completions/furrow)

install: lib $(tool) ## install library, headers, furrow.pc, the program furrow and its manual pages (PREFIX, DESTDIR)
	$(call say,INST,$(DESTDIR)$(PREFIX))
	$(Q)install -d $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(includedir)/furrow
	$(Q)install -m 755 $(BUILD)/libfurrow.so.$(VERSION) $(DESTDIR)$(libdir)
	$(Q)ln -sf libfurrow.so.$(VERSION) $(DESTDIR)$(libdir)/$(SONAME)
	$(Q)ln -sf $(SONAME) $(DESTDIR)$(libdir)/libfurrow.so
	$(Q)install -m 644 $(static) $(DESTDIR)$(libdir)
	$(Q)install -m 644 lib/furrow.h $(DESTDIR)$(includedir)
	$(Q)install -m 644 $(headers) $(DESTDIR)$(includedir)/furrow
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' furrow.pc.in > $(DESTDIR)$(libdir)/pkgconfig/furrow.pc
	$(Q)chmod 644 $(DESTDIR)$(libdir)/pkgconfig/furrow.pc
	$(Q)$(if $(tool),install -D -m 755 -t $(DESTDIR)$(bindir) $(tool),echo "left out: furrow, because $(NEEDS_furrow) is missing" >&2)
	$(Q)$(foreach file,$(tool_share),install -D -m 644 $(file) $(DESTDIR)$(PREFIX)/$(file) &&) true
	$(Q)if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

uninstall: ## remove what install has installed
	$(Q)rm -f $(addprefix $(DESTDIR)$(libdir)/,libfurrow.so.$(VERSION) $(SONAME) libfurrow.so libfurrow.a pkgconfig/furrow.pc)
	$(Q)rm -f $(DESTDIR)$(bindir)/furrow
	$(Q)rm -f $(addprefix $(DESTDIR)$(PREFIX)/,share/man/man1/furrow.1 share/man/man1/furrow-farm.1 share/bash-completion/completions/furrow)
	$(Q)rm -f $(DESTDIR)$(includedir)/furrow.h $(headers:lib/%=$(DESTDIR)$(includedir)/%)
	$(Q)if [ -d $(DESTDIR)$(includedir)/furrow ]; then rmdir $(DESTDIR)$(includedir)/furrow; fi

clean: ## remove build/, and end the hosts and the Slurm that are up in it
	@scripts/hosts-down
	@scripts/slurm-down
	$(Q)rm -rf build

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | while IFS="$$(printf '\t')" read -r target text; do \
	  printf '  make %-10s %s\n' "$$target" "$$text"; done
