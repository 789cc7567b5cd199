# Read by other scripts: what builds for another target. Machines with rustup take its standard library for the target; others that
# of Debian's packages rustc-web, cargo-web, rust-web-src and lld-19, built from source with the program.
#
#   cross_toolchain TARGET      sets `cross_cargo`, a command, `cross_options`, and the environment; says what is missing and returns 3

# Whether rustup has, or can fetch, the standard library of a target.
rustup_has() {
    command -v rustup > /dev/null || return 1
    rustup target list --installed | grep -qx "$1" || timeout 60 rustup target add "$1" > /dev/null 2>&1
}

# Installs packages of Debian where they are missing and this may be done.
debian() {
    command -v dpkg > /dev/null || { echo "no dpkg here to install $*" >&2; return 3; }
    dpkg -s "$@" > /dev/null 2>&1 && return 0
    local root=()
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2> /dev/null || { echo "to be installed first: apt-get install $*" >&2; return 3; }
        root=(sudo -n)
    fi
    { "${root[@]}" apt-get update -qq && "${root[@]}" apt-get install -y -qq --no-install-recommends "$@"; } > /dev/null 2>&1 && return 0
    echo "cannot be installed: $*" >&2
    return 3
}

cross_toolchain() {
    local target=$1
    cross_options=(--target "$target")
    if rustup_has "$target"; then
        cross_cargo=(cargo)
    else
        debian rustc-web cargo-web rust-web-src lld-19 || return 3
        cross_cargo=(/usr/bin/cargo)
        export RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc
        case $target in
            wasm32-wasip1)
                debian wasi-libc || return 3
                cross_options+=(-Zbuild-std=std,panic_abort,test)
                export CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld-19
                local wasi=/usr/lib/wasm32-wasi
                export RUSTFLAGS="-C link-self-contained=no -C panic=abort -L native=$wasi -C link-arg=$wasi/crt1-command.o -C link-arg=$wasi/libc.a"
                ;;
            wasm32-*)
                cross_options+=(-Zbuild-std=std,panic_abort)
                export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19
                ;;
            *) cross_options+=(-Zbuild-std=std,panic_unwind,test) ;;
        esac
    fi
}
