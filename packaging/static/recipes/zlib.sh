# Gzip, for what servers answer and for tickets.
# shellcheck shell=sh disable=SC2034,SC2154 # library.sh reads it, and has what it reads
needs=musl

build() {
	logged ./configure --static --prefix="$root"
	logged make -j"$jobs" libz.a
	logged cp libz.a "$root/lib/"
	logged cp zlib.h zconf.h "$root/include/"
}
