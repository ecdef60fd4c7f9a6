# Seals, signatures, guarded memory. Debian's file has no configure script. What is sealed here is a
# few kilobytes: one portable form of each algorithm does, without those for each kind of processor.
# shellcheck shell=sh disable=SC2034,SC2154 # library.sh reads it, and has what it reads
needs=musl

build() {
	logged autoreconf -fi
	logged ./configure --host="$arch-linux-musl" --prefix="$root" --enable-minimal \
		--disable-asm --disable-shared --enable-static --disable-dependency-tracking \
		--disable-ssp
	logged make -j"$jobs" -C src/libsodium install CPPFLAGS="$(special_forms)"
}

# configure has no option for them.
special_forms() {
	printf ' -UHAVE_%sINTRIN_H' MM EMM PMM TMM SMM WMM AVX AVX2 AVX512F
}
