#!/usr/bin/env bash
# Reads documents with what lies beside this script; the first call installs wheels/ into .venv here.
#
#   bash run.sh selftest
#   bash run.sh read scan.pdf photos/ --format pdf --output out
#   bash run.sh serve
#
# PYTHON names the interpreter; default: python3
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
python="$here/.venv/bin/python"

install() {
    local base="${PYTHON:-python3}" from=()
    if ! "$base" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@VERSION@")'; then
        echo "run.sh: the wheels are for Python @VERSION@; name one: PYTHON=python@VERSION@ bash run.sh ..." >&2
        exit 1
    fi
    echo "run.sh: installing into $here/.venv" >&2
    "$base" -m venv --clear "$here/.venv"
    if [ -d "$here/wheels" ]; then from=(--no-index --find-links "$here/wheels"); fi
    "$python" -m pip install --quiet --disable-pip-version-check ${from[@]+"${from[@]}"} \
        --requirement "$here/requirements.txt" >&2
    touch "$here/.venv/ready"
}

if [ ! -f "$here/.venv/ready" ]; then install; fi
export PYTHONPATH="$here/code" PYTHONNOUSERSITE=1 ORT_DISABLE_TELEMETRY=1
case "${1:-}" in
    read) exec "$python" -m train_easyocr.read --bundle "$here/model" "${@:2}" ;;
    serve) exec "$python" -m train_easyocr.serve --package "$here" "${@:2}" ;;
    selftest) exec "$python" -m train_easyocr.delivery.selftest "$here" "${@:2}" ;;
    *)
        echo "run.sh: bash run.sh selftest, read FILE ... or serve (--help lists what else they take)" >&2
        exit 2
        ;;
esac
