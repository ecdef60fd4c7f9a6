# The ledger's database. One file is made of its many first (needs tclsh). Left out is what its
# authors allow to leave out of that file; of the language nothing is.
# shellcheck shell=sh disable=SC2034,SC2086,SC2154 # library.sh reads it, and has what it reads
needs=musl

build() {
	CC=gcc CFLAGS=-O1 logged ./configure --disable-tcl --disable-readline
	CC=gcc CFLAGS=-O1 logged make sqlite3.c
	logged "$CC" $CFLAGS -DNDEBUG -DHAVE_USLEEP=1 -DHAVE_FDATASYNC=1 -DHAVE_LOCALTIME_R=1 \
		-DSQLITE_THREADSAFE=0 -DSQLITE_DQS=0 -DSQLITE_DEFAULT_MEMSTATUS=0 \
		-DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_OMIT_LOAD_EXTENSION \
		-DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_OMIT_DECLTYPE \
		-DSQLITE_OMIT_PROGRESS_CALLBACK -DSQLITE_OMIT_TRACE -DSQLITE_OMIT_JSON \
		-DSQLITE_OMIT_DESERIALIZE -DSQLITE_OMIT_UTF16 -DSQLITE_OMIT_TCL_VARIABLE \
		-DSQLITE_OMIT_COMPLETE -DSQLITE_OMIT_GET_TABLE -c sqlite3.c -o sqlite3.o
	logged "$AR" rcs "$root/lib/libsqlite3.a" sqlite3.o
	logged cp sqlite3.h "$root/include/"
}
