#!/bin/sh
# Runs unit tests and fuzz replays: one line each, and all that failed ones said at the end.
# Usage: tests/run.sh PROGRAM...       RUN_UNDER="valgrind ..." puts a command before each.
# A unit test is a cmocka program; fuzz_NAME is fed the files of tests/corpus/NAME/.
# A program that takes longer than RUN_LIMIT (300 s) is killed and has failed.
set -u
limit=${RUN_LIMIT:-300}
failures=$(mktemp) && output=$(mktemp) || exit 1
trap 'rm -f "$failures" "$output"' EXIT
programs=0 failed=0 tests=0

for program in "$@"; do
	name=${program##*/}
	corpus=tests/corpus/${name#fuzz_}
	set --
	if [ "$name" != "${name#fuzz_}" ]; then
		set -- "$corpus"/*
	fi
	programs=$((programs + 1))
	# RUN_UNDER is a command with its arguments: to be split.
	# shellcheck disable=SC2086
	if timeout -k 5 "$limit" ${RUN_UNDER:-} "$program" "$@" > "$output" 2>&1; then
		status=ok
	else
		status="FAIL (exit status $?)"
		failed=$((failed + 1))
		printf '\n--- %s\n' "$name" >> "$failures"
		grep -vE '^\[( RUN      |       OK )\]' "$output" >> "$failures"
	fi
	count=$(sed -n -e 's/^\[=*\].* \([0-9]*\) test(s) run\..*/\1/p' \
		-e 's/^\([0-9]*\) inputs replayed$/\1/p' "$output" |
		awk '{ sum += $1 } END { if (NR) print sum }')
	tests=$((tests + ${count:-0}))
	printf '%-28s %5s  %s\n' "$name" "${count:--}" "$status"
done
cat "$failures"
printf '%s programs, %s cases, %s failed\n' "$programs" "$tests" "$failed"
[ "$programs" -gt 0 ] && [ "$failed" -eq 0 ]
