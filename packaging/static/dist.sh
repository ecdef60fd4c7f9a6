#!/bin/sh
# Packs what `make static` built. Usage: packaging/static/dist.sh VERSION ARCH [KEY [REVISION]]
#
# Makes in build/dist/, or DIST: mayfly-VERSION-ARCH.tar.gz (programs, manuals, templates, units,
# what makes images and user data, licences), mayfly-bootstrap-VERSION-ARCH for machines that fetch
# it, mayfly-VERSION-ARCH.spdx.json (what is linked into them), the Debian packages of
# VERSION-REVISION (1), SHA256SUMS of all that is there, and with KEY, a secret key of minisign,
# .minisig of SHA256SUMS and of the program to be fetched. The same tree gives the same bytes.
set -eu
umask 022
cd "$(dirname "$0")/../.."
version=${1:?usage: packaging/static/dist.sh VERSION ARCH [KEY [REVISION]]}
arch=${2:?usage: packaging/static/dist.sh VERSION ARCH [KEY [REVISION]]}
key=${3:-}
name=mayfly-$version-$arch
fetched=mayfly-bootstrap-$version-$arch
built=build/static/$arch
out=${DIST:-build/dist}
seconds=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || echo 0)}

mkdir -p "$out"
rm -rf "${out:?}/$name" "$out/SHA256SUMS" "$out/SHA256SUMS.minisig" "$out/$fetched.minisig"
install -d "$out/$name/man" "$out/$name/licences" "$out/$name/packaging"
install -m 755 "$built/mayfly-bootstrap" "$built/mayfly-reaper" "$out/$name/"
install -m 644 LICENSE CHANGELOG.md "$out/$name/"
install -m 644 packaging/man/*.[1-9] "$out/$name/man/"
cp -R templates "$out/$name/"
for folder in systemd packer user-data completion; do
	cp -R "packaging/$folder" "$out/$name/packaging/"
done
find "$out/$name/packaging" -name __pycache__ -prune -exec rm -rf {} +
for source in "build/libraries/$arch"/*/source; do
	library=${source%/source}
	for licence in LICENSE LICENSE.md License COPYING COPYRIGHT; do
		[ ! -f "$source/$licence" ] || install -m 644 "$source/$licence" \
			"$out/$name/licences/${library##*/}-$licence"
	done
done
python3 packaging/static/contents.py sbom "$version" "$seconds" "$built/mayfly-bootstrap" \
	"$built/mayfly-reaper" > "$out/$name.spdx.json"
install -m 644 "$out/$name.spdx.json" "$out/$name/"
tar -C "$out" --sort=name --mtime="@$seconds" --owner=0 --group=0 --numeric-owner \
	--mode=go-w -cf - "$name" | gzip -9n > "$out/$name.tar.gz"
rm -rf "${out:?}/$name"
sh packaging/debian/deb.sh "$version-${4:-1}" "$arch" "$out"
install -m 755 "$built/mayfly-bootstrap" "$out/$fetched"
(cd "$out" && sha256sum -- mayfly-bootstrap-*64 *.tar.gz *.spdx.json *.deb > SHA256SUMS)
if [ "$key" ]; then
	minisign -S -s "$key" -t "mayfly $version" -m "$out/SHA256SUMS" "$out/$fetched"
else
	echo "dist: not signed (make dist KEY=FILE signs with a secret key of minisign)"
fi
ls -l "$out"
