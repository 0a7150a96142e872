"""Read documents for other programs, and for a page in the browser, over HTTP.

    python3 -m train_easyocr.serve --package package                        http://127.0.0.1:8866, for this machine
    python3 -m train_easyocr.serve --new_token 민원실 --token_file tokens    a token, said once
    python3 -m train_easyocr.serve --package package --token_file tokens --host 0.0.0.0

A package of train_easyocr.package, or a folder of train_easyocr.export, reads. SIGHUP opens it, and the tokens, anew;
SIGTERM finishes what is being read, and ends.

Exit status: 0 ended by a signal; 1 the package can't be used, or the address can't; 2 the command is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from train_easyocr.common.command_line import CommandParser, command, whole_number
from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.settings.checking import CONFIG_FILES

LARGEST_KEPT, MOST_KEPT = 8 * 2**20, 64 * 2**20
"""Bytes of a block, and of all together, that are not given back to the system when they are free: by default so many
are kept, by each thread, that a service takes more than 500 MiB; for these it takes 5 % longer to read a page."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(prog="python3 -m train_easyocr.serve", description="Read documents over HTTP.")
    add = parser.add_argument
    add("settings", nargs="*", metavar="key=value", help="settings in place of the file's, such as queue=16")
    add("--package", "--bundle", type=Path, metavar="DIR", help="what reads: a package of train_easyocr.package, or a "
        "folder of train_easyocr.export")  # fmt: skip
    add("--host", default="127.0.0.1", help="address; one that other machines reach wants --token_file; default: "
        "%(default)s")  # fmt: skip
    add("--port", type=whole_number(0, 65535), default=8866, help="0: a free one, which is said; default: %(default)s")
    add("--token_file", type=Path, metavar="FILE", help="who may use it, as --new_token writes it; default: anybody on "
        "this machine")  # fmt: skip
    add("--new_token", metavar="NAME", help="add a token of that name to --token_file, say it, and end")
    add("--threads", type=whole_number(1, 1024), metavar="N", help="that read; default: one a core")
    add("--config", type=Path, default=CONFIG_FILES / "serving.yaml", metavar="FILE", help="limits (YAML); default: "
        "%(default)s")  # fmt: skip
    return parser.parse_intermixed_args(arguments)


@command("serve")
def main(arguments: Sequence[str] | None = None) -> int:
    """Serve as the command line says; return the exit status."""
    args = parse_args(arguments)
    if args.new_token is not None:
        return _new_token(args.new_token, args.token_file)
    if args.package is None:
        raise UsageError("--package DIR names what reads; train_easyocr.package and train_easyocr.export make it")
    # What is heavy comes after --help and wrong arguments.
    try:
        from train_easyocr.common.memory import keep_freed_memory  # noqa: PLC0415
        from train_easyocr.serving.app import make_app  # noqa: PLC0415
        from train_easyocr.serving.config import load_serving_config  # noqa: PLC0415
        from train_easyocr.serving.server import is_loopback, listen, serve  # noqa: PLC0415
        from train_easyocr.serving.service import Service  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed; pip install -r requirements-serve.txt") from None

    config = load_serving_config(args.config, args.settings)
    if not is_loopback(args.host) and args.token_file is None:
        raise UsageError(f"--host {args.host}: other machines can reach it; --token_file FILE says who may use it")
    keep_freed_memory(LARGEST_KEPT, MOST_KEPT)
    with listen(args.host, args.port) as opened:
        service = Service(args.package, config, args.threads, args.token_file)
        host, port = opened.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"{service.engine.identity.name} reads at http://{shown}:{port}/", flush=True)
        serve(make_app(service), opened, config.stall_seconds)
    if not service.ended:
        sys.stderr.flush()
        os._exit(0)  # Python would take the networks away from under the thread that still computes
    return 0


def _new_token(name: str, path: Path | None) -> int:
    from train_easyocr.serving.tokens import add_token  # noqa: PLC0415

    if path is None:
        raise UsageError("--new_token wants --token_file FILE, which it is written to")
    print(add_token(path, name))
    print(f"{name}: this token is kept nowhere; {path} holds its SHA-256", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
