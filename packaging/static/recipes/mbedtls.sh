# TLS. Its configuration is ours (mbedtls/mbedtls_config.h), and so is where its chance comes from:
# getrandom(2) and not /dev/urandom, which may be missing, and does not wait at the first boot.
# The header goes where its own one was, so that curl sees what the archive was built with.
# shellcheck shell=sh disable=SC2034,SC2086,SC2154 # library.sh reads it, and has what it reads
needs=musl

build() {
	ours=$tree/packaging/static/mbedtls
	logged cp "$ours/mbedtls_config.h" include/mbedtls/
	logged cp "$ours/entropy.c" library/entropy_getrandom.c
	logged make -j"$jobs" -C library static CFLAGS="$CFLAGS" CC="$CC" AR="$AR" GEN_FILES= \
		OBJS_CRYPTO="$(crypto_objects) entropy_getrandom.o"
	logged cp library/libmbedtls.a library/libmbedx509.a library/libmbedcrypto.a "$root/lib/"
	logged cp -R include/mbedtls include/psa "$root/include/"
}

# As the makefile there lists them.
crypto_objects() {
	sed -n '/^OBJS_CRYPTO *=/,/[^\\]$/p' library/Makefile | grep -o '[a-z0-9_]*\.o' |
		tr '\n' ' '
}
