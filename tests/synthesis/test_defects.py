import numpy as np
import pytest

from train_easyocr.synthesis import defects
from train_easyocr.synthesis.layout import BLACK, RED

RANDOM = np.random.default_rng


def ink(height=300, width=240):
    plane = np.zeros((height, width), np.uint8)
    plane[height // 3 : height // 2, width // 4 : width // 2] = 255
    return plane


INK_DEFECTS = {
    "bleed": lambda plane, random: defects.bleed(plane, 0.8),
    "thin": lambda plane, random: defects.thin(plane, 0.5),
    "fade": lambda plane, random: defects.fade(plane, random, 0.9, 0.5),
    "crumble": lambda plane, random: defects.crumble(plane, random, 0.1),
    "spoil_ink": defects.spoil_ink,
}
IMAGE_DEFECTS = {
    "uneven_light": lambda image, random: defects.uneven_light(image, random, 0.2),
    "fold": defects.fold,
    "edge_shadow": defects.edge_shadow,
    "punch_holes": defects.punch_holes,
    "speckle": lambda image, random: defects.speckle(image, random, 60),
    "streaks": lambda image, random: defects.streaks(image, random, 3),
    "noise": lambda image, random: defects.noise(image, random, 5.0, 0.6),
    "blur": lambda image, random: defects.blur(image, 1.0),
    "rescan": lambda image, random: defects.rescan(image, 0.5),
    "photocopy": lambda image, random: defects.photocopy(image, random, 0.7),
    "bilevel": lambda image, random: defects.bilevel(image, random, 0.5, paper=200, ink=40),
    "contrast": lambda image, random: defects.contrast(image, 0.8, 20),
}


@pytest.mark.parametrize("shape", [(300, 240), (300, 240, 3), (47, 130), (9, 9), (1, 1)])
@pytest.mark.parametrize("name", IMAGE_DEFECTS)
def test_images_of_any_size_keep_their_shape_change_and_repeat(name, shape):
    image = np.full(shape, 200, np.uint8)
    image[shape[0] // 3 : shape[0] // 2, shape[1] // 4 : shape[1] // 2] = 40
    before = image.copy()
    spoilt = IMAGE_DEFECTS[name](image, RANDOM(4))
    assert spoilt.shape == shape and spoilt.dtype == np.uint8
    assert np.array_equal(image, before)
    assert np.array_equal(spoilt, IMAGE_DEFECTS[name](image, RANDOM(4)))
    if shape[0] > 40:
        assert not np.array_equal(spoilt, image)


@pytest.mark.parametrize("shape", [(300, 240), (47, 130)])
@pytest.mark.parametrize("name", INK_DEFECTS)
def test_ink_stays_where_it_was(name, shape):
    plane = ink(*shape)
    spoilt = INK_DEFECTS[name](plane, RANDOM(4))
    assert spoilt.shape == shape and spoilt.dtype == np.uint8
    assert np.array_equal(spoilt, INK_DEFECTS[name](plane, RANDOM(4)))
    middle = spoilt[int(shape[0] * 0.37) : int(shape[0] * 0.45), int(shape[1] * 0.3) : int(shape[1] * 0.45)]
    assert np.median(middle) > 90
    assert not spoilt[: shape[0] // 3 - 2].any()


def test_bleeding_adds_ink_and_starving_takes_it():
    plane = ink()
    assert defects.bleed(plane, 0.8).sum() > plane.sum() > defects.thin(plane, 0.8).sum()


def test_ink_darkens_paper_and_colours_show_on_colour_scans_only():
    planes = {BLACK: ink(), RED: np.roll(ink(), 100, axis=1)}
    colour = defects.on_paper(planes, (300, 240), (250, 248, 240), colour=True, density=1.0)
    grey = defects.on_paper(planes, (300, 240), (250, 248, 240), colour=False, density=1.0)
    assert colour.shape == (300, 240, 3) and grey.shape == (300, 240)
    assert colour[0, 0].tolist() == [240, 248, 250]
    assert colour[120, 80].max() < 35
    blue, _, red = colour[120, 180].tolist()
    assert red > 150
    assert blue < 100
    assert 25 < grey[120, 80] < 35
    assert 60 < grey[120, 180] < 110


def test_a_copy_keeps_faint_print_readable_and_the_paper_white():
    image = np.full((60, 60), 230, np.uint8)
    image[20:30, 20:30] = 135  # less than half of the ink of a good print
    copied = defects.photocopy(image, RANDOM(1), 0.7)
    assert copied[25, 25] < 60
    assert copied[0, 0] > 240


@pytest.mark.parametrize("degrees", [-1.3, 0.0, 0.7])
def test_points_and_images_move_alike(degrees):
    placement = defects.Placement.turned(400, 600, degrees, shear=0.002, scale=0.99, shift=(3.0, -2.0))
    points = np.array([[20.0, 30.0], [380.0, 30.0], [200.0, 300.0], [20.0, 570.0]])
    plane = np.zeros((600, 400), np.uint8)
    for x, y in points.astype(int):
        plane[y, x] = 255
    moved = placement.image(plane)
    for x, y in placement.points(points):
        y0, x0 = round(y), round(x)
        patch = moved[y0 - 3 : y0 + 4, x0 - 3 : x0 + 4].astype(float)
        rows, columns = np.mgrid[y0 - 3 : y0 + 4, x0 - 3 : x0 + 4]
        assert patch.sum() > 150
        assert (rows * patch).sum() / patch.sum() == pytest.approx(y, abs=0.1)
        assert (columns * patch).sum() / patch.sum() == pytest.approx(x, abs=0.1)


def test_turning_keeps_lengths_and_angles_and_is_counter_clockwise():
    corners = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]])
    origin, right, down = defects.Placement.turned(400, 600, 10.0, scale=0.5).points(corners)
    assert np.linalg.norm(right - origin) == pytest.approx(50)
    assert np.linalg.norm(down - origin) == pytest.approx(50)
    assert np.dot(right - origin, down - origin) == pytest.approx(0, abs=1e-9)
    assert right[1] - origin[1] == pytest.approx(-50 * np.sin(np.deg2rad(10)))


def test_an_unturned_sheet_stays_as_it_is():
    placement = defects.Placement.turned(240, 300, 0.0)
    assert np.array_equal(placement.image(ink()), ink())


def test_an_archives_scan_knows_black_and_white_alone_and_hardly_turns():
    planes = {BLACK: ink(1240, 877)}
    for seed in range(12):
        scanned = defects.scan(planes, RANDOM(seed), 0.9, black_and_white=True)
        assert set(np.unique(scanned.image)) == {0, 255} and scanned.image.shape == (1240, 877)
        assert np.array_equal(scanned.image, defects.scan(planes, RANDOM(seed), 0.9, black_and_white=True).image)
        (x0, y0), (x1, y1) = scanned.placement.points(np.array([[0.0, 0.0], [876.0, 0.0]]))
        assert abs(np.rad2deg(np.arctan2(y1 - y0, x1 - x0))) < 0.5
    small = defects.scan({BLACK: ink(620, 438)}, RANDOM(1), 0.2, black_and_white=True)
    assert small.image.shape == (620, 438) and len(np.unique(small.image)) > 3


def test_ink_within_bounds_is_the_sum_of_what_is_darker_than_a_tint():
    image = RANDOM(5).integers(0, 256, (60, 50), dtype=np.uint8)
    bounds = np.array([[0, 0, 50, 60], [7, 3, 9, 31], [12, 12, 12, 40], [49, 59, 50, 60]])
    coverage = (255 - image.astype(float)) / (255 - 20)
    expected = [np.where(coverage > 0.25, coverage, 0)[y0:y1, x0:x1].sum() for x0, y0, x1, y1 in bounds]
    assert defects.ink_within(image, bounds, 20) == pytest.approx(expected)


def test_an_archives_scan_leaves_words_that_can_be_read():
    """Thin light strokes, as small print has: at the threshold that was drawn first, some of these scans lose all."""
    plane = np.zeros((620, 440), np.uint8)
    words = []
    for y in range(20, 600, 40):
        for x in range(20, 400, 60):
            for stroke in range(y, y + 24, 6):
                plane[stroke : stroke + 2, x : x + 40] = 190
            words.append(np.array([[x, y], [x + 39, y + 19]], float))
    scans = [defects.scan({BLACK: plane}, RANDOM(seed), 1.0, words, black_and_white=True) for seed in range(25)]
    assert all(np.mean(scan.kept >= defects.READABLE) >= defects.MOST for scan in scans)
    careless = [defects.scan({BLACK: plane}, RANDOM(seed), 1.0, black_and_white=True).image for seed in range(25)]
    lost = [np.mean(image < 128) for image in careless]
    kept = [np.mean(scan.image < 128) for scan in scans]
    assert min(lost) < 0.1 * min(kept)
    scan = scans[int(np.argmax(kept))]
    left = [(scan.image[round(y0) : round(y1) + 1, round(x0) : round(x1) + 1] < 128).sum()
            for (x0, y0), (x1, y1) in map(scan.placement.points, words)]  # fmt: skip
    assert np.corrcoef(left, scan.kept)[0, 1] > 0.8


def test_a_scan_keeps_the_size_and_repeats():
    planes = {BLACK: ink(1240, 877)}
    scans = [defects.scan(planes, RANDOM(seed), 0.35) for seed in (8, 8, 9)]
    assert all(one.image.shape[:2] == (1240, 877) and 1 <= one.quality <= 100 for one in scans)
    assert np.array_equal(scans[0].image, scans[1].image)
    assert scans[0].image.shape != scans[2].image.shape or not np.array_equal(scans[0].image, scans[2].image)


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (200, 60), (40, 230)])
def test_bilevel_knows_black_and_white_alone_and_breaks_thin_strokes_before_thick_ones(paper, ink):
    image = np.full((200, 300), paper, np.uint8)
    image[50:52, 20:280] = ink  # a thin level stroke
    image[100:110, 20:280] = ink

    def black(breakage):
        """The shares of the two strokes that are left, and of the ground that is dirty."""
        scans = [defects.bilevel(image, RANDOM(seed), breakage, paper=paper, ink=ink) for seed in range(20)]
        assert all(set(np.unique(scan)) == {0, 255} for scan in scans)
        dark = np.mean([scan == (0 if ink < paper else 255) for scan in scans], 0)
        return dark[50:52, 22:278].mean(), dark[102:108, 22:278].mean(), dark[130:].mean()

    (thin, thick, dirt), (broken, still_thick, _) = black(0.0), black(1.0)
    assert thin > 0.95 and thick > 0.999 and still_thick > 0.999
    assert 0.05 < broken < 0.8
    assert dirt < 0.0005
