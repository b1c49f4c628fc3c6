# shellcheck shell=sh
# Sourced by tests/run.sh, bench/run.sh and examples/demo.sh from the top of the repository: what they
# need from the system, and build directories under build/ that are kept from run to run.

# The system's own interpreter, not one that a version manager puts first.
system_python() {
    if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else command -v python3; fi
}

# Prints the path of CPython $1 if it is on this machine with its headers.
find_python() {
    for candidate in "$(command -v "python$1" || true)" \
        "${PYENV_ROOT:-${HOME-}/.pyenv}"/versions/"$1".*/bin/"python$1" \
        /usr/local/bin/"python$1"; do
        if [ -x "$candidate" ] && "$candidate" -c "$python_probe" "$1" 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}
python_probe='import os, sys, sysconfig
sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1]
         or not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'

has_header() {
    echo "#include <$1>" | ${CC:-cc} -E - >/dev/null 2>&1
}

has_python_headers() {
    "$(system_python)" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' 2>/dev/null
}

missing=
# need PACKAGE WHY PROBE...: the package is missing if the probe fails.
need() {
    package=$1 why=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        [ "$missing" ] || echo "Installing what this machine has not:"
        missing="$missing $package"
        printf '  %-18s %s\n' "$package" "$why"
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else echo "run this as root, then start again: $*" >&2; return 1
    fi
}

# install_missing demo|tests: asks nothing, and does nothing when all is there.
install_missing() {
    need libc6-dev "the C library's headers" has_header stdio.h
    need meson "builds everything (brings ninja)" command -v meson
    need python3-dev "the headers of the system's Python, for the extension" has_python_headers
    need uthash-dev "a hash table in one header, the library's only dependency" has_header uthash.h
    if [ "$1" = tests ]; then
        need g++ "checks the public headers as C++17" command -v g++
        need pkg-config "finds Criterion; tests the installed library" command -v pkg-config
        need libcriterion-dev "runs the unit tests" has_header criterion/criterion.h
        need doxygen "checks that everything public is documented" command -v doxygen
        need valgrind "counts the instructions of what hosts do all the time" command -v valgrind
        need python3-venv "tests pip install in a fresh environment" \
            "$(system_python)" -c 'import ensurepip, venv'
        need python3-numpy "tests how its arrays are seen" "$(system_python)" -c 'import numpy'
        if [ "${LW_TEST_ALL-}" ]; then
            need git "a real program under the malloc adapter" command -v git
            need sqlite3 "another one" command -v sqlite3
            need libjemalloc-dev "an allocator with calls of its own" has_header jemalloc/jemalloc.h
            need redis-server "and one with threads and jemalloc" command -v redis-server
            need pigz "64 threads of C" command -v pigz
            need memcached "and 60 more" command -v memcached
            need nodejs "runs other people's viewers on exports" command -v node
            need npm "fetches those viewers" command -v npm
        fi
    fi
    if [ -z "$missing" ]; then
        return 0
    fi
    if ! command -v apt-get >/dev/null; then
        echo "There is no apt-get here; install the equivalents of these and start again." >&2
        return 1
    fi
    as_root apt-get -qq update
    # shellcheck disable=SC2086 # one word per package
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends $missing >/dev/null
}

# configure NAME OPTION...: build/NAME, new or as it stands, with these options.
configure() {
    name=$1
    shift
    mkdir -p build
    if [ -f "build/$name/build.ninja" ]; then
        meson setup --reconfigure "build/$name" "$@" >"build/$name.log" 2>&1 && return 0
        rm -rf "build/${name:?}"
    fi
    meson setup "build/$name" "$@" >"build/$name.log" 2>&1 || {
        cat "build/$name.log" >&2
        return 1
    }
}
