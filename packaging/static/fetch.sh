#!/bin/sh
# Fetches one source of third_party/sources.lock, unless it is there. Prints where it lies.
# Usage: packaging/static/fetch.sh NAME
#
# SOURCES=FOLDER is asked first: a folder with the files, by the names that their places give them.
# What was fetched is kept in .deps/sources/, and is looked at again (its hash) each time.
set -eu
cd "$(dirname "$0")/../.."
name=${1:?usage: packaging/static/fetch.sh NAME}
lock=third_party/sources.lock

say() { printf 'fetch: %s\n' "$*" >&2; }
field() { awk -v name="$name" -v at="$1" '$1 == name { print $at }' "$lock"; }
is_right() { [ -f "$1" ] && [ "$(sha256sum < "$1")" = "$hash  -" ]; }

hash=$(field 4)
[ "$hash" ] || { say "$lock has no line for $name"; exit 1; }
file=.deps/sources/$name-$(field 2)
got=$file.$$
trap 'rm -f "$got"' EXIT

# From the archives that apt knows, through apt, which knows the way (a proxy, a login).
from_pool() {
	helper=/usr/lib/apt/apt-helper
	[ -x "$helper" ] || return 1
	# shellcheck disable=SC2016 # apt's word, not ours
	for archive in $(apt-get indextargets --format '$(REPO_URI)' | sort -u); do
		"$helper" -qq download-file "${archive%/}/pool/$1" "$got" "SHA256:$hash" \
			2> /dev/null && return
	done
	return 1
}

from_url() {
	command -v curl > /dev/null || return 1
	curl -fsSL --connect-timeout 10 --max-time 300 --proto '=https' -o "$got" "$1"
}

from_place() {
	case $1 in
	pool:*) from_pool "${1#pool:}" ;;
	*) from_url "$1" ;;
	esac
}

mkdir -p .deps/sources
if is_right "$file"; then
	printf '%s\n' "$file"
	exit
fi
places=$(awk -v name="$name" '$1 == name { for (i = 5; i <= NF; i++) print $i }' "$lock")
[ "$places" ] || { say "$lock names no place for $name"; exit 1; }
for place in $places; do
	if [ "${SOURCES:-}" ] && is_right "$SOURCES/${place##*/}"; then
		cp "$SOURCES/${place##*/}" "$got"
	elif ! from_place "$place"; then
		say "$name does not come from $place"
		continue
	fi
	if is_right "$got"; then
		mv "$got" "$file"
		printf '%s\n' "$file"
		exit
	fi
	say "$name from $place is another file: its SHA-256 is not that of $lock"
done
say "no place has $name: put ${place##*/} into a folder and say SOURCES=FOLDER"
exit 1
