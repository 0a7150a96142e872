"""What comes next is made while what is there is used."""

import time

import pytest

from train_easyocr.common.ahead import in_advance


def test_items_come_in_order_and_not_too_many_in_advance():
    held, most = set(), []

    def work(number):
        held.add(number)
        most.append(len(held))
        if number == 7:
            raise ValueError("7")
        time.sleep(0.003 * (number % 3))
        return number

    found = []
    with pytest.raises(ValueError, match="7"):
        for number in in_advance(work, range(100), 2):
            found.append(number)
            time.sleep(0.005)
            held.discard(number)
    assert found == list(range(7))
    assert max(most) == 3, "the one that is used, and two that come next"
    assert list(in_advance(work, [], 2)) == []
