# The C library, its compiler wrapper (musl-gcc), and the kernel's headers, which it has not.
# shellcheck shell=sh disable=SC2034,SC2154 # library.sh reads it, and has what it reads
needs=

kernel_headers() {
	if [ "$tools" ]; then
		folders=/usr/$arch-linux-gnu/include
	else
		folders="/usr/include /usr/include/$arch-linux-gnu"
	fi
	for folder in $folders; do
		for part in linux asm asm-generic; do
			[ ! -d "$folder/$part" ] || logged cp -RL "$folder/$part" "$root/include/"
		done
	done
	[ -d "$root/include/asm" ] || give_up "finds no headers of Linux in $folders"
}

build() {
	rm -rf "$root"
	CC="$compiler" logged ./configure --target="$arch-linux-musl" --prefix="$root" \
		--syslibdir="$root/lib" --disable-shared --enable-wrapper=gcc
	logged make -j"$jobs" CROSS_COMPILE="$tools" install
	kernel_headers
}
