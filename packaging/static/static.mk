# The release's programs, linked with nothing of the system (docs/release.md). The Makefile includes
# this. MODE=static builds in build/static/$(ARCH), and what those are linked with in
# build/libraries/$(ARCH).
STATIC         := build/static/$(ARCH)
LIBRARY_FOLDER := build/libraries/$(ARCH)
LIBRARIES      := musl zlib cjson libsodium mbedtls sqlite expat libyaml curl

.PHONY: static setup-static check-static static-tests size deb packages packages-tests dist

setup-static: ## what `make static` needs on top: autoconf, tclsh, the cross compiler, qemu-user
	$(Q)sh tests/setup.sh static

static: setup-static ## the two programs for any Linux, fully static: ARCH=x86_64|aarch64
	$(Q)$(MAKE) --no-print-directory $(parallel) MODE=static ARCH=$(ARCH) DEVELOPER= all

# A stamp changes when its library was built anew, and only then.
$(LIBRARY_FOLDER)/%.stamp: FORCE
	$(Q)sh packaging/static/library.sh $(ARCH) $*
$(filter-out %/musl.stamp,$(LIBRARIES:%=$(LIBRARY_FOLDER)/%.stamp)): $(LIBRARY_FOLDER)/musl.stamp
$(LIBRARY_FOLDER)/curl.stamp: $(LIBRARY_FOLDER)/zlib.stamp $(LIBRARY_FOLDER)/mbedtls.stamp

check-static: static ## what `make static` built: does it need nothing, is it hardened, does it run?
	$(Q)$(MAKE) --no-print-directory static-tests

static-tests:
	$(Q)MAYFLY_STATIC="$(CURDIR)/$(STATIC)" $(PYTEST) -rs tests/static

size: static ## how large the static programs are, and each library in them
	$(Q)python3 packaging/static/contents.py size $(STATIC)/mayfly-bootstrap $(STATIC)/mayfly-reaper

# The package's own number, counted from 1 for each VERSION.
DEB_REVISION ?= 1
deb: static ## packages for Debian and Ubuntu in build/deb/: ARCH=x86_64|aarch64
	$(Q)sh packaging/debian/deb.sh $(VERSION)-$(DEB_REVISION) $(ARCH)

packages: static ## are the packages clean: install, upgrade, remove, purge, the reaper under systemd
	$(Q)$(MAKE) --no-print-directory MODE=static ARCH=$(ARCH) packages-tests

packages-tests:
	$(Q)$(PYTEST) -rs tests/packages

dist: static ## tarball, packages, SHA256SUMS and SBOM in build/dist/; KEY=FILE signs with minisign
	$(Q)sh packaging/static/dist.sh $(VERSION) $(ARCH) "$(KEY)" $(DEB_REVISION)
