#!/bin/sh
# Puts a program and all that belongs to it where it goes. Usage:
#   packaging/install.sh PROGRAM FILE PREFIX [DESTDIR]
#
#   PROGRAM  mayfly-bootstrap or mayfly-reaper
#   FILE     what `make` or `make static` built of it
#   PREFIX   /usr for packages, /usr/local for people; units, manuals and cron's line name it
#
# `make install` calls it, and so does what makes packages. systemd reads units, presets and
# sysusers.d of /usr and of /usr/local alike. It enables nothing and makes no user.
set -eu
umask 022
cd "$(dirname "$0")/.."
program=${1:?usage: packaging/install.sh PROGRAM FILE PREFIX [DESTDIR]}
file=${2:?usage: packaging/install.sh PROGRAM FILE PREFIX [DESTDIR]}
prefix=${3:?usage: packaging/install.sh PROGRAM FILE PREFIX [DESTDIR]}
to=${4:-}$prefix

# Arguments: mode, file, where it goes below PREFIX. The paths in it are those of PREFIX.
place() {
	install -d "$to/${3%/*}"
	sed "s|/usr/bin/mayfly-|$prefix/bin/mayfly-|g; s|/usr/lib/mayfly/|$prefix/lib/mayfly/|g
		s|/usr/local/share/mayfly/|$prefix/share/mayfly/|g" "$2" > "$to/$3"
	chmod "$1" "$to/$3"
}

place_units() {
	for unit in "$@"; do place 644 "$unit" "lib/systemd/system/${unit##*/}"; done
}

install -d "$to/bin"
install -m 755 "$file" "$to/bin/$program"
for page in packaging/man/"$program"*.[58]; do
	place 644 "$page" "share/man/man${page##*.}/${page##*/}"
done
place 644 "packaging/completion/$program" "share/bash-completion/completions/$program"
place 644 "packaging/completion/_$program" "share/zsh/site-functions/_$program"
preset=lib/systemd/system-preset/80-$program.preset
place 644 "packaging/systemd/system-preset/${preset##*/}" "$preset"
case $program in
mayfly-bootstrap)
	place_units packaging/systemd/mayfly-boot*.* packaging/systemd/mayfly-instance-store.service
	place 755 packaging/systemd/boot-guard lib/mayfly/boot-guard
	place 755 packaging/systemd/instance-store lib/mayfly/instance-store
	for example in docker-only.conf system.conf.d/mayfly-watchdog.conf; do
		place 644 "packaging/systemd/$example" "share/mayfly/systemd/$example"
	done
	;;
mayfly-reaper)
	place_units packaging/systemd/mayfly-reaper*.*
	place 644 packaging/sysusers.d/mayfly-reaper.conf lib/sysusers.d/mayfly-reaper.conf
	place 644 packaging/cron.d/mayfly-reaper share/mayfly/cron.d/mayfly-reaper
	for template in templates/*.* templates/traces/*.csv; do
		place 644 "$template" "share/mayfly/${template#templates/}"
	done
	;;
*)
	echo "install.sh: there is no program $program" >&2
	exit 2
	;;
esac
