"""Boxes as detectors draw them: crops that differ from the labelled box the way a found one does.

A patch that step 2 cut with context (`box_context`) shows more than its box, and says how much more on each side: its
margins. Without jitter the box itself is cut out of it, which is what the patch would have been without context.

With jitter the box moves as it does when EasyOCR reads. All four sides go outwards together: EasyOCR's
`group_text_box` widens what it found by `add_margin` (0.1) of the box's shorter side, and labels are drawn tighter or
looser than that. And each side moves by itself: boxes that come from thresholded score maps (CRAFT, arXiv 1904.01941;
DB, arXiv 1911.08947) end a few pixels early or late.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Margins = tuple[int, int, int, int]
"""Pixels of context to the left of a box, above it, to its right, below it."""
Pixels = npt.NDArray[np.uint8]

SPREAD = 0.5
"""Standard deviation of a side's own movement, of `amount`."""
FURTHEST = 1.0
"""A side's own movement is at most this, of `amount`."""


def tight_crop(patch: Pixels, margins: Margins) -> Pixels:
    """Cut the box out of a patch with context.

    Args:
        patch: uint8 [h, w] or [h, w, 3].
        margins: How far the patch reaches beyond the box.

    Returns:
        The box's pixels, a view of the patch.

    Raises:
        ValueError: The margins leave nothing of the patch, or are negative.
    """
    return _cut(patch, margins, (0, 0, 0, 0))


def jittered_crop(patch: Pixels, margins: Margins, amount: float, random: np.random.Generator) -> Pixels:
    """Cut a box out of a patch with context as a detector might have drawn it.

    Each side lies outside the labelled box by `common + own` of the box's shorter side: `common`, the same for all
    four, uniform between 0 and `amount`; `own` normal around 0 with half of `amount` as its standard deviation, and at
    most `amount`. A side goes outwards as far as the patch reaches. A patch without any context stays as it is: its
    sides could only move inwards, and would cut off strokes that a detector's box holds.

    Args:
        patch: uint8 [h, w] or [h, w, 3].
        margins: How far the patch reaches beyond the box.
        amount: A part of the box's shorter side, at least 0; EasyOCR's `add_margin` is 0.1.
        random: Where the numbers come from; five are drawn, whatever the patch, so that streams stay in step.

    Returns:
        The pixels, a view of the patch, at least one in each direction.

    Raises:
        ValueError: The margins leave nothing of the patch, or are negative.
    """
    box = tight_crop(patch, margins)
    common, own = random.random(), random.standard_normal(4)
    if amount <= 0 or not any(margins):
        return box
    shares = common + np.clip(SPREAD * own, -FURTHEST, FURTHEST)
    outwards = np.rint(amount * min(box.shape[:2]) * shares).astype(int)
    left, top, right, bottom = (min(int(out), margin) for out, margin in zip(outwards, margins, strict=True))
    return _cut(patch, margins, (left, top, right, bottom))


def _cut(patch: Pixels, margins: Margins, outwards: Margins) -> Pixels:
    """Return the box with its sides moved outwards by so many pixels."""
    height, width = patch.shape[:2]
    left, top, right, bottom = margins
    if min(margins) < 0 or left + right >= width or top + bottom >= height:
        raise ValueError(f"margins {margins} do not fit a patch of {width} x {height} pixels")
    # Sides that move inwards keep a pixel between them.
    xmin, ymin = min(left - outwards[0], width - right - 1), min(top - outwards[1], height - bottom - 1)
    xmax, ymax = max(width - right + outwards[2], xmin + 1), max(height - bottom + outwards[3], ymin + 1)
    return patch[ymin:ymax, xmin:xmax]
