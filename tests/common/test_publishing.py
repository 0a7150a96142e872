"""A published folder is there whole or not at all, whenever its maker is killed."""

import contextlib
from pathlib import Path

import pytest

from train_easyocr.common.publishing import PLAN, publish, publishing, recover, remove, work_folder


def tree(folder):
    """Return what is in a folder, hidden folders beside it included."""
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_takes_the_place_of_another(tmp_path):
    for content in ("하나", "둘"):
        with publishing(tmp_path / "깊이" / "묶음") as work:
            (work / content).write_text(content)
        assert tree(tmp_path) == {f"깊이/묶음/{content}": content}


def test_what_fails_leaves_what_was_there(tmp_path):
    with publishing(tmp_path / "묶음") as work:
        (work / "하나").write_text("1")
    with pytest.raises(KeyboardInterrupt), publishing(tmp_path / "묶음") as work:
        (work / "둘").write_text("2")
        raise KeyboardInterrupt
    assert tree(tmp_path) == {"묶음/하나": "1"}


@pytest.mark.parametrize("killed_at", range(1, 5))
def test_killed_at_any_step(tmp_path, monkeypatch, killed_at):
    target, made = tmp_path / "묶음", work_folder(tmp_path / "묶음") / "set"
    for folder, content in ((target, "old"), (made, "new")):
        folder.mkdir(parents=True)
        (folder / "file").write_text(content)
    steps = []

    def dying(name):
        original = getattr(Path, name)

        def step(self, *arguments, **options):
            steps.append(name)
            if len(steps) == killed_at:
                raise SystemExit
            return original(self, *arguments, **options)

        return step

    with monkeypatch.context() as patched:
        for name in ("rename", "unlink"):
            patched.setattr(Path, name, dying(name))
        with contextlib.suppress(SystemExit):
            publish(made, target)
    recover(target)
    left = tree(tmp_path)
    assert left.pop("묶음/file") == ("new" if not made.exists() else "old")
    assert left in ({}, {".묶음.work/set/file": "new"})


def test_the_plan_goes_first(tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    (work / PLAN).write_text("{}")
    monkeypatch.setattr("shutil.rmtree", lambda folder: (folder / PLAN).exists() and pytest.fail("can be gone on with"))
    remove(work, tmp_path / "none")
