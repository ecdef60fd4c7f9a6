#!/bin/sh
# Runs unit tests and fuzz replays: one line each, and all that failed ones said at the end.
# Usage: tests/run.sh PROGRAM...       RUN_UNDER="valgrind ..." puts a command before each.
# A unit test is a cmocka program; fuzz_NAME is fed the files of tests/corpus/NAME/.
# JOBS of them run at a time (one a processor). A program that takes longer than RUN_LIMIT (300 s)
# is killed and has failed.
set -u

# One program; what it said if it failed goes to a file of its name, its cases to the counts.
run_one() {
	program=$1
	name=${program##*/}
	said=$RUN_FOLDER/$name
	corpus=tests/corpus/${name#fuzz_}
	set --
	if [ "$name" != "${name#fuzz_}" ]; then
		set -- "$corpus"/*
	fi
	status=ok
	# RUN_UNDER is a command with its arguments: to be split.
	# shellcheck disable=SC2086
	timeout -k 5 "${RUN_LIMIT:-300}" ${RUN_UNDER:-} "$program" "$@" > "$said" 2>&1 ||
		status="FAIL (exit status $?)"
	count=$(sed -n -e 's/^\[=*\].* \([0-9]*\) test(s) run\..*/\1/p' \
		-e 's/^\([0-9]*\) inputs replayed$/\1/p' "$said" |
		awk '{ sum += $1 } END { if (NR) print sum }')
	printf '%-28s %5s  %s\n' "$name" "${count:--}" "$status"
	echo "${count:-0}" > "$said.count"
	if [ "$status" = ok ]; then rm "$said"; fi
}

if [ "${1:-}" = --one ]; then
	run_one "$2"
	exit
fi

[ $# -gt 0 ] || { echo "run.sh: no program is given" >&2; exit 1; }
RUN_FOLDER=$(mktemp -d) || exit 1
export RUN_FOLDER
trap 'rm -rf "$RUN_FOLDER"' EXIT
printf '%s\n' "$@" | xargs -P "${JOBS:-$(nproc)}" -n 1 sh "$0" --one
failed=0
for said in "$RUN_FOLDER"/*; do
	if [ ! -f "$said" ] || [ "$said" != "${said%.count}" ]; then continue; fi
	failed=$((failed + 1))
	printf '\n--- %s\n' "${said##*/}"
	grep -vE '^\[( RUN      |       OK )\]' "$said"
done
programs=$(find "$RUN_FOLDER" -name '*.count' | wc -l)
tests=$(cat "$RUN_FOLDER"/*.count | awk '{ sum += $1 } END { print sum + 0 }')
printf '%s programs, %s cases, %s failed\n' "$programs" "$tests" "$failed"
[ "$programs" -eq $# ] && [ "$failed" -eq 0 ]
