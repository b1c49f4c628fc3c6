#!/bin/sh
# Every benchmark of recording, beside the other tools: tables as they come, then
# build/bench/results.json and build/bench/results.svg, drawn from it.
#   bench/run.sh             all of it, for a machine with nothing else to do
#   bench/run.sh --quick     fewer programs, fewer rounds, smaller loads
#   --only PART[,PART]       these parts; what the others found before stays
#   --python PATH            the interpreter; by itself the newest supported one with headers
#   --no-install             use only what is there; without it pip fetches other people's programs
#                            into build/bench/pyperformance
#   --readme                 also write the main figures into README.md
#   --test TREE              for the tests: a tree that is built, the smallest loads
# Tools that only this needs are named where they are missing: clang, heaptrack, google-perftools,
# libjemalloc2.
set -eu
cd "$(dirname "$0")/.."
. tests/setup.sh

all_parts="python_programs python_record books malloc_others live_curve"
load=full only= python= tree= install= readme=
while [ $# -gt 0 ]; do
    case "$1" in
    --quick) load=quick ;;
    --no-install) install=--no-install ;;
    --readme) readme=1 ;;
    --only) only=$2; shift ;;
    --python) python=$2; shift ;;
    --test) load=test tree=$2 install=--no-install; shift ;;
    *) sed -n '2,14s/^# \{0,1\}//p' bench/run.sh >&2; exit 2 ;;
    esac
    shift
done
if [ "$readme" ] && [ "$load" != full ]; then
    echo "bench/run.sh: what README.md says comes from a full run" >&2
    exit 2
fi

if [ "$tree" ]; then
    out=$tree/bench/results
    : "${python:=$(system_python)}"
else
    install_missing demo
    for version in 3.13 3.12 3.11; do
        : "${python:=$(find_python "$version" || true)}"
    done
    : "${python:=$(system_python)}"
    out=build/bench tree=build/bench/release
    mkdir -p "$out"
    configure bench/release -Dbuildtype=release -Dpython="$python" -Dcpython=enabled \
        -Dmalloc=enabled -Dtests=disabled -Dexamples=disabled -Ddocs=disabled
    meson compile -C "$tree" >build/bench/build.log 2>&1 || {
        tail -n 40 build/bench/build.log
        exit 1
    }
fi
mkdir -p "$out"

# What a part is asked for, by load.
arguments() {
    case "$1 $load" in
    "python_programs quick") echo --rounds 1 --others-rounds 1 --seconds 0.03 --only \
        json_loads,pickle,regex_compile,mako,sqlglot_parse,async_tree,deepcopy,numpy ;;
    "python_programs test") echo --rounds 1 --others-rounds 1 --seconds 0.01 --only numpy ;;
    "python_record quick") echo --rounds 1 --depths 5,25 ;;
    "python_record test") echo --rounds 1 --depths 5 --turns 2000 ;;
    "books quick") echo --mib 64 ;;
    "books test") echo --mib 1 ;;
    "malloc_others quick") echo --rounds 1 --pairs 400000 ;;
    "malloc_others test") echo --rounds 1 --pairs 2000 --live 2000 --only leakwatch ;;
    "live_curve quick") echo --rounds 1 --most 1000000 ;;
    "live_curve test") echo --rounds 1 --most 1000 ;;
    esac
    case "$1" in python_programs) echo "$install" ;; esac
}

tree=$(cd "$tree" && pwd)
export PYTHONPATH="$tree/lib/adapters/cpython" PYTHONDONTWRITEBYTECODE=1
export LW_BUILD="$out" LW_TREE="$tree"
if [ -z "$only" ]; then
    rm -f "$out"/part-*.json
fi
status=0
for part in $all_parts; do
    case ",${only:-$part}," in *",$part,"*) ;; *) continue ;; esac
    printf '\n== %s\n' "$part"
    # shellcheck disable=SC2046 # arguments are words
    "$python" "bench/$part.py" --json "$out/part-$part.json" $(arguments "$part") || status=$?
done
printf '\n== results\n'
"$python" bench/results.py "$out"
"$python" bench/chart.py "$out/results.json" "$out/results.svg"
[ -z "$readme" ] || "$python" bench/table.py "$out/results.json" README.md
exit "$status"
