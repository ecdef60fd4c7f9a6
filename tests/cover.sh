#!/bin/sh
# Line coverage per file, from what a run in build/cover left. Usage: tests/cover.sh SOURCE...
# A map and not a score: the lines never run are in build/cover/gcov/*.gcov, marked #####.
set -u
mkdir -p build/cover/gcov
for source in "$@"; do
	(cd build/cover/gcov && gcov -s "$PWD" "../${source%.c}.gcda" 2> /dev/null) |
		awk -v file="$source" -F"[':% ]+" '
			/^File/ { is_ours = $2 == file || $2 ~ "/" file "$" }
			/^Lines/ && is_ours && !done {
				printf "%6.1f %%  of %4d  %s\n", $3, $5, file
				done = 1
			}
			END { if (!done) printf "     - no line ran   %s\n", file }'
done | sort -n
