# HTTP/1.1 over TCP, TLS and unix sockets, through proxies, with gzip. Nothing else is built.
# No CA certificates are built in: common/http_policy.c names the places.
# shellcheck shell=sh disable=SC2034,SC2154 # library.sh reads it, and has what it reads
needs="musl zlib mbedtls"

off="ftp file ldap ldaps rtsp dict telnet tftp pop3 imap smb smtp gopher mqtt ipfs manual
	docs libcurl-option tls-srp cookies doh mime form-api bindlocal dateparse progress-meter
	dnsshuffle get-easy-options alt-svc hsts websockets socketpair headers-api ntlm digest-auth
	bearer-auth kerberos-auth negotiate-auth aws sha512-256 unity dependency-tracking
	shared symbol-hiding"
without="brotli zstd libpsl nghttp2 nghttp3 ngtcp2 libidn2 librtmp libssh2 libgsasl ca-bundle
	ca-path ca-fallback"

build() {
	set -- --host="$arch-linux-musl" --prefix="$root" --enable-static --enable-optimize \
		--with-mbedtls="$root" --with-zlib="$root" --enable-threaded-resolver
	for feature in $off; do set -- "$@" "--disable-$feature"; done
	for library in $without; do set -- "$@" "--without-$library"; done
	logged ./configure "$@"
	logged make -j"$jobs" -C lib install
	logged make -C include install
}
