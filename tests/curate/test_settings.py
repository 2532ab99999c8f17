from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tunewise.curate.settings import SplitSettings


@pytest.mark.parametrize("given", ["70/15/15", (0.7, 0.15, 0.15), [70, 15, 15], "1.4/.3/.3"])
def test_ratios_are_read_in_many_ways(given: object) -> None:
    assert SplitSettings(ratios=given).ratios == pytest.approx((0.7, 0.15, 0.15))  # type: ignore[arg-type]


@given(st.tuples(*[st.floats(0.01, 1000)] * 3))
def test_ratios_that_were_read_are_read_again_as_they_are(ratios: tuple[float, ...]) -> None:
    read = SplitSettings(ratios=ratios).ratios  # type: ignore[arg-type]
    assert SplitSettings(ratios=read).ratios == read


@pytest.mark.parametrize("given", ["80/20", "a/b/c", (1, 0, 0), (1, 1, -1), ""])
def test_other_ratios_are_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        SplitSettings(ratios=given)  # type: ignore[arg-type]
