# What the scripts share; sourced by them from the root of the project.

say() {
    printf '\n== %s\n' "$*"
}

build_packages=(gcc cmake ninja-build 'pkgconf|pkg-config' libprotobuf-c-dev protobuf-c-compiler libprotobuf-dev
    libmicrohttpd-dev libjansson-dev libzstd-dev libpcre2-dev zlib1g-dev
    'libcurl4-openssl-dev|libcurl4-gnutls-dev|libcurl4-nss-dev')

# Whether one of the packages in `a|b|c` is installed.
is_installed() {
    local package
    for package in ${1//|/ }; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] && return 0
    done
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "root is needed, and there is no sudo, for: $*" >&2
        return 1
    fi
}

# Installs those of the packages that are missing; on Debian and its children only.
install_packages() {
    if ! command -v apt-get >/dev/null; then
        echo "No apt-get here: hoping that these are installed: $*" >&2
        return 0
    fi
    local wanted missing=()
    for wanted in "$@"; do
        is_installed "$wanted" || missing+=("${wanted%%|*}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    say "Installing ${missing[*]}"
    local log
    log=$(mktemp)
    as_root apt-get update -qq >"$log" 2>&1 &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
            >"$log" 2>&1 || { tail -n 20 "$log" >&2; rm -f "$log"; return 1; }
    rm -f "$log"
}

# Runs a command whose output matters only when it fails.
quietly() {
    local log
    log=$(mktemp)
    "$@" >"$log" 2>&1 || { tail -n 60 "$log" >&2; rm -f "$log"; return 1; }
    rm -f "$log"
}

# Sanitizers map memory at fixed places. Where the kernel randomises more bits than they know of they abort at start,
# so they run without randomisation, unless the container forbids to switch it off.
fixed_addresses() {
    if setarch -R true 2>/dev/null; then
        setarch -R "$@"
    else
        "$@"
    fi
}
