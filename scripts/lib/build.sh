# Shared by scripts/run and scripts/test: where the project is, setting up, building. To be sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
jobs=${BUILD_JOBS:-$(nproc)}

set_up() {
    [ -n "${SKIP_SETUP:-}" ] || "$root/scripts/setup" "$@"
}

# build PRESET [target…]: configures when needed and builds the targets, or everything, in build/PRESET. Ninja shows
# progress.
build() {
    local preset=$1
    shift
    local log=$root/build/$preset/configure.log
    mkdir -p "$root/build/$preset"
    if ! (cd "$root" && cmake --preset "$preset") >"$log" 2>&1; then
        cat "$log" >&2
        return 1
    fi
    cmake --build "$root/build/$preset" -j "$jobs" ${1:+--target "$@"}
}
