"""How boxes are made of CRAFT's maps: EasyOCR's settings by EasyOCR's names, and what words need beyond them.

The defaults are EasyOCR's, and give EasyOCR's boxes. `WORDS` gives a box a word, as the labels have it.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from train_easyocr.detection.interface import DetectorParameters


class CraftParameters(DetectorParameters):
    """Settings from CRAFT's maps to boxes.

    Attributes:
        text_threshold: A component counts as text when its region score reaches this anywhere.
        low_text: Region score above which a map pixel belongs to text.
        link_threshold: Affinity score above which a map pixel links characters.
        min_size: Boxes whose longer side, margins included, is not above this many page pixels are dropped; 0 keeps
            all.
        canvas_size: The page's longer side in the network's input is at most this many pixels.
        mag_ratio: How many times the page is enlarged for the network, within `canvas_size`.
        slope_ths: Slope of the upper and lower side below which a box is taken as level.
        ycenter_ths: Level boxes stand in one line when their middles differ by less than this share of their height.
        height_ths: Boxes of a line are joined only when their heights differ by less than this share.
        width_ths: Boxes of a line are joined when the gap between them is below this share of their height. Boxes
            that overlap have negative gaps; -1 joins none but nested ones.
        add_margin: What a box is widened by on each side, as a share of its shorter side.
        margin_x: The same for the left and right side, in place of `add_margin`; it may be negative.
        margin_y: The same for the upper and lower side.
        attach_ths: A small component, such as a full stop, is joined to a larger one of its line when the gap between
            them is below this share of the larger one's height. 0 joins none, which is what EasyOCR does.
    """

    text_threshold: float = Field(0.7, ge=0, le=1)
    low_text: float = Field(0.4, ge=0, le=1)
    link_threshold: float = Field(0.4, ge=0, le=1)
    min_size: int = Field(20, ge=0)
    canvas_size: int = Field(2560, ge=32)
    mag_ratio: float = Field(1.0, gt=0)
    slope_ths: float = Field(0.1, ge=0)
    ycenter_ths: float = Field(0.5, ge=0)
    height_ths: float = Field(0.5, ge=0)
    width_ths: float = 0.5
    add_margin: float = Field(0.1, gt=-0.5)
    margin_x: float | None = Field(None, gt=-0.5)
    margin_y: float | None = Field(None, gt=-0.5)
    attach_ths: float = Field(0.0, ge=0)

    @property
    def margins(self) -> tuple[float, float]:
        """Margin at the left and right, and above and below, as shares of a box's shorter side."""
        across = self.add_margin if self.margin_x is None else self.margin_x
        down = self.add_margin if self.margin_y is None else self.margin_y
        return across, down

    def easyocr_arguments(self) -> dict[str, Any] | None:
        """Return the arguments with which plain `Reader.readtext` finds the same boxes; None where it can't."""
        if self.margin_x != self.margin_y or self.attach_ths:
            return None
        arguments = self.model_dump(exclude={"margin_x", "margin_y", "attach_ths"})
        return {**arguments, "add_margin": self.margins[0]}


WORDS = CraftParameters(min_size=0, width_ths=-1.0, attach_ths=0.25)
"""A box a word: neighbours are not joined, but punctuation is. The start of every search."""
