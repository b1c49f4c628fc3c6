#!/bin/sh
# Builds with sanitizers and runs the tests. The last line is the total over all suites.
#   ./tests/run.sh         the quick tier: at most 15 minutes on two cores
#   ./tests/run.sh --all   everything there is
set -eu
cd "$(dirname "$0")/.."
. tests/setup.sh

all= patience=1
case "${1-}" in
'') ;;
--all) all=1 patience=20; export LW_TEST_ALL=1 ;;
*) echo "usage: tests/run.sh [--all]" >&2; exit 2 ;;
esac

results=build/results
rm -rf "$results"
mkdir -p "$results"
: >"$results/events"

# event fail|skip TEXT: what could not start counts too.
event() { echo "$1 $2" >>"$results/events"; }

# build NAME TARGET OPTION...: an empty target is everything.
build() {
    tree=$1 target=$2
    shift 2
    echo "== build/$tree"
    if ! configure "$tree" "$@" ||
        ! meson compile -C "build/$tree" ${target:+"$target"} >"build/$tree.log" 2>&1
    then
        tail -n 60 "build/$tree.log"
        event fail "$tree: does not build"
        return 1
    fi
}

# run_suites NAME BUILD MESON-TEST-OPTION...: NAME is what the total calls this run.
run_suites() {
    run=$1 tree=build/$2
    shift 2
    rm -f "$tree/meson-logs/testlog.json"
    status=0
    meson test -C "$tree" --no-rebuild --timeout-multiplier "$patience" "$@" || status=$?
    if [ -f "$tree/meson-logs/testlog.json" ]; then
        cp "$tree/meson-logs/testlog.json" "$results/$run.json"
    fi
    echo "$status" >"$results/$run.status"
}

install_missing tests || event fail "setup: packages are missing"

system=$(system_python)
system_version=$("$system" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
sanitizers="-Db_sanitize=address,undefined -Db_lundef=false -Dwerror=true"
only_tests="-Dtests=enabled -Dexamples=disabled -Dbench=disabled -Ddocs=disabled"

# shellcheck disable=SC2086 # options are words
if build asan "" $sanitizers -Dpython="$system" -Dcpython=enabled -Dtests=enabled; then
    run_suites asan asan
fi
for version in 3.11 3.12 3.13; do
    [ "$version" != "$system_version" ] || continue
    if ! python=$(find_python "$version"); then
        event skip "python $version: not on this machine (or without its headers)"
        continue
    fi
    # shellcheck disable=SC2086
    if build "asan-$version" python-tests $sanitizers $only_tests -Dpython="$python" \
        -Dcpython=enabled
    then
        run_suites "asan-$version" "asan-$version" --suite python
    fi
done
# shellcheck disable=SC2086
if build tsan threads-tests -Db_sanitize=thread -Db_lundef=false -Dwerror=true $only_tests \
    -Dcpython=disabled
then
    run_suites tsan tsan --suite threads
fi
if build release "" -Dbuildtype=release -Dpython="$system"; then
    run_suites release release --suite release --suite limits --suite examples --suite bench \
        --suite python --suite malloc --suite threads
    [ -z "$all" ] ||
        run_suites release-c release --suite unit --suite model --suite fault --suite viewers
fi

"$system" tests/tally/tally.py "$results"
