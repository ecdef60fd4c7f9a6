#!/bin/sh
# Runs libFuzzer over each target for SECONDS_EACH seconds. Usage: tests/fuzz.sh TARGET...
# Starts from tests/corpus/NAME/; what it finds on the way stays in build/fuzz/new/NAME/, an input
# that crashes in build/fuzz/NAME-*: put that one into the corpus together with its repair.
# JOBS targets run at the same time.
set -u

fuzz_one() {
	target=$1
	name=${target##*/fuzz_}
	log=build/fuzz/$name.log
	mkdir -p "build/fuzz/new/$name"
	# One seed: a change is judged by inputs that were there before. FUZZ_SEED has others.
	set -- -max_total_time="${SECONDS_EACH:-60}" -seed="${FUZZ_SEED:-1}" -timeout=60 \
		-rss_limit_mb=1024 -max_len=65536 \
		-print_final_stats=1 -artifact_prefix="build/fuzz/$name-"
	if [ -f "tests/fuzz/$name.dict" ]; then
		set -- "$@" -dict="tests/fuzz/$name.dict"
	fi
	if "$target" "$@" "build/fuzz/new/$name" "tests/corpus/$name" > "$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		printf '%-20s ok, %s runs in %s s\n' "$name" "$runs" "${SECONDS_EACH:-60}"
	else
		printf '%-20s FAIL\n%s\n' "$name" "$(tail -n 40 "$log")"
		return 1
	fi
}

if [ "${FUZZ_ONE:-}" ]; then
	fuzz_one "$1"
else
	printf '%s\n' "$@" | FUZZ_ONE=1 xargs -P "${JOBS:-1}" -n 1 sh "$0"
fi
