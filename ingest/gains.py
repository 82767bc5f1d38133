"""The gains of norms while a model is read: what a matrix reads is the stream times the gain of the norm before it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .names.architectures import FEEDS, GAIN_OFFSET
from .names.naming import NamedTensor
from .plan import PlannedTensor
from .reading.ranges import Block


class Gains:
    """The gains of norms by layer and place, to be multiplied into the matrices that they feed."""

    def __init__(self, offset: float) -> None:
        self._offset = np.float32(offset)
        self._found: dict[tuple[str, int | None, str], NDArray[np.float32]] = {}

    @classmethod
    def of_config(cls, language: Mapping[str, object]) -> Gains:
        """Nothing learnt yet; some architectures store gains minus 1, as the language model's config tells."""
        return cls(GAIN_OFFSET.get(str(language.get("model_type")), 0.0))

    def learn(self, planned: PlannedTensor, block: Block) -> None:
        """Remember a norm's gain; other vectors are passed over."""
        place = planned.named.place
        if place.role == "norm":
            with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN like any other
                self._found[place.component, place.layer, place.slot] = np.nan_to_num(block[0] + self._offset)

    def of(self, named: NamedTensor) -> NDArray[np.float32] | None:
        """The gain [in] that feeds a matrix, None when there is none of its width."""
        place, width = named.place, named.tensor.matrix[1]
        for slot in FEEDS.get(place.role, ()):
            gain = self._found.get((place.component, place.layer, slot))
            if gain is not None and len(gain) == width:
                return gain
        return None
