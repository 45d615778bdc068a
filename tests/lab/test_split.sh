#!/bin/bash
# Page loads from the command line: generated, split, attacked; files as the published tools have them; nothing overwritten.
# shellcheck disable=SC2317  # called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
e2e_begin split
trap 'cd /; rm -rf "$RUN"; e2e_cleanup' EXIT
comps=$e2e_build/comps
mkdir -p "$RUN" && cd "$RUN" || exit 1

columns() { awk -v n="$1" 'NF != n { exit 1 }' "$2"; }
from_zero() { head -1 "$1" | grep -q '^0\.000000	'; }
packets() { cat "$@" | wc -l; }
splits_maybenot() {
	mkdir maybenot && awk '{ printf "%d,%s,%d\n", $1 * 1e9, ($2 > 0 ? "s" : "r"), 512 }' loads/0-0.cell >maybenot/0-0.cell
	"$comps" split maybenot -p hold -o m && columns 3 m/0-0_join.cell
}
same_tree() { diff -r "$1" "$2"; }

check "generate" "$comps" generate -o loads --classes 4 --loads 10 --seed 3
check "... four sites of ten loads" test "$(find loads -name '*-*.cell' | wc -l)" = 40
check "... is not done over it" says 1 'loads is there already' "$comps" generate -o loads
check "the same seed makes the same" eval '"$comps" generate -o loads2 --classes 4 --loads 10 --seed 3 && same_tree loads loads2'

check "split" prints '.loads == 40 and .max_share > 0.3 and .misrouted < 0.5' "$comps" split loads -p dirichlet,interval=300ms,min=0s -o split -j
check "... is not done over it" says 1 'split is there already' "$comps" split loads -p hold -o split
check "every packet is there once" eval 'for f in loads/*.cell; do b=${f##*/}; b=${b%.cell}; (($(packets "$f") == $(packets split/"${b}"_split_*.cell) && $(packets "$f") == $(packets split/"${b}"_join.cell))) || exit 1; done'
check "a part begins at 0, in two columns" eval 'for f in split/*_split_*.cell; do from_zero "$f" && columns 2 "$f" || exit 1; done'
check "the manifest is WPES'22's" eval 'head -1 split/manifest.csv | grep -qx "class,file,is_merged,is_split,is_empty,is_train,is_valid,is_test" && (($(wc -l <split/manifest.csv) == 1 + 40 * 4))'
check "... and names what is there" eval 'awk -F, "NR > 1 && !\$5 { print \$2 }" split/manifest.csv | while read -r f; do test -e "split/$f" || exit 1; done'
check "the same seed splits the same" eval '"$comps" split loads -p dirichlet,interval=300ms,min=0s -o again && same_tree split again'
check "another seed does not" eval '"$comps" split loads -p dirichlet,interval=300ms,min=0s -S 5 -o other && ! diff -rq split other >/dev/null'
check "the literature's schedulers" prints '.loads == 40 and .misrouted == 0' "$comps" split loads -p compat:ts-bwr-paper --owd 0ms,0ms,0ms,0ms,0ms -o bwr -j
check "attack" prints '.sites == 4 and .none > 0.7 and .accR <= .none and .acc2 >= .accR - 0.1 and .chance == 0.25' "$comps" attack split -j
check "... for people" says 0 'busiest path of each load \(accW\) *[0-9.]+%' "$comps" attack split
check "what each path saw of the packets" prints '.loads == 40 and .busiest > 0.33 and .bursts_whole >= 0 and .js_bits > 0 and .js_bits < 1' "$comps" exposure split -j
check "Maybenot's form" splits_maybenot

check "an unknown policy" says 2 'there is no policy "hodl"; did you mean "hold"' "$comps" split loads -p hodl -o x
check "a delay that is none" says 2 'owd: "fast" is no duration' "$comps" split loads -p hold --owd 10ms,fast -o x
check "a downlink that is none" says 2 'follow or independent' "$comps" split loads -p hold --downlink sideways -o x
check "no loads" says 1 'holds no loads' "$comps" split split/.. -p hold -o x
echo "0 1 nonsense" >maybenot/0-1.cell
check "a broken load is named" says 1 'maybenot/0-1.cell:1: is neither' "$comps" split maybenot -p hold -o x
check "a folder that was not split" says 1 'must be one of comps split' "$comps" attack loads
check "too few loads" says 1 'too few loads|two sites' "$comps" attack m
e2e_end
