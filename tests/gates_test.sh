#!/bin/sh
# The gates, tested: one violation after the other is seeded into a scratch copy of the tree, and
# the gate must name it. Usage: tests/gates_test.sh BUILD_FOLDER
set -u
build=${1:?usage: tests/gates_test.sh BUILD_FOLDER}
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
copy=$scratch/home/mayfly
: > "$scratch/failed"
: > "$scratch/seeds"

mkdir -p "$copy/$build"
git --no-pager grep -lI --no-index --exclude-standard -e '' | tar -cf - -T - | tar -xf - -C "$copy"
for room in common bootstrap reaper templates; do cp -a "$build/$room" "$copy/$build/"; done
cp "$build/mayfly-bootstrap" "$build/mayfly-reaper" "$copy/$build/"
cd "$copy" || exit 1

# seed GATE EXPECTED FILE: standard input is added to FILE, then GATE must say EXPECTED of it.
seed() {
	cp "$3" "$scratch/kept" 2> /dev/null || : > "$scratch/absent"
	cat >> "$3"
	see "$1" "$2" "$3"
	if [ -f "$scratch/absent" ]; then
		rm "$3" "$scratch/absent"
	else
		cp "$scratch/kept" "$3"
	fi
}

# As seed, and FILE's object is compiled anew; what the gate says may be of another file, NAMED.
seed_object() {
	cp "$3" "$scratch/kept"
	cp "$build/${3%.c}.o" "$scratch/kept.o"
	cat >> "$3"
	# shellcheck disable=SC2046 # flags are words
	${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -I. \
		$(pkg-config --cflags libcurl libcjson libsodium zlib sqlite3 expat yaml-0.1) \
		-c "$3" -o "$build/${3%.c}.o" || echo "$3" >> "$scratch/failed"
	see "$1" "$2" "${4:-$3}"
	cp "$scratch/kept" "$3"
	cp "$scratch/kept.o" "$build/${3%.c}.o"
}

see() {
	echo "$1" >> "$scratch/seeds"
	sh tests/gates.sh "$build" "$1" > "$scratch/said" 2>&1
	if ! grep -F "$3" "$scratch/said" | grep -qF "$2"; then
		printf 'gates_test: gate %s did not say "%s" of %s, but:\n' "$1" "$2" "$3"
		sed 's/^/    /' "$scratch/said"
		echo "$3" >> "$scratch/failed"
	fi
}

lines() { awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) print text }'; }

lines 601 "" | seed length "longer than 600" common/error.c
{ printf 'void f(void)\n{\n' && lines 61 "	;" && printf '}\n'; } |
	seed length "function of 61" common/error.c
lines 1 "/* $(lines 1 "$(printf '%100s' x)") */" | seed length "wider than 100" reaper/main.c
echo "struct mayfly_seed { size_t n; };" | seed headers "does not compile" common/seed.h
printf '#include <stdio.h>\n#include "common/seed.h"\n' > common/seed.c
echo "#define SEED 1" | seed headers "must include" common/seed.h
rm common/seed.c
echo '#include "reaper/plan.h"' | seed layers "below both" common/error.c
echo '#include "reaper/plan.h"' | seed layers "must not see reaper/" bootstrap/main.c
echo '#include "bootstrap/slot.h"' | seed layers "must not see bootstrap/" reaper/main.c
echo '#include <curl/curl.h>' | seed libraries "libcurl" common/error.c
echo '#include <cjson/cJSON.h>' | seed libraries "cJSON" reaper/main.c
echo '#include <yaml.h>' | seed libraries "libyaml" reaper/import/import.c
echo '#include <sodium.h>' | seed libraries "libsodium" bootstrap/main.c
echo 'long f(void) { return time(0); }' | seed libraries "asks the time" reaper/main.c
echo 'void f(char *a) { strcpy(a, "x"); }' | seed calls "banned" common/error.c
echo 'int f(void) { return system("x"); }' | seed calls "banned" tests/unit/seed.c
echo 'int f(void) { return rand(); }' | seed calls "banned" common/error.c
echo 'typedef struct { int a; } seed;' | seed style "typedef" common/error.c
echo '// words' | seed style "comments" common/error.c
echo '	if ((a = f()))' | seed style "condition" common/error.c
echo 'static void handle_it(void);' | seed style "fits anything" common/error.c
echo '#define A 1' | seed style "fits anything" common/utils.h
echo 'char *getenv(const char *); char *f(void); char *f(void) { return getenv("X"); }' |
	seed_object purity "uses getenv" common/verdict.c
echo 'int seed_export(void); int seed_export(void) { return 1; }' |
	seed_object exports "seed_export" common/error.c
echo 'int docker_pause(void); int seed_call(void); int seed_call(void) { return docker_pause(); }' |
	seed_object exports "excuses docker_pause, which another file uses" common/error.c \
		tests/gates.sh
echo '/* TO''DO: later */' | seed leftovers "unfinished" reaper/main.c
echo "see $PWD/README.md" | seed leftovers "path of this machine" README.md
printf '#!/bin/sh\nrm %s\n' "\$1" | seed shell "SC2086" tests/seed.sh
echo 'This is te''h end.' | seed spelling "te""h" README.md
echo 'int   f (void);' | seed format "make format" common/error.h
# shellcheck disable=SC2016 # the backquote is Markdown's
echo 'Run `make coffee`.' | seed manuals "coffee" CONTRIBUTING.md
echo '# by hand' | seed manuals "not what the tables say" packaging/completion/mayfly-reaper
see coffee "knows no gate named coffee" tests/gates.sh

[ ! -s "$scratch/failed" ] || exit 1
printf 'gates_test: %s seeded violations, each one reported\n' "$(wc -l < "$scratch/seeds")"
