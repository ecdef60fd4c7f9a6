# JSON: one file.
# shellcheck shell=sh disable=SC2034,SC2086,SC2154 # library.sh reads it, and has what it reads
needs=musl

build() {
	logged "$CC" $CFLAGS -c cJSON.c -o cJSON.o
	logged "$AR" rcs "$root/lib/libcjson.a" cJSON.o
	mkdir -p "$root/include/cjson"
	logged cp cJSON.h "$root/include/cjson/"
}
