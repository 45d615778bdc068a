#!/bin/bash
# The tree's rules: who may include whom, who may read a clock, sizes, layout, commit subjects, and
# what the static analysers say. Usage: test_lint.sh [TREE]

set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1
number=0 failed=0
code=$(mktemp -d) # the tree's C files without comments and strings, line by line
trap 'rm -rf "$code" "$code.installed"' EXIT

rule() { # DESCRIPTION COMMAND...: holds if the command prints nothing; what it prints are the culprits
	local what=$1 culprits
	shift
	number=$((number + 1))
	culprits=$("$@" 2>&1 | LC_ALL=C sort -u)
	if [[ -z $culprits ]]; then
		echo "ok $number - $what"
	else
		echo "not ok $number - $what"
		printf '# %s\n' "${culprits//$'\n'/$'\n'# }"
		failed=$((failed + 1))
	fi
}

rule_with() { # TOOL DESCRIPTION COMMAND...
	local tool=$1
	shift
	if command -v "$tool" >/dev/null; then
		rule "$@"
	else
		number=$((number + 1))
		echo "ok $number - $1 # SKIP no $tool"
	fi
}

list() { # PATTERN...: files of the tree that match one of the patterns, as FOLDER/FILE
	local names=()
	for pattern; do names+=(-o -name "$pattern"); done
	find . \( -name build -o -name .git \) -prune -o -type f \( "${names[@]:1}" \) -printf '%P\n' |
		LC_ALL=C sort
}

strip_code() {
	local file
	while read -r file; do
		mkdir -p "$code/${file%/*}"
		# Comments and the insides of literals go, their newlines stay; the path of an #include stays.
		perl -0pe 's{(^\s*\#\s*include[^\n]*)|("(?:\\.|[^"\\\n])*")|(\x27(?:\\.|[^\x27\\\n])+\x27)|(/\*.*?\*/|//[^\n]*)}
			{ my $nl = ($4 // "") =~ tr/\n//; $1 // ($2 ? "\"\"" : $3 ? "0" : "\n" x $nl) }gemsx' \
			"$file" >"$code/$file"
	done
}

in_code() { # REGEX FOLDER...: every line of code that matches, as FILE:LINE:TEXT
	local regex=$1
	shift
	(cd "$code" && grep -rHnP "$regex" "$@" 2>/dev/null)
}

# --- the arrows of DESIGN §2 ---

declare -A may_use=(
	[lib]='lib/'
	[policies]='policies/'
	[core]='core/|lib/|policies/policy\.h'
	[conf]='conf/|lib/|core/|policies/policy\.h'
	[cells]='cells/|core/|lib/|policies/policy\.h'
	[exposure]='exposure/|replay/|trace/|core/|lib/|policies/policy\.h'
	[replay]='replay/|trace/|core/|lib/|policies/policy\.h'
	[trace]='trace/|lib/|core/|policies/policy\.h'
	[probes]='probes/|lib/'
	[netlink]='netlink/|lib/'
	[provision]='provision/|conf/|lib/'
	[cli]='cli/|lib/|core/|conf/|policies/|trace/|replay/|exposure/|cells/'
	[provisioner]='provisioner/|provision/|cli/|lib/|core/|conf/'
	[daemon]='(lib|core|conf|policies|trace|replay|exposure|cells|probes|netlink|provision|daemon)/'
)
layers=(lib core conf trace replay exposure cells probes netlink provision policies) # the libraries: all but the programs
programs=(daemon cli provisioner)

arrows() {
	local folder
	for folder in "${!may_use[@]}"; do
		in_code '^\s*#\s*include\s*"' "$folder" | grep -vE "include *\"(${may_use[$folder]})"
	done
	in_code '^\s*#\s*include\s*"' policies/policy.h
}

rooted() { # an #include names its file from the root
	local where path
	in_code '^\s*#\s*include\s*"' . | sed -E 's/:[0-9]+:[^"]*"([^"]*)".*/ \1/' | while read -r where path; do
		[[ -f $path ]] || echo "${where#./}: \"$path\" is not in the tree"
	done
}

# Who may use a library or the kernel's headers: HEADER-REGEX FILE-REGEX
system_headers() {
	local header files
	while read -r header files; do
		in_code "^\s*#\s*include\s*<($header)>" "${layers[@]}" "${programs[@]}" | grep -vE "^($files)"
	done <<-'END'
		libmnl/.*|nftables/.*|linux/.*netlink.*  netlink/
		linux/.*                                 netlink/|probes/|cli/uplink_watch\.c:
		ev\.h                                    daemon/loop\.c:
		yaml\.h                                  conf/
		jansson\.h                               core/report|daemon/|cli/|provision/|provisioner/
		sqlite3\.h                               trace/
		microhttpd\.h                            daemon/http
		curl/.*                                  provision/
		openssl/.*                               provision/blake2s\.c:
		sodium\.h                                lib/|conf/|netlink/|provision/|daemon/|cli/|provisioner/
	END
	in_code '^\s*#\s*include\s*<' policies |
		grep -vE '<(errno|float|limits|math|stdbool|stddef|stdint|stdio|stdlib|string)\.h>|^policies/example/[^<]*<comps/policy\.h>'
}

# --- what libraries must not do ---

clocks() {
	in_code '\bclock_(now|wall_us|suspended_us)\s*\(' "${layers[@]}" |
		grep -vE '^(lib/clock\.[ch]|lib/log\.c:|netlink/|probes/)'
	in_code '\b(clock_gettime|gettimeofday|time|ev_now|ev_time)\s*\(' "${layers[@]}" "${programs[@]}" |
		grep -vE '^lib/clock\.c:'
}

quiet() {
	in_code '\b(exit|_exit|_Exit|abort|printf|vprintf|puts|putchar|perror|errx?|warnx?)\s*\(|\bstd(out|err)\b' \
		"${layers[@]}" | grep -vE '^lib/log\.c:'
}

randomness() {
	in_code '\b(s?rand(om)?|[dlmn]rand48|rand_r)\s*\(' "${layers[@]}" "${programs[@]}"
}

unfinished() {
	# shellcheck disable=SC2046  # our file names have no spaces
	grep -nE 'TO''DO|FIX''ME|\bXX''X\b' $(list '*.[ch]' '*.sh' Makefile run)
}

# --- sizes and layout ---

too_long() { # LINES PATTERN [LINES-IN-TESTS]
	list "$2" | xargs wc -l | awk -v most="$1" -v tests="${3:-$1}" '
		$2 != "total" && $1 > ($2 ~ /^tests\// ? tests : most) { print $2 ": " $1 " lines" }'
}

# clang-format puts a function's braces, and only these, alone into the first column.
long_functions() {
	list '*.[ch]' | xargs awk '
		/^[A-Za-z].*\(/ { name = $0 }
		/^{$/ { start = FNR }
		/^}$/ && start && FNR - start - 1 > 60 { print FILENAME ":" start ": " FNR - start - 1 " lines: " name }
		/^}/ { start = 0 }'
}

formatted() {
	list '*.[ch]' | xargs clang-format --dry-run 2>&1 | grep -E ': (warning|error):' | cut -d: -f1 | sort | uniq -c |
		awk '{ print $2 ": " $1 " places differ from clang-format" }'
}

subjects() {
	git log --no-merges --format='%h %s' |
		grep -vE '^[0-9a-f]+ [A-Za-z0-9_.-]+((, |/)[A-Za-z0-9_.-]+)*: [^ ].*[^.]$'
}

# --- analysers ---

defines=(-D_GNU_SOURCE '-DCOMPS_VERSION="0"')

run_cppcheck() {
	# shellcheck disable=SC2046
	cppcheck -q -j2 --enable=warning,performance,portability --std=c11 --library=tests/lint/cppcheck.cfg \
		-I. "${defines[@]}" --template='{file}:{line}: {severity}: {message} [{id}]' $(list '*.c')
}

run_clang_tidy() {
	local flags
	mkdir -p "$code.installed/comps" && cp policies/policy.h "$code.installed/comps" # for policies/example
	read -ra flags < <(pkg-config --cflags libmnl libsodium jansson yaml-0.1 libnftables)
	list '*.c' | grep -v ^tests/ |
		xargs -P2 -n1 sh -c 'clang-tidy --quiet "$@" 2>/dev/null' sh \
			--extra-arg-before=-std=c11 "${defines[@]/#/--extra-arg=}" --extra-arg=-I. --extra-arg=-I"$code.installed" "${flags[@]/#/--extra-arg=}" |
		grep -E ': (warning|error):' | sed "s|^$PWD/||; s/,-warnings-as-errors//"
}

# Shell scripts are what says so in its first line.
run_shellcheck() {
	list '*' | xargs grep -lIE '^#!.*\b(ba)?sh\b' | while read -r file; do
		head -1 "$file" | grep -q '^#!' && echo "$file"
	done | xargs shellcheck -x -S warning -f gcc
}

list '*.[ch]' | strip_code

rule 'includes follow the arrows of DESIGN §2' arrows
rule 'includes are written from the root' rooted
rule 'each library and kernel header has its one user' system_headers
rule 'only the outer layers read a clock' clocks
rule 'libraries neither print nor exit' quiet
rule 'random numbers come from lib/rng' randomness
rule 'nothing is left unfinished' unfinished
rule 'headers have at most 150 lines (fixtures 250)' too_long 150 '*.h' 250
rule 'source files have at most 500 lines' too_long 500 '*.c'
rule 'functions have at most 60 lines' long_functions
rule_with clang-format 'clang-format would change nothing' formatted
if git log -1 >/dev/null 2>&1; then
	rule 'commit subjects read "area: what"' subjects
else
	number=$((number + 1))
	echo "ok $number - commit subjects read \"area: what\" # SKIP no git history"
fi
rule_with cppcheck 'cppcheck finds nothing' run_cppcheck
rule_with clang-tidy 'clang-tidy finds nothing' run_clang_tidy
rule_with shellcheck 'shellcheck finds nothing' run_shellcheck
echo "1..$number"
exit $((failed > 0))
