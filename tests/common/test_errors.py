"""Errors for a user have one base class, a status, and a sentence that comes through processes."""

import importlib
import inspect
import pickle
import pkgutil

import pytest

import train_easyocr
from train_easyocr.common.errors import OtherProcessError, UsageError, UserError

pytestmark = pytest.mark.slow

NOT_FOR_USERS = {OtherProcessError}
"""The process that failed says why."""


def own_exceptions():
    """Every exception that the package defines."""
    for module in pkgutil.walk_packages(train_easyocr.__path__, "train_easyocr."):
        if not module.name.endswith("__main__"):
            for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(kind, BaseException) and kind.__module__ == module.name:
                    yield kind


def test_every_error_of_ours_is_for_a_user():
    named = {kind for kind in own_exceptions() if kind.__name__.endswith(("Error", "Weights"))}
    assert len(named) >= 8
    assert {kind for kind in named - NOT_FOR_USERS if not issubclass(kind, UserError)} == set()


def test_statuses():
    assert (UserError.status, UsageError.status) == (1, 2)
    assert {kind.status for kind in own_exceptions() if issubclass(kind, UserError)} == {1, 2}


@pytest.mark.parametrize("kind", [UserError, UsageError])
def test_an_error_comes_out_of_another_process_as_it_was(kind):
    found = pickle.loads(pickle.dumps(kind("쪽.png: kaputt")))
    assert (type(found), str(found), found.status) == (kind, "쪽.png: kaputt", kind.status)
