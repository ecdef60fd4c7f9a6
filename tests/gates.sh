#!/bin/sh
# The house rules that a machine can check (CONTRIBUTING.md says why). Reads the tree it stands in
# and the objects under BUILD_FOLDER. Usage: tests/gates.sh BUILD_FOLDER [GATE...]
# Prints one line for each violation, ends with 1 if there was any. A gate whose tool is not
# installed says "skipped". tests/gates_test.sh seeds violations and sees each one reported.
set -u
build=${1:?usage: tests/gates.sh BUILD_FOLDER [GATE...]}
shift
found=$(mktemp) || exit 1
trap 'rm -f "$found"' EXIT

rooms="common bootstrap reaper"
pure="common/verdict common/phase common/idle common/settle reaper/plan reaper/plan_end
	reaper/plan_launch reaper/plan_mark reaper/plan_money reaper/plan_repair reaper/plan_spare
	reaper/plan_repeat reaper/leftover reaper/settings/settings_look
	reaper/plan_stock reaper/plan_why reaper/demand reaper/doom reaper/slots
	reaper/offering reaper/offerings reaper/open_attempt reaper/breaker reaper/money/money
	bootstrap/docker_words bootstrap/docker_policy bootstrap/docker_policy_check common/hocon
	reaper/settings/zone_rule reaper/money/money_accrue reaper/money/money_worst
	reaper/money/user_names"
# What they may use: texts, errors and JSON in memory.
plain="common/buf common/error common/json common/json_build common/worker_id"
# Exported for unit tests and fuzzers alone: the pure half of a module, bytes in and a record out
# (or back), whose other half reads a file or a socket.
exported_for_tests="admit_fits clearml_keys_parse clearml_read_arguments clearml_read_board
	clearml_read_queues clearml_read_tasks clearml_read_workers
	control_parse control_print heartbeat_is_gap identity_aws_parse
	interruption_parse identity_parse
	join_holder journal_parse journal_print orders_parse orders_print settings_parse
	spend_mirror_parse zone_parse world_event_count world_is_configured world_now_s
	world_task_count"

# Verbs of docker.h that the container mode has no use for yet.
not_called_yet="docker_disk_usage docker_login_check docker_pause docker_prune
	docker_stop docker_top docker_unpause"

complain() { printf 'gate %s: %s\n' "$gate" "$*" | tee -a "$found"; }
# Turns each line of standard input into a complaint.
complain_each() { while read -r line; do complain "$line"; done; }
skip() {
	printf 'gate %s: skipped, %s is not installed (make setup-developer)\n' "$gate" "$1"
}
# Search the tree, tracked or not, ignored files left out. Prints file:line:text.
search() { git --no-pager grep -nI --no-index --exclude-standard "$@"; }
files() { search -l -e '' -- "$@" | sort; }
# deny PATTERN WHY PATH...: no line of these files may match.
deny() {
	pattern=$1 why=$2
	shift 2
	search -E "$pattern" -- "$@" | at "$why" | complain_each
}
# Of each file:line:text keeps the place, and says why it is wrong.
at() { sed "s|^\([^:]*:[0-9]*\):.*|\1 $1|"; }
sources() { files 'common/*.[ch]' 'bootstrap/*.[ch]' 'reaper/*.[ch]'; }
flags() {
	printf '%s' "-std=gnu11 -D_GNU_SOURCE -I. "
	pkg-config --cflags libcurl libcjson libsodium zlib sqlite3 expat yaml-0.1
}
objects() {
	find "$build/common" "$build/bootstrap" "$build/reaper" "$build/templates" -name '*.o'
}

# A file stays within 600 lines, a function within 60, a line within 100 columns. A test may hold a
# table of any length.
gate_length() {
	files '*.c' '*.h' | xargs awk 'FNR == 601 { print FILENAME " is longer than 600 lines" }' |
		complain_each
	sources | xargs awk '
		FNR == 1 { start = 0 }
		/^\{/ { start = FNR }
		/^}/ && start {
			if (FNR - start > 61)
				print FILENAME ":" start " is a function of " \
					FNR - start - 1 " lines"
			start = 0
		}' | complain_each
	for file in $(files '*.c' '*.h' '*.py' '*.sh'); do
		expand -t 8 "$file" | awk -v file="$file" 'length($0) > 100 {
			print file ":" FNR " is wider than 100 columns" }'
	done | complain_each
	[ "$(wc -l < CONTRIBUTING.md)" -le 60 ] || complain "CONTRIBUTING.md exceeds 60 lines"
}

# A header compiles on its own, and a module reads its own header first.
gate_headers() {
	for header in $(files 'common/*.h' 'bootstrap/*.h' 'reaper/*.h' 'tests/unit/*.h'); do
		# shellcheck disable=SC2046 # flags are words
		${CC:-gcc} $(flags) -Wall -Werror -fsyntax-only -x c "$header" 2> /dev/null ||
			complain "$header does not compile on its own"
	done
	for source in $(sources | grep '\.c$'); do
		header=${source%.c}.h
		if [ -f "$header" ]; then
			grep -m 1 '^#include' "$source" | grep -qF "\"$header\"" ||
				complain "$source must include $header before all else"
		fi
	done
}

# Who may look at whom; which room knows which library; which calls nobody makes.
gate_layers() {
	deny '#include "(bootstrap|reaper)/' 'common/ is below both programs' common
	deny '#include "reaper/' 'bootstrap/ must not see reaper/' bootstrap
	deny '#include "bootstrap/' 'reaper/ must not see bootstrap/' reaper
	deny '#include "tests/' 'the programs must not see the tests' common bootstrap reaper
	deny '#include "reaper/providers/[^p]' 'knows a provider by more than provider.h' \
		'reaper/*.[ch]' ':!reaper/providers'
}

gate_libraries() {
	# shellcheck disable=SC2086 # rooms are words
	{
		deny '#include <curl/' 'only common/http*.[ch] knows libcurl' $rooms \
			':!common/http.c' ':!common/http_wire.[ch]' ':!common/http_stream.c'
		deny '#include <cjson/' 'only common/json knows cJSON' $rooms ':!common/json*.[ch]'
		deny '#include <sodium' \
			'only secret, hash, clock, age, aws_sign, minisign know libsodium' \
			$rooms ':!common/secret.c' ':!common/hash.c' ':!common/clock.c' \
			':!common/aws_sign.c' \
			':!common/age*.[ch]' ':!common/minisign*.[ch]'
		deny '#include <zlib' 'only common/gzip.c knows zlib' $rooms ':!common/gzip.c'
		deny '#include <sqlite3' 'only reaper/ledger/ledger_sql.c knows SQLite' $rooms \
			':!reaper/ledger/ledger_sql.c'
		deny '#include <yaml' 'only reaper/import/yaml.c knows libyaml' $rooms \
			':!reaper/import/yaml.c'
		deny '#include <expat' 'only common/xml.c knows expat' $rooms ':!common/xml.c'
		deny '#include <openssl/' 'a library without a room yet' $rooms
		deny '\b(clock_gettime|gettimeofday|time|ftime|timespec_get) ?\(' \
			'only common/clock.c asks the time' $rooms ':!common/clock.c' ':!*.h'
	}
}

gate_calls() {
	deny '\b(strcpy|strcat|strncpy|stpcpy|v?sprintf|strtok|gets|ato[ifl]|atoll)\([^)]' \
		'a banned call: unbounded, or blind to errors' '*.c' '*.h'
	deny '\b(system|popen|gmtime|localtime|ctime|asctime|tmpnam|mktemp|tempnam)\([^)]' \
		'a banned call: a shell, a shared buffer or a race' '*.c' '*.h'
	# shellcheck disable=SC2086
	deny '\b(rand|random|srand|srandom|drand48|alloca)\(' 'a banned call' $rooms
}

# The words and forms that we do not use.
vague="has a name that fits anything"
gate_style() {
	# shellcheck disable=SC2086
	{
		deny '^typedef (struct|union|enum)' 'a typedef hides what it is' '*.c' '*.h'
		deny '^\s*//|[;{}]\s+// [^"]*$' 'comments are /* */' '*.c' '*.h'
		deny '\b(if|while|switch) \(.*[A-Za-z0-9_)]\]? = ' 'assigns in a condition' '*.c'
		deny '\b(struct|enum) [a-z_]+_t\b' 'a name in _t belongs to the C library' $rooms
		deny '^(static )?[a-z_ ]+\**(do|handle|process)_[a-z_]+\(' "$vague" $rooms
		deny '\b[a-z_]*(utils?|helpers?|misc|manager)(_[a-z_]*)?\(' "$vague" $rooms
	}
	sources | grep -E '(util|helper|misc|manager|/data\.|/info\.)' |
		sed "s/\$/ $vague/" | complain_each
}

# What decides does not touch the world: memory, strings, sorting, and each other.
gate_purity() {
	for module in $pure; do
		object=$build/$module.o
		[ -f "$object" ] || {
			complain "$object is missing"
			continue
		}
		for symbol in $(nm -u "$object" | awk '{ print $2 }'); do
			case $symbol in
			mem* | str* | __mem*_chk | __str*_chk | qsort | bsearch) ;;
			malloc | calloc | realloc | reallocarray | free | abort) ;;
			__asan* | __ubsan* | __gcov* | __stack_chk_fail | _GLOBAL_OFFSET_TABLE_) ;;
			*) pure_symbols | grep -qxF "$symbol" ||
				complain "$module.c must be pure but uses $symbol" ;;
			esac
		done
	done
}

pure_symbols() {
	for other in $pure $plain; do
		nm --defined-only -g "$build/$other.o" 2> /dev/null
	done | awk '{ print $3 }'
}

words() { printf '%s' "$1" | tr -s ' \t\n' ' '; }

# The forecast's.
pure="$pure reaper/forecast/rival reaper/forecast/bound reaper/forecast/outcome"
exported_for_tests="$exported_for_tests outcome_percentile"
# The simulator's traces: built from templates/ for it alone.
exported_for_tests="$exported_for_tests trace_office trace_office_len trace_steady
	trace_steady_len trace_sweep trace_sweep_len"

# AWS: common/aws*.
exported_for_tests="$exported_for_tests aws_leftover_read aws_market_answer_prices
	aws_types_answer aws_profile_check aws_sign_canonical aws_sign_string"

# What only its own file uses is static: nm over all objects of the two programs. A name that is
# excused and needs it no more is a complaint too.
gate_exports() {
	allowed=$(words "$exported_for_tests $not_called_yet")
	objects | xargs nm -A | awk -v allowed=" $allowed main " '
		$2 == "U" { is_used[$3] = 1; next }
		$2 ~ /^[TDBRCV]$/ && $3 !~ /^__/ { sub(/:[^:]*$/, "", $1); definer[$3] = $1 }
		END {
			for (symbol in definer)
				if (!is_used[symbol] && !index(allowed, " " symbol " "))
					print definer[symbol] " exports " symbol \
						", which no other file uses"
			count = split(allowed, names, " ")
			for (i = 1; i <= count; i++)
				if (names[i] != "main" && (is_used[names[i]] || !definer[names[i]]))
					print "tests/gates.sh excuses " names[i] ", which " \
						(definer[names[i]] ? "another file uses" : \
						"nobody exports")
		}' | sed "s|^$build/||; s|\.o exports|.c exports|" | sort | complain_each
}

# Nothing left for later; nothing of this machine; no host of a package registry.
gate_leftovers() {
	marks='TO''DO|FIX''ME|XX''X|HA''CK'
	deny "\\b($marks)\\b" 'is marked as unfinished' . ':!tests/corpus' \
		':!tests/contract/exchanges' ':!third_party/patches'
	deny '^(<{7}|>{7}|={7})( |$)' 'is a merge left open' .
	for host in $(registry_hosts); do
		search -lF -e "$host" -- . | sed 's/$/ names a package registry of this machine/'
	done | complain_each
	for folder in $(machine_folders); do
		search -F -e "$folder" -- . | at 'names a path of this machine'
	done | sort -u | complain_each
}

registry_hosts() {
	{
		cat /etc/pip.conf ~/.config/pip/pip.conf ~/.pip/pip.conf ~/.cargo/config.toml \
			~/.npmrc ~/.m2/settings.xml /etc/apt/sources.list /etc/apt/sources.list.d/*
		printenv PIP_INDEX_URL PIP_EXTRA_INDEX_URL UV_INDEX_URL GOPROXY
	} 2> /dev/null | grep -oE 'https?://[^/[:space:]"<,]+' |
		sed -E 's#https?://([^@]*@)?##; s/:[0-9]+$//' | grep '\.' | sort -u
}

# The tree itself, and the folder it is in unless that one is everybody's.
machine_folders() {
	printf '%s/\n' "$PWD"
	case ${PWD%/*} in
	'' | /tmp | /var/tmp | /root | /home | /opt | /srv | /mnt | /src | /usr/src) ;;
	*) printf '%s/\n' "${PWD%/*}" ;;
	esac
}

gate_shell() {
	command -v shellcheck > /dev/null || {
		skip shellcheck
		return
	}
	for script in $(search -lE '^#!/bin/(ba)?sh' -- .); do
		head -n 1 "$script" | grep -q '^#!' || continue
		shellcheck -f gcc "$script" | complain_each
	done
}

gate_spelling() {
	command -v codespell > /dev/null || {
		skip codespell
		return
	}
	files . ':!LICENSE' ':!tests/corpus' ':!tests/contract' ':!tests/requirements' \
		':!third_party/patches' |
		xargs codespell -q 3 --ignore-words-list "$(words_of_ours)" | complain_each
}
# Names of ours, and words that tests misspell to see a suggestion.
words_of_ours() { printf 'ro,te,inout,fo,versoin,lokal,clos,fle'; }

gate_format() {
	command -v clang-format-14 > /dev/null || {
		skip clang-format-14
		return
	}
	files '*.c' '*.h' | xargs clang-format-14 --dry-run 2>&1 |
		awk -F: '/warning:/ && !seen[$1]++ {
			print $1 ":" $2 " is not as make format leaves it" }' | complain_each
}

# A man page names each subcommand and option, or each key of the schema, as the tables do; the
# targets that README names exist.
gate_manuals() {
	for program in mayfly-bootstrap mayfly-reaper; do
		page=packaging/man/$program.8
		[ -f "$page" ] || {
			complain "$page is missing"
			continue
		}
		for word in $(words_of "$build/$program"); do
			plain "$page" | grep -qE -e "(^|[^a-z-])$word([^a-z-]|\$)" ||
				complain "$page does not name $word"
		done
	done
	page=packaging/man/mayfly-reaper.json.5
	for key in $(grep -oE '^ +"[a-z_]+": *\{' templates/mayfly-reaper.schema.json |
		tr -d ' ":{' | grep -vE '^(properties|items|duration|field_[a-z_]+)$' | sort -u); do
		plain "$page" | grep -qw "$key" || complain "$page does not name $key"
	done
	python3 packaging/pages.py "$build" --check 2>&1 | complain_each
	named_in_text '`make [a-z][a-z_-]*' | sed 's/`make //' | while IFS=: read -r file target; do
		cat Makefile packaging/*/*.mk | grep -qE "^$target:.*## " ||
			complain "$file names a target $target"
	done
	named_in_text '\]\([a-zA-Z][^):#]*[)#]' | sed 's/](//; s/.$//' |
		while IFS=: read -r file link; do
			[ -e "$link" ] || complain "$file links to $link, which is not there"
		done
}

plain() { sed 's/[\](dq/"/g; s/[\]//g' "$1"; } # a man page without its escapes
named_in_text() { search -oE "$1" -- '*.md' | sed 's/:[0-9]*:/:/' | sort -u; }

# The subcommands that --help lists, and the options that each one's --help lists.
words_of() {
	"$1" --help | awk '/^ +[a-z]/ { print $1 }' | sort -u | while read -r command; do
		printf '%s\n' "$command"
		"$1" "$command" --help < /dev/null | grep -oE -e '--[a-z][a-z-]+'
	done | sort -u
}

[ $# -gt 0 ] || set -- length headers layers libraries calls style purity exports leftovers shell \
	spelling format manuals
for gate in "$@"; do
	if command -v "gate_$gate" > /dev/null; then "gate_$gate"; else
		complain "tests/gates.sh knows no gate named $gate"
	fi
done
if [ -s "$found" ]; then
	printf '%s violations\n' "$(wc -l < "$found")"
	exit 1
fi
printf 'gates passed: %s\n' "$*"
