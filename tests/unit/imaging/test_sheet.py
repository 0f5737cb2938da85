"""Contact sheets."""

from __future__ import annotations

import numpy as np

from hardiness.imaging.sheets import CELL_PX, CELLS, GAP_PX, LABEL_PX, sheet, strip


def test_a_strip_goes_from_the_first_frame_to_the_last() -> None:
    frames = [np.full((224, 224, 3), 8 * index, np.uint8) for index in range(31)]
    found = strip(iter(frames))
    assert found.shape == (CELL_PX, CELLS * (CELL_PX + GAP_PX) - GAP_PX, 3)
    cells = [int(found[40, cell * (CELL_PX + GAP_PX) + 40, 0]) // 8 for cell in range(CELLS)]
    assert cells == [0, 4, 9, 13, 17, 21, 26, 30]
    assert (found[:, CELL_PX : CELL_PX + GAP_PX] == 255).all()
    assert strip([frames[3]]).shape == found.shape


def test_a_sheet_names_its_strips() -> None:
    strips = {name: np.full((96, 200, 3), value, np.uint8) for name, value in (("rotate", 10), ("zoom blur", 200))}
    found = sheet(strips)
    assert found.shape == (2 * 96 + GAP_PX, LABEL_PX + 200, 3)
    assert (found[:96, LABEL_PX:] == 10).all()
    assert (found[96 + GAP_PX :, LABEL_PX:] == 200).all()
    for top in (0, 98):
        assert (found[top : top + 96, :LABEL_PX] < 128).any(), "its name"
