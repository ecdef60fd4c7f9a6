# Seals, signatures, guarded memory. Debian's file has no configure script.
# shellcheck shell=sh disable=SC2034,SC2154 # library.sh reads it, and has what it reads
needs=musl

build() {
	logged autoreconf -fi
	logged ./configure --host="$arch-linux-musl" --prefix="$root" --enable-minimal \
		--disable-shared --enable-static --disable-dependency-tracking --disable-ssp
	logged make -j"$jobs" -C src/libsodium install
}
