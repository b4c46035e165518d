# Read in by the scripts that make what a client needs. That is made once, outside the source tree, from versions pinned
# in files, and named after all that decides what is in it.

# What this machine cannot have is skipped, which ctest knows by 77. A machine that has the tools, from where `tools` is
# set on, must not skip under CI=true.
tools=
skip() {
    echo "SKIPPED: $1" >&2
    [ -n "$tools" ] && [ "${CI:-}" = true ] || exit 77
    echo "FAILED: CI does not skip what this machine can run" >&2
    exit 1
}

# cached NAME MAKER: the folder NAME in the cache, filled by the function MAKER when it is not there yet, as `made`.
# One maker at a time: tests run in parallel and may ask for the same.
cached() {
    made=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/otlpkit/$1
    mkdir -p "${made%/*}"
    exec 9>"$made.lock"
    flock 9
    [ -e "$made/.complete" ] && return
    rm -rf "$made"
    mkdir "$made"
    "$2" 9>&- >&2
    touch "$made/.complete"
}

# The first argument, and a sum of everything on standard input.
named() {
    echo "$1-$(sha256sum | cut -c1-12)"
}

# Nothing of the caller's may configure a client, or send it through a proxy.
clean_environment() {
    # shellcheck disable=SC2046 # names have no spaces
    unset $(env | sed -n 's/^\(OTEL_[A-Z_]*\|LOGFIRE_[A-Z_]*\|[A-Za-z]*_proxy\|[A-Z]*_PROXY\)=.*/\1/p') nothing
}
