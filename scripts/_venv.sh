# Sourced by demo, test and check: `use_venv base|dev` installs emorec and sets $python, $root.
#
# An active virtual environment is used as it is; the scripts only install packages into it. Without
# one, they create their own: $EMOREC_VENV, by default .venv in the checkout.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)

fail() {
    echo "scripts/$(basename -- "$0"): $*" >&2
    exit 1
}

newest=99 pythons="Python 3.11 or later"

is_supported() {
    "$1" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $newest))" >/dev/null 2>&1
}

make_venv() {
    for base in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if is_supported "$base"; then break; fi
        base=
    done
    [ -n "$base" ] || fail "no $pythons on PATH; install one (www.python.org)"
    # venv would keep a link to a Python that has been removed.
    [ -x "$venv/bin/python" ] || rm -f "$venv"/bin/python*
    # Debian's python3 without python3-venv cannot install pip into the new environment.
    { "$base" -m venv "$venv" && "$venv/bin/python" -m pip --version; } >/dev/null 2>&1 ||
        { "$base" -m venv --without-pip "$venv" &&
            "$base" -m pip --python "$venv/bin/python" install --quiet --force-reinstall pip; } >&2 ||
        fail "$base cannot create a virtual environment in $venv; see the lines above"
}

install() {
    "$python" "$root/scripts/_install.py" "$1" || fail "pip could not install emorec; see the lines above"
}

use_venv() {
    # Training needs TensorFlow, which has no wheel for Python 3.14.
    [ "$1" = base ] || newest=13 pythons="Python 3.11 to 3.13"
    venv=${EMOREC_VENV:-$root/.venv}
    case $venv in /*) ;; *) venv=$PWD/$venv ;; esac
    if [ -n "${VIRTUAL_ENV:-}" ] && [ "$VIRTUAL_ENV" != "$venv" ]; then
        venv=$VIRTUAL_ENV
        python=$venv/bin/python
        is_supported "$python" || fail "$venv is not an environment of $pythons; activate another or none"
        install "$1"
        "$python" "$root/scripts/_opencv.py" --check || exit 1
        return
    fi
    python=$venv/bin/python
    stamp=$venv/emorec-$1.stamp
    state="$root $(cksum <"$root/pyproject.toml")"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$state" ] || ! is_supported "$python"; then
        make_venv
        is_supported "$python" || fail "$venv is not an environment of $pythons; remove it"
        install "$1"
        "$python" "$root/scripts/_opencv.py" || exit 1
        echo "$state" >"$stamp"
        # dev includes base.
        [ "$1" = base ] || cp "$stamp" "$venv/emorec-base.stamp"
    fi
}
