#!/bin/sh
# Builds one library for the static programs, unless it is built.
# Usage: packaging/static/library.sh ARCH NAME
#
#   third_party/sources.lock      what it is, from where         (fetch.sh)
#   third_party/patches/NAME/     what is changed in it
#   packaging/static/recipes/     NAME.sh says how: `needs`, and build(), run in the unpacked source
#   build/libraries/ARCH/         root/ is what programs are linked with, NAME.stamp what it is of
#
# The stamp is over everything that decides the outcome. It is written last: stopped midway, the
# library is built anew. All flags are given here; those of the environment are left out, so that
# the same tree gives the same bytes everywhere.
set -eu
umask 022
cd "$(dirname "$0")/../.."
arch=${1:?usage: packaging/static/library.sh ARCH NAME}
name=${2:?usage: packaging/static/library.sh ARCH NAME}
tree=$PWD
libraries=$tree/build/libraries/$arch
root=$libraries/root
work=$libraries/$name
recipe=packaging/static/recipes/$name.sh

# How this make was called is no business of theirs: musl, for one, has an ARCH of its own.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL ARCH MODE CPPFLAGS LDFLAGS LIBS V Q CC
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=1

give_up() { printf 'library %s: %s\n' "$name" "$*" >&2; exit 1; }
logged() { "$@" >> "$work/log" 2>&1 || failed "$*"; }
failed() { tail -n 20 "$work/log" >&2; give_up "failed, see $work/log: $1"; }

# The compiler of the distribution, of which the one in root/bin is a wrapper, and its tools.
# shellcheck disable=SC2034 # for the recipes
jobs=$(nproc)
tools='' machine='' needs=''
if [ "$arch" != "$(uname -m)" ]; then tools=$arch-linux-gnu-; fi
if [ "$arch" = aarch64 ]; then machine=-mno-outline-atomics; fi # those of libgcc are glibc's
compiler="${tools}gcc"
command -v "$compiler" > /dev/null || give_up "needs $compiler: run \`make setup-static\`"
export CC="$root/bin/musl-gcc" AR="${tools}gcc-ar" RANLIB="${tools}gcc-ranlib"
export CFLAGS="-Os -pipe $machine -fPIE -fstack-protector-strong -ffunction-sections \
-fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-ident \
-ffile-prefix-map=$work/source=$name"

unpack() {
	rm -rf "$work"
	mkdir -p "$work/source" "$root"
	tar -xf "$source" -C "$work/source" --strip-components=1 --no-same-owner
	[ -f "third_party/patches/$name/series" ] || return 0
	while read -r patch; do
		patch -d "$work/source" -p1 -s --no-backup-if-mismatch \
			< "third_party/patches/$name/$patch" || give_up "$patch does not apply"
	done < "third_party/patches/$name/series"
	# A patch makes a file newer than what was generated from it: nothing is to be generated.
	find "$work/source" -exec touch -h -d @1 {} +
}

stamp() {
	{
		printf '%s\n' "$tree" "$CFLAGS"
		awk -v name="$name" '$1 == name' third_party/sources.lock
		"$compiler" --version
		cat packaging/static/library.sh "$recipe"
		find "third_party/patches/$name" "packaging/static/$name" -type f 2> /dev/null |
			sort | xargs -r sha256sum
		for other in $needs; do cat "$libraries/$other.stamp"; done
	} | sha256sum
}

# shellcheck source=/dev/null
. "$recipe"
now=$(stamp)
if [ "$(cat "$libraries/$name.stamp" 2> /dev/null)" = "$now" ]; then exit; fi
source=$(sh packaging/static/fetch.sh "$name")
printf '  LIB %s %s\n' "$arch" "$name"
rm -f "$libraries/$name.stamp"
unpack
cd "$work/source"
build
printf '%s\n' "$now" > "$libraries/$name.stamp"
