#!/bin/sh
# Makes of a stock system one whose copies are mayfly machines. Packer runs it, as root, on the
# machine that becomes the image (packaging/packer/mayfly.pkr.hcl); it can be run by hand as well.
# Usage: provision.sh UPLOADS [IMAGE...]
#
#   UPLOADS   a folder, removed at the end, of
#             mayfly-bootstrap   the program, a static one
#             image.key          opens sealed bundles (docs/keys.md); ends as 0400 in /etc/mayfly
#             trusted.pub        whose signatures are believed
#             units/             packaging/systemd; what is the reaper's in there is left out
#             agent-image.tar    the agent's image for docker; may be missing (host mode)
#   IMAGE     container images that are fetched now, so that no machine has to
#
# Whatever fails ends it, and with it the bake: no image is better than half of one. No secret is
# printed, and none is asked for. Run twice it does the same again.
set -eu
umask 077

say() { printf 'provision: %s\n' "$*"; }
give_up() {
	printf 'provision: %s\n' "$*" >&2
	exit 1
}

# cloud-init's own first boot has to be over: it holds apt's lock, and writes what forget() removes.
settle() {
	if command -v cloud-init > /dev/null; then
		timeout 600 cloud-init status --wait > /dev/null ||
			say "cloud-init did not end well; going on"
	fi
}

# Each line a key or a comment, at least one key. A wrong file is never shown.
check_keys() {
	for name in image.key trusted.pub; do
		[ -f "$uploads/$name" ] || give_up "$name is missing (docs/keys.md)"
	done
	if grep -qvE '^(AGE-SECRET-KEY-1[0-9A-Z]{58}|#.*|)$' "$uploads/image.key" ||
		! grep -q '^AGE-SECRET-KEY-1' "$uploads/image.key"; then
		give_up "image.key: expected lines AGE-SECRET-KEY-1..., as mayfly-reaper keygen" \
			"makes them (another file was uploaded?)"
	fi
	if grep -qvE '^(untrusted comment: .*|RW[0-9A-Za-z+/=]{54}|)$' "$uploads/trusted.pub" ||
		! grep -q '^RW' "$uploads/trusted.pub"; then
		give_up "trusted.pub: expected public keys of minisign, RW... (signing.key must" \
			"never be in an image)"
	fi
}

install_docker() {
	if command -v dockerd > /dev/null; then
		say "docker is here already"
	elif command -v apt-get > /dev/null; then
		apt-get -q -o DPkg::Lock::Timeout=300 update
		DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 install -y \
			--no-install-recommends docker.io iptables ca-certificates
	elif command -v dnf > /dev/null; then
		dnf -q -y install docker
	else
		give_up "no docker here, and neither apt-get nor dnf to install it with"
	fi
	systemctl enable --now docker.service
}

install_mayfly() {
	install -m 755 "$uploads/mayfly-bootstrap" /usr/bin/mayfly-bootstrap
	/usr/bin/mayfly-bootstrap version > /dev/null ||
		give_up "mayfly-bootstrap does not run here: for another processor, or not static?"
	install -d -m 755 /etc/mayfly
	install -d -m 700 /var/lib/mayfly
	install -m 400 "$uploads/image.key" /etc/mayfly/image.key
	install -m 644 "$uploads/trusted.pub" /etc/mayfly/trusted.pub
}

# Enabled, not started: this machine is only the mould.
install_units() {
	[ -f "$uploads/units/mayfly-bootstrap.service" ] ||
		give_up "no units/mayfly-bootstrap.service among the uploads: nothing would start"
	[ -f "$uploads/units/boot-guard" ] ||
		give_up "no units/boot-guard among the uploads: nothing would switch it off"
	install -D -m 755 "$uploads/units/boot-guard" /usr/lib/mayfly/boot-guard
	if [ -f "$uploads/units/instance-store" ]; then
		install -m 755 "$uploads/units/instance-store" /usr/lib/mayfly/instance-store
	fi
	for unit in "$uploads"/units/*.service "$uploads"/units/*.timer; do
		name=${unit##*/}
		case $name in
		'*'* | mayfly-reaper*) continue ;;
		esac
		install -D -m 644 "$unit" "/etc/systemd/system/$name"
		if grep -q '^\[Install\]' "$unit"; then systemctl enable "$name"; fi
	done
	for conf in "$uploads"/units/system.conf.d/*.conf; do
		[ ! -f "$conf" ] ||
			install -D -m 644 "$conf" "/etc/systemd/system.conf.d/${conf##*/}"
	done
	install_options
	systemctl daemon-reload
}

# Which cloud's metadata service a machine asks who it is.
install_options() {
	case ${PACKER_BUILDER_TYPE:-} in
	amazon-*) provider=aws ;;
	googlecompute) provider=gcp ;;
	*)
		say "no cloud: name the provider in /etc/default/mayfly-bootstrap yourself"
		return
		;;
	esac
	options=/etc/default/mayfly-bootstrap
	printf 'MAYFLY_BOOTSTRAP_OPTIONS=--provider %s --power-off\n' "$provider" > "$options"
	chmod 644 "$options"
}

prefetch() {
	tries=0
	until docker version > /dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 60 ] || give_up "the docker engine did not come up in a minute"
		sleep 1
	done
	if [ -f "$uploads/agent-image.tar" ]; then
		docker load --input "$uploads/agent-image.tar"
	fi
	for image in "$@"; do
		docker pull --quiet "$image"
	done
}

# What would make the copies each other's twins, and what tells of the bake.
forget() {
	rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /var/lib/dbus/machine-id \
		/var/lib/systemd/random-seed /root/.bash_history
	# Packer's own key: the cloud gives each copy the keys that it is to have.
	if [ "${PACKER_BUILDER_TYPE:-}" ]; then
		home=$(getent passwd "${SUDO_USER:-root}" | cut -d: -f6)
		rm -f /root/.ssh/authorized_keys "$home/.ssh/authorized_keys"
	fi
	: > /etc/machine-id
	chmod 444 /etc/machine-id
	if command -v cloud-init > /dev/null; then cloud-init clean --logs; fi
	if command -v apt-get > /dev/null; then apt-get clean; fi
	shred -u "$uploads/image.key"
	rm -rf "$uploads"
	sync
}

uploads=${1:?usage: provision.sh UPLOADS [IMAGE...]}
shift
[ "$(id -u)" -eq 0 ] || give_up "needs root"
check_keys
settle
install_docker
install_mayfly
install_units
prefetch "$@"
forget
say "done"
