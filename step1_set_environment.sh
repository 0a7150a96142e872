#!/usr/bin/env bash
# Step 1: the environment.
#
# Makes a virtual environment in .venv, installs the pinned requirements and this project (editable) into it, activates
# it and sets PYTHONPATH.
#
#   source step1_set_environment.sh          in a terminal, before the other steps
#   bash step1_set_environment.sh            only makes and checks it (the other steps then find it by themselves)
#   source step1_set_environment.sh --dev    with what the tests need
#
# Input:    pyproject.toml, requirements.txt, requirements-serve.txt, constraints.txt; PYTHON=/path/to/python3 to choose an interpreter (3.11 or newer)
# Output:   .venv, about 7 GB (torch comes with its CUDA libraries); .venv/install.log
# Duration: 3 to 10 minutes the first time, under a second afterwards
#
# The other steps source this file with --quiet, which leaves out the line that nothing was to be done. (An option must
# be named there: a file that is sourced without any sees those of the script that sources it.)

_step1_error() {
    echo "step 1: $*" >&2
    return 1
}

_step1_find_python() {
    local candidate version found=""
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        version=$("$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            echo "$candidate"
            return 0
        fi
        found="$found $candidate is $version;"
    done
    _step1_error "Python 3.11 or newer is needed;${found:- no python3 was found;} install one, or name it with PYTHON=/path/to/python3"
}

_step1_make_venv() {
    local venv=$1 python
    # A folder that was moved or renamed has the old path in its activation script: it is written anew.
    if [ -x "$venv/bin/python" ] && grep -qF "$venv" "$venv/bin/activate" 2>/dev/null; then
        return 0
    fi
    python=$(_step1_find_python) || return 1
    "$python" -m venv "$venv" >/dev/null || _step1_error "$python can't make a virtual environment in $venv (on Debian and Ubuntu: install python3-venv)"
}

_step1_explain_failure() {
    local log=$1
    if grep -qiE "no space left|Errno 28" "$log"; then
        _step1_error "the disk is full; free about 9 GB and run this step again (details: $log)"
    elif grep -qiE "NewConnectionError|NameResolutionError|Failed to establish|Temporary failure in name|Network is unreachable|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Connection refused" "$log"; then
        _step1_error "the package index can't be reached; check the network or proxy and run this step again (details: $log)"
    else
        _step1_error "installing failed: $(grep -m1 -E '^ERROR' "$log" || tail -n 1 "$log") (details: $log)"
    fi
}

_step1_install() {
    local root=$1 venv=$2 log=$2/install.log available
    shift 2
    if ! "$venv/bin/python" -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("torch"))'; then
        available=$(df -Pk "$venv" | awk 'NR == 2 { print int($4 / 1048576) }')
        if [ "$available" -lt 9 ]; then
            _step1_error "$available GB are free where $venv is; about 9 GB are needed, 3 of them only while it installs"
            return 1
        fi
        echo "step 1: installing into $venv (about 7 GB, several minutes) ..."
    fi
    set -- "$@" --constraint "$root/constraints.txt" --retries 2 --timeout 60 --disable-pip-version-check
    if ! (
        set -o pipefail
        { "$venv/bin/python" -m pip install "$@" && "$venv/bin/python" -m pip install --no-deps --no-build-isolation --editable "$root"; } 2>&1 | tee "$log" | { grep --line-buffered -E '^(Collecting|Installing|Successfully|ERROR)' || true; } | cut -c1-120
    ); then
        _step1_explain_failure "$log"
        return 1
    fi
    if ! "$venv/bin/python" -c 'import torch, torchvision; torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)' 2>>"$log"; then
        _step1_error "torch and torchvision do not fit each other: $(tail -n 1 "$log"); remove $venv and run this step again"
        return 1
    fi
}

_step1_check_gpu() {
    command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi >/dev/null 2>&1 || return 0
    "$1/bin/python" - <<'PYTHON'
import torch

if not torch.cuda.is_available():
    print(
        f"step 1: there is a GPU, but its driver does not serve this torch ({torch.__version__}, CUDA {torch.version.cuda}); "
        "update the driver, or install the torch and torchvision of your driver's CUDA version into .venv"
    )
PYTHON
}

_step1() {
    local root venv stamp wanted requirements quiet option
    root=$(cd "$(dirname "$1")" && pwd -P) || return 1
    venv="$root/.venv"
    stamp="$venv/requirements.sha256"
    requirements=(--requirement "$root/requirements.txt" --requirement "$root/requirements-serve.txt")
    quiet=""
    shift
    for option in "$@"; do
        case "$option" in
            --dev)
                requirements+=(--requirement "$root/requirements-dev.txt")
                stamp="$venv/requirements-dev.sha256"
                ;;
            --quiet) quiet=1 ;;
            *)
                _step1_error "unknown option $option; there are --dev and --quiet"
                return 1
                ;;
        esac
    done
    _step1_make_venv "$venv" || return 1
    wanted=$(cat "$root/pyproject.toml" "$root"/requirements*.txt "$root/constraints.txt" | sha256sum)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        _step1_install "$root" "$venv" "${requirements[@]}" || return 1
        _step1_check_gpu "$venv"
        echo "$wanted" >"$stamp"
        echo "step 1: the environment is ready"
    elif [ -z "$quiet" ]; then
        echo "step 1: the environment is ready (nothing to install)"
    fi
    # shellcheck disable=SC1091
    source "$venv/bin/activate" || return 1
    case ":${PYTHONPATH:-}:" in
        *":$root:"*) ;;
        *) export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" ;;
    esac
}

_step1 "${BASH_SOURCE[0]:-$0}" "$@"
