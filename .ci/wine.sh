#!/usr/bin/env bash
# Runs a program for Windows under Wine: .ci/wine.sh PROGRAM.exe [ARGUMENT...]
#
# Rust's standard library draws random numbers from bcryptprimitives.dll, which Wine 8, that of Debian 12, does not have. Where it is
# missing, one of a function is built and laid beside the program.
set -euo pipefail
folder=$(dirname "$1")
export WINEDEBUG=${WINEDEBUG:--all} WINEPREFIX=${WINEPREFIX:-$HOME/.wine}
if [ ! -d "$WINEPREFIX/drive_c" ]; then
    wine cmd /c ver > /dev/null 2>&1 || true
fi
library=$folder/bcryptprimitives.dll
if [ ! -f "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" ] && [ ! -f "$library" ]; then
    source=$(mktemp --suffix=.c --tmpdir="$folder")
    cat > "$source" << 'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID data, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) { return SystemFunction036(data, (ULONG)length); }
C
    x86_64-w64-mingw32-gcc -shared -O1 -o "$source.dll" "$source" -ladvapi32
    # At once, within a folder, since several programs may start.
    mv "$source.dll" "$library"
    rm "$source"
fi
exec wine "$@"
