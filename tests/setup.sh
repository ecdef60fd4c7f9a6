#!/bin/sh
# Installs what this tree needs, once. Usage: tests/setup.sh user | developer | static | machine
#
#   user        what `make`, `make test` and `make demo` need: packages of the distribution (where
#               those of docker do not come, it says so, and the tests with docker are skipped),
#               and in .deps/ of this tree (never elsewhere) Python's pinned packages:
#               venv/        pytest
#               agent/       clearml-agent
#               aws/         boto3, moto: a client and a stand-in of AWS, for tests alone
#               wheelhouse/  what the agent puts into a task's own environment, for use offline
#   static      what `make static` builds the release's programs with (packages alone)
#   machine     what `make test-machine` makes virtual machines with (packages alone)
#   developer   that of user, and what `make fuzz`, `make analyze`, `make gates` and `make format`
#               use
#
# Says what it installs. When all is there it touches neither network nor disk: packages are looked
# up in dpkg's list, .deps/ by a stamp over the pins, the Python and the folder (environments hold
# absolute paths). Stopped midway it starts over. Packages need root or sudo; .deps/ does not.
# Other distributions: install the like of the lists below and set SETUP_NO_APT=1.
set -eu
umask 022
cd "$(dirname "$0")/.."

user_packages="gcc libc6-dev make pkg-config libcurl4-openssl-dev libcjson-dev libsodium-dev
	zlib1g-dev libsqlite3-dev libyaml-dev libexpat1-dev libcmocka-dev tzdata valgrind python3
	python3-venv git age minisign dropbear-bin openssh-client ca-certificates procps
	mount groff-base zsh"
docker_packages="docker.io iptables iproute2 docker-registry apache2-utils busybox-static
	mmdebstrap"
images_packages="skopeo packer lintian shellcheck e2fsprogs"
static_packages="gcc libc6-dev make autoconf automake libtool tcl patch xz-utils bzip2 curl
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static"
machine_packages="qemu-system-x86 mmdebstrap e2fsprogs iproute2 iptables busybox-static"
developer_packages="clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 cppcheck shellcheck
	codespell"

say() { printf 'setup: %s\n' "$*"; }
give_up() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# The packages among the given ones that dpkg does not know as installed.
missing_of() {
	for package in "$@"; do
		case $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2> /dev/null) in
		ii*) ;;
		*) printf ' %s' "$package" ;;
		esac
	done
}

apt() {
	if [ "$(id -u)" -eq 0 ]; then set -- env "$@"; else set -- sudo env "$@"; fi
	"$@" -o DPkg::Lock::Timeout=300
}

# Arguments: the packages.
install_packages() {
	if [ "${SETUP_NO_APT:-}" ]; then return; fi
	if ! command -v apt-get > /dev/null; then
		give_up "knows only apt (Debian, Ubuntu): install the like of these, then set" \
			"SETUP_NO_APT=1: $*"
	fi
	missing=$(missing_of "$@")
	if [ -z "$missing" ]; then return; fi
	if [ "$(id -u)" -ne 0 ] && ! command -v sudo > /dev/null; then
		give_up "needs root or sudo to install:$missing"
	fi
	say "apt installs:$missing"
	apt apt-get -qq update || give_up "apt-get update failed, see above"
	# A list of words, to be split.
	# shellcheck disable=SC2086
	apt DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
		--no-remove $missing > .deps/apt.log 2>&1 || {
		tail -n 15 .deps/apt.log >&2
		give_up "apt-get could not install:$missing"
	}
}

# Not the distribution's engine where there is another one already: the two exclude each other. In a
# subshell, where giving up is no more than a warning.
install_docker() {
	wanted=$docker_packages
	if PATH=$PATH:/usr/sbin command -v dockerd > /dev/null; then
		wanted=${wanted#docker.io }
	fi
	# shellcheck disable=SC2086 # a list of words, to be split
	(install_packages $wanted) ||
		say "WARNING: without these packages the tests with docker are skipped" >&2
}

# Peers that judge the images and templates of packaging/; not every distribution has each of them.
install_peers_of_images() {
	for package in $images_packages; do
		(install_packages "$package") ||
			say "WARNING: without $package some tests of packaging/ are skipped" >&2
	done
}

# The distribution's Python where it is new enough, so that a pyenv or conda changes nothing.
is_fit='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
find_python() {
	for candidate in /usr/bin/python3 python3; do
		if "$candidate" -c "$is_fit" 2> /dev/null; then
			command -v "$candidate"
			return
		fi
	done
	give_up "needs Python 3.11 or newer with its venv module"
}

pins_stamp() {
	{
		pwd
		"$1" -VV
		cat tests/setup.sh tests/requirements/*.txt
	} | sha256sum
}

# $1 names the environment, its pins are in tests/requirements/$1.txt
install_environment() {
	say "pip installs in .deps/$1: $(pins_of "$1")"
	"$python" -m venv --clear ".deps/$1"
	".deps/$1/bin/python" -m pip install -q --disable-pip-version-check --require-hashes \
		--only-binary :all: -r "tests/requirements/$1.txt" ||
		give_up "pip could not install tests/requirements/$1.txt, see above"
}

pins_of() {
	sed -n 's/^\([A-Za-z0-9._-]*==[^ ;]*\).*/\1/p' "tests/requirements/$1.txt" | tr '\n' ' '
}

fill_wheelhouse() {
	say "pip downloads into .deps/wheelhouse: $(pins_of wheelhouse)"
	rm -rf .deps/wheelhouse
	.deps/venv/bin/python -m pip download -q --disable-pip-version-check --require-hashes \
		--only-binary :all: --no-deps -r tests/requirements/wheelhouse.txt \
		-d .deps/wheelhouse || give_up "pip could not download the wheelhouse, see above"
}

install_python() {
	python=$(find_python)
	stamp=$(pins_stamp "$python")
	if [ "$(cat .deps/stamp 2> /dev/null)" = "$stamp" ]; then return; fi
	rm -f .deps/stamp
	install_environment venv
	install_environment agent
	install_environment aws
	fill_wheelhouse
	printf '%s\n' "$stamp" > .deps/stamp
}

case ${1:-} in
user) packages=$user_packages ;;
developer) packages="$user_packages $developer_packages" ;;
static) packages=$static_packages ;;
machine) packages=$machine_packages ;;
*) give_up "usage: tests/setup.sh user | developer | static | machine" ;;
esac
mkdir -p .deps
exec 9> .deps/lock
flock 9 # two at once: the second waits, and finds all there
# shellcheck disable=SC2086 # lists of words, to be split
install_packages $packages
case $1 in static | machine) exit ;; esac
install_docker
install_peers_of_images
install_python
