#!/bin/sh
# Makes Debian packages of what `make static` built.
# Usage: packaging/debian/deb.sh VERSION ARCH [OUT]
#
#   VERSION  as Debian counts: the program's, a hyphen, the package's
#   ARCH     x86_64 or aarch64: the programs are those of build/static/ARCH
#   OUT      where the packages go (build/deb)
#
# packaging/debian/PACKAGE/ has what is Debian's own: control, the scripts, what lintian is told.
# All the rest comes from packaging/install.sh. The same tree gives the same bytes: dates are those
# of the commit, or of SOURCE_DATE_EPOCH.
set -eu
umask 022
export LC_ALL=C
cd "$(dirname "$0")/../.."
version=${1:?usage: packaging/debian/deb.sh VERSION ARCH [OUT]}
arch=${2:?usage: packaging/debian/deb.sh VERSION ARCH [OUT]}
out=${3:-build/deb}
case $arch in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*)
	echo "deb.sh: Debian has no name for $arch here" >&2
	exit 2
	;;
esac
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || echo 0)}
export SOURCE_DATE_EPOCH
mkdir -p "$out"
stage=$(mktemp -d "$out/stage.XXXXXX")
trap 'rm -rf "$stage"' EXIT

# Debian's own changelog; what changed in mayfly is in the other one.
changelog() {
	printf '%s (%s) stable; urgency=medium\n\n' "$1" "$version"
	printf '  * mayfly %s: see changelog.gz beside this file.\n\n' "${version%-*}"
	printf ' -- mayfly maintainers <maintainers@mayfly.invalid>  %s\n' \
		"$(date -u -d "@$SOURCE_DATE_EPOCH" '+%a, %d %b %Y %H:%M:%S +0000')"
}

# What Debian wants elsewhere, and as documentation.
arrange() {
	docs=$root/usr/share/doc/$1
	install -d "$docs" "$root/etc/mayfly" "$root/usr/share/lintian/overrides"
	mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
	if [ -d "$root/usr/share/mayfly/cron.d" ]; then
		mv "$root/usr/share/mayfly/cron.d" "$root/etc/"
	fi
	changelog "$1" > "$docs/changelog.Debian"
	install -m 644 CHANGELOG.md "$docs/changelog"
	python3 packaging/static/contents.py copyright "build/static/$arch/$1" > "$docs/copyright"
	install -m 644 "packaging/debian/$1/README.Debian" "$docs/"
	install -m 644 "packaging/debian/$1/overrides" "$root/usr/share/lintian/overrides/$1"
	find "$docs/changelog" "$docs/changelog.Debian" "$root/usr/share/man" -type f \
		-exec gzip -9n {} +
}

control() {
	install -d "$root/DEBIAN"
	size=$(du -sk --apparent-size --exclude=DEBIAN "$root")
	sed "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/${size%%[!0-9]*}/" \
		"packaging/debian/$1/control" > "$root/DEBIAN/control"
	for script in preinst postinst prerm postrm; do
		[ ! -f "packaging/debian/$1/$script" ] ||
			install -m 755 "packaging/debian/$1/$script" "$root/DEBIAN/"
	done
	(cd "$root" && find etc -type f | sort | sed 's|^|/|') > "$root/DEBIAN/conffiles"
	[ -s "$root/DEBIAN/conffiles" ] || rm "$root/DEBIAN/conffiles"
	(cd "$root" && find usr -type f | sort | xargs md5sum) > "$root/DEBIAN/md5sums"
	chmod 644 "$root"/DEBIAN/*s "$root/DEBIAN/control"
}

for package in mayfly-bootstrap mayfly-reaper; do
	root=$stage/$package
	sh packaging/install.sh "$package" "build/static/$arch/$package" /usr "$root"
	arrange "$package"
	control "$package"
	find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	deb=$out/${package}_${version}_$architecture.deb
	# One thread: how xz cuts its blocks depends on their number.
	dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$root" "$deb.new" > /dev/null
	mv "$deb.new" "$deb"
	echo "  DEB $deb"
done
