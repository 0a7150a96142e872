"""Fixtures of several steps' tests."""

import pytest

import prepare_dataset


@pytest.fixture
def run(capsys, monkeypatch):
    """Run step 2 in this process; give its exit status, its output and its errors.

    Which way up pages lie is not looked at (test_step2_turned does): that takes a second a set.
    """
    monkeypatch.setattr(prepare_dataset, "_starter_vote", lambda: lambda grey, boxes: 0)

    def run_step(*arguments):
        status = prepare_dataset.main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run_step
