# bash completion for comps(1)

# The names of the paths, from the first column of the status table.
_comps_paths()
{
	comps -t 1s status 2>/dev/null | awk '
		/^  PATH /	{ table = 1; next }
		table && !NF	{ exit }
		table		{ sub(/^\*/, ""); print $1 }'
}

_comps_policies()
{
	comps -t 1s policy list 2>/dev/null | grep -v '^ '
}

# The parameters of the policy $1.
_comps_params()
{
	comps -t 1s policy list 2>/dev/null | awk -v policy="$1" '
		/^[^ ]/		{ mine = $1 == policy; next }
		mine && /^    /	{ print $1 "=" }'
}

# Sets `words` to the words before the cursor that are neither options nor their values.
_comps_words()
{
	local i

	words=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket | -c | --config | -t | --timeout | -n | --interval | -F | --for | -N | --count | -u | --uplink | \
			-p | --policy | -P | --plugin | -S | --seed | -Q | --seeds | -J | --jobs | -r | --run | -T | --token-file | -H | --node | \
			-i | --inventory | -a | --parallel | -o | --output)
			((i++)) ;;
		-*) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
}

# What may follow `words`, beside options.
_comps_arguments()
{
	case "${#words[@]} ${words[*]}" in
	"0 ") echo status watch migrate pin unpin drain enable policy events metrics reload check \
		leaktest trace replay provision exposure audit report split attack generate down version help ;;
	"1 migrate") echo next; _comps_paths ;;
	"1 pin" | "1 drain" | "1 enable") _comps_paths ;;
	"1 policy") echo list set ;;
	"1 trace") echo info export import ;;
	"1 provision") echo init validate plan apply status inventory bundle rekey replace destroy orphans ;;
	"2 policy set") _comps_policies ;;
	*" policy set "*) _comps_params "${words[2]}" ;;
	"1 help") words=() && _comps_arguments ;;
	esac
}

_comps_options()
{
	echo --json --socket --timeout --help --version
	case ${words[0]} in
	status) echo --check ;;
	migrate) echo --wait ;;
	pin) echo --for ;;
	events) echo --follow ;;
	watch) echo --interval ;;
	trace) echo --csv --jsonl ;;
	split) echo --policy --plugin --owd --downlink --kicks --seed --output ;;
	generate) echo --classes --loads --seed --output ;;
	report) echo --run --output ;;
	audit) echo --config ;;
	exposure) echo --run --window --seed ;;
	replay) echo --exposure --policy --plugin --seed --seeds --jobs --run --verify ;;
	provision)
		case ${words[1]} in
		validate) echo --inventory ;;
		apply) echo --yes --dry-run --node --token-file --inventory --parallel --accept-new-host-keys --output ;;
		bundle) echo --inventory --output ;;
		rekey) echo --yes --node --token-file --inventory --parallel --accept-new-host-keys --output ;;
		replace) echo --yes --token-file --inventory --parallel --accept-new-host-keys --output ;;
		destroy) echo --yes --dry-run --node --token-file --inventory --parallel ;;
		plan) echo --detailed-exitcode --token-file --inventory --output ;;
		status | inventory) echo --token-file --inventory ;;
		orphans) echo --token-file ;;
		esac
		;;
	leaktest) echo --config --uplink --count --for ;;
	down) echo --config ;;
	esac
}

_comps()
{
	local words cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	_comps_words
	COMPREPLY=()
	case $prev in
	-t | --timeout | -n | --interval | -F | --for | -N | --count | -S | --seed | -Q | --seeds | -J | --jobs | -r | --run | -H | --node | -a | --parallel) return ;;
	-p | --policy)
		mapfile -t COMPREPLY < <(compgen -W "$(_comps_policies)" -- "$cur")
		return
		;;
	-u | --uplink)
		mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net)" -- "$cur")
		return
		;;
	-s | --socket | -c | --config | -T | --token-file | -i | --inventory | -o | --output) words=(check) ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_comps_options)" -- "$cur")
	elif [[ ${words[*]} =~ ^(check|replay|trace\ (info|export|import).*|provision\ [a-z]+)$ ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(_comps_arguments)" -- "$cur")
	fi
	if [[ ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace
	fi
}

complete -F _comps comps
