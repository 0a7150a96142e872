"""Fixtures of several steps' tests."""

import pytest

import prepare_dataset


@pytest.fixture
def run(capsys):
    """Run step 2 in this process; give its exit status, its output and its errors."""

    def run_step(*arguments):
        status = prepare_dataset.main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run_step
