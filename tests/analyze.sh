#!/bin/sh
# The second and third opinion after GCC's analyzer: clang-tidy (list in .clang-tidy) and cppcheck.
# Usage: tests/analyze.sh SOURCE...  Reads compile_commands.json. One that is not installed is
# skipped, and said so. cppcheck's legacyUninitvar is off: it does not follow conditions.
set -u
failed=0

if command -v clang-tidy-14 > /dev/null; then
	printf '%s\n' "$@" | xargs -P "${JOBS:-1}" -n 4 clang-tidy-14 --quiet 2>&1 |
		grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -' > build/tidy.log
	if grep -qE ': (warning|error): ' build/tidy.log; then
		cat build/tidy.log
		failed=1
	fi
	echo "clang-tidy: $(grep -cE ': (warning|error): ' build/tidy.log) findings"
else
	echo "clang-tidy: skipped, clang-tidy-14 is not installed (make setup-developer)"
fi

if command -v cppcheck > /dev/null; then
	if cppcheck -q -j "${JOBS:-1}" -I . -D_GNU_SOURCE -DMAYFLY_VERSION='"0"' --std=c11 \
		--error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=legacyUninitvar "$@"; then
		echo "cppcheck: no findings"
	else
		failed=1
	fi
else
	echo "cppcheck: skipped, not installed (make setup-developer)"
fi
exit $failed
