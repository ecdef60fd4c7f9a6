# YAML, for mayfly-reaper import. Reading alone: not the emitter, nor the documents that are made
# of events.
# shellcheck shell=sh disable=SC2034,SC2086,SC2154 # library.sh reads it, and has what it reads
needs=musl

build() {
	cd src
	for file in api reader scanner parser; do
		logged "$CC" $CFLAGS -I../include -DNDEBUG -DYAML_VERSION_MAJOR=0 \
			-DYAML_VERSION_MINOR=2 -DYAML_VERSION_PATCH=5 \
			-DYAML_VERSION_STRING='"0.2.5"' -c "$file.c" -o "$file.o"
	done
	logged "$AR" rcs "$root/lib/libyaml.a" api.o reader.o scanner.o parser.o
	logged cp ../include/yaml.h "$root/include/"
}
