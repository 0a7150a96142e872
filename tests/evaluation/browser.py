"""Opens a report in headless Chromium and drives it by a script; no driver package is needed.

A page of the test's own holds the report in a frame, acts on it, and writes what it finds into its document, which
Chromium prints.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
VIRTUAL_SECONDS = (60, 600)
"""How long a page may take by Chromium's own clock, which runs on while a busy machine has no time for the page."""

_PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>html, body, iframe {{ margin: 0; border: 0 }}</style>
<iframe src="{report}" width="1280" height="900"></iframe><pre id="result" hidden></pre>
<script>
const frame = document.querySelector("iframe").contentWindow;
const find = (selector) => frame.document.querySelector(selector);
const all = (selector) => [...frame.document.querySelectorAll(selector)];
const texts = (selector) => all(selector).map((element) => element.textContent);
// A change of the address is followed in a later task.
const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
const go = async (hash) => {{ frame.location.hash = hash; await settled(); }};
const click = async (selector) => {{ find(selector).click(); await settled(); }};
const choose = async (selector, value) => {{
  find(selector).value = value;
  find(selector).dispatchEvent(new frame.Event("input", {{ bubbles: true }}));
  await settled();
}};
const press = async (key, target) => {{
  (target || frame.document.body).dispatchEvent(new frame.KeyboardEvent("keydown", {{ key, bubbles: true }}));
  await settled();
}};
onload = async () => {{
  const result = {{}};
  try {{ {script} }} catch (error) {{ result.failed = String(error.stack); }}
  document.querySelector("#result").textContent = JSON.stringify(result);
}};
</script>"""


def drive(report: Path, script: str, options: tuple[str, ...] = ("--dump-dom",)) -> dict:
    """Run a script on a report and return what it puts into `result`.

    Args:
        report: The report's file; another file and Chromium's profile are written beside it.
        script: The body of an asynchronous function.
        options: `("--screenshot=FILE",)` to look at what the script does; then there is no result.

    Raises:
        AssertionError: The script failed, or the report's console has something to say.
    """
    page = report.with_name("drive.html")
    page.write_text(_PAGE.format(report=report.name, script=script), encoding="utf-8")
    for budget in VIRTUAL_SECONDS:
        dump = _run(page, budget, options)
        if "--dump-dom" not in options:
            return {}
        found = re.search(r'<pre id="result"[^>]*>(.*?)</pre>', dump, re.DOTALL)
        assert found, dump[-2000:]
        if found[1]:
            break
    result = json.loads(html.unescape(found[1]))
    assert "failed" not in result, result["failed"]
    return result


def _run(page: Path, budget: int, options: tuple[str, ...]) -> str:
    """Open a page and return what it has become; its console must be silent."""
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
        f"--user-data-dir={page.with_name('profile')}", "--window-size=1280,900",
        f"--virtual-time-budget={1000 * budget}", "--enable-logging=stderr", *options, page.as_uri(),
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    assert not said, "\n".join(said)
    return ran.stdout
