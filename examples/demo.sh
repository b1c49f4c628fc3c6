#!/bin/sh
# Builds a release and lets it find a real leak: in a Python program, then in three C programs.
set -eu
cd "$(dirname "$0")/.."
. tests/setup.sh

install_missing demo
python=$(system_python)

echo "Building a release in build/release"
configure release -Dbuildtype=release -Dpython="$python"
meson compile -C build/release >build/release.log || { cat build/release.log; exit 1; }

# show TITLE COMMAND...
show() {
    printf '\n== %s\n' "$1"
    shift
    "$@"
}
# Unbuffered: what waits to be written into a pipe is an object of the heap, too.
show "examples/find_leaks.py, on $("$python" --version)" \
    env PYTHONUNBUFFERED=1 PYTHONPATH=build/release/lib/adapters/cpython "$python" examples/find_leaks.py
show "examples/lru_cache.py, on $("$python" --version)" \
    env PYTHONUNBUFFERED=1 PYTHONPATH=build/release/lib/adapters/cpython "$python" examples/lru_cache.py
show "examples/region.c" build/release/examples/region
show "examples/graph.c" build/release/examples/graph
show "examples/toyvm" build/release/examples/toyvm
