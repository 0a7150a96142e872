"""What a name stands for, wherever weights are asked for: step 4, `continue_from`, `evaluate.py --weights`."""

import json
import shutil
from pathlib import Path

import pytest

from tests.contract.golden import ASSETS
from tests.detection.untrained import save_untrained
from tests.evaluation.installed import write_set
from train_easyocr.common.errors import MissingWeightsError, UsageError, WeightsError
from train_easyocr.common.files import sha256
from train_easyocr.delivery import __main__ as step4
from train_easyocr.detection.config import load_detection_config, start_of
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.opening import settings_of
from train_easyocr.detection.parameters import WORDS
from train_easyocr.detection.settings import save_settings, settings_for
from train_easyocr.recognition.start import find_start
from train_easyocr.weights import starter
from train_easyocr.weights.bundle import CRAFT, EASYOCR, KOREAN, Bundle, keep, names, open_bundle, tuning_folder

pytestmark = pytest.mark.slow

ANY = settings_for("db_light", "0" * 64, DbParameters())


def copy_recognizer(target):
    """Copy weights with their card; return the copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".pth", ".json"):
        shutil.copy(ASSETS / "easyocr" / "model" / f"finetuned{suffix}", target.with_suffix(suffix))
    return target


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """EasyOCR's folder, with nothing in it."""
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "easyocr"))
    return tmp_path / "easyocr"


@pytest.fixture
def saved(tmp_path):
    """Marks of three kinds: with a detector of its own, with tuned settings for EasyOCR's, and without either."""
    weights = tmp_path / "finetuned.pth"
    weights.write_bytes(b"recognizer")
    settings = tmp_path / "설정.yaml"
    save_settings(settings, settings_for("craft", EASYOCR, WORDS))
    detector = save_untrained(tmp_path / "detector.pth")
    keep(Bundle("", weights, detector), "첫모델", tmp_path / "saved")
    keep(Bundle("", weights, CRAFT, settings), "tuned", tmp_path / "saved")
    keep(Bundle("", weights), "alone", tmp_path / "saved")
    return tmp_path / "saved"


def test_what_is_kept(saved):
    folder = saved / "marked"
    detector = folder / "첫모델" / "detector.pth"
    assert open_bundle("첫모델", saved) == Bundle("첫모델", folder / "첫모델" / "recognizer.pth", detector)
    assert detector.with_suffix(".json").is_file()
    tuned = open_bundle("tuned", saved)
    assert (tuned.detector, tuned.settings) == (CRAFT, folder / "tuned" / "detection_settings.yaml")
    assert open_bundle("alone", saved) == Bundle("alone", folder / "alone" / "recognizer.pth")
    keep(open_bundle("alone", saved), "첫모델", saved)
    assert sorted(path.name for path in (folder / "첫모델").iterdir()) == ["bundle.json", "recognizer.pth"]


def test_the_card_names_each_file(saved):
    folder = saved / "marked" / "첫모델"
    files = json.loads((folder / "bundle.json").read_bytes())["files"]
    assert files == {name: sha256(folder / name) for name in ("detector.json", "detector.pth", "recognizer.pth")}
    for damage in (lambda path: path.write_bytes(b"{}"), Path.unlink):
        damage(folder / "detector.json")
        with pytest.raises(WeightsError, match=r"detector\.json: is not the file that bundle\.json"):
            open_bundle("첫모델", saved)
    assert "첫모델" in names(saved), "a damaged bundle is listed like others"
    (folder / "bundle.json").write_text('{"files": []}')
    with pytest.raises(WeightsError, match=r"bundle\.json: is not the card of a bundle"):
        open_bundle("첫모델", saved)
    (folder / "bundle.json").unlink()
    assert open_bundle("첫모델", saved).detector == folder / "detector.pth", "as marks of before have it"


def test_names_that_are_always_there(home, tmp_path):
    assert open_bundle("starter") == Bundle("starter", starter.RECOGNIZER, starter.DETECTOR)
    assert open_bundle("easyocr") == Bundle("easyocr", KOREAN, CRAFT)
    assert open_bundle("korean_g2") == Bundle("korean_g2", recognizer="korean_g2")
    assert open_bundle("latin_g2").recognizer == "latin_g2"
    assert open_bundle("craft") == Bundle("craft", detector="craft")
    with pytest.raises(MissingWeightsError, match="no model is installed"):
        open_bundle("installed")
    (home / "model").mkdir(parents=True)
    weights = copy_recognizer(home / "model" / "finetuned.pth")
    detector = save_untrained(home / "model" / "finetuned_detector.pth")
    assert open_bundle("installed") == Bundle("installed", weights), "without settings the detector is half installed"
    settings = home / "model" / "finetuned_detection.yaml"
    save_settings(settings, ANY)
    assert open_bundle("installed") == Bundle("installed", weights, detector, settings)


def test_a_path_is_a_folder_or_a_bundle_of_one(saved, tmp_path):
    mark = open_bundle(saved / "marked" / "첫모델")
    assert (mark.recognizer.name, mark.detector.name) == ("recognizer.pth", "detector.pth")
    recognizer, detector = copy_recognizer(tmp_path / "글.pth"), save_untrained(tmp_path / "곳.pth")
    assert open_bundle(recognizer) == Bundle(str(recognizer), recognizer)
    assert open_bundle(detector) == Bundle(str(detector), detector=detector)
    detector.with_suffix(".json").unlink()
    assert open_bundle(detector) == Bundle(str(detector), detector, detector), "whoever asks knows what it is"
    assert open_bundle(Path(starter.__file__).parent).recognizer == starter.RECOGNIZER


def test_an_experiment_is_its_best_weights_and_its_detector(tmp_path):
    saved = tmp_path / "saved"
    weights = copy_recognizer(saved / "실험" / "best_accuracy.pth")
    assert open_bundle("실험", saved) == Bundle("실험", weights)
    own = save_untrained(saved / "실험_detector" / "best_f1.pth")
    other = save_untrained(saved / "korean_detector" / "best_f1.pth", seed=1)
    assert open_bundle("실험", saved).detector == own
    with pytest.raises(UsageError):
        open_bundle("korean", saved)
    assert open_bundle("korean_detector", saved) == Bundle("korean_detector", detector=other)
    settings = tuning_folder(saved / "실험") / "detection_settings.yaml"
    for detector, wanted in ((CRAFT, EASYOCR), (other, sha256(other)), (own, sha256(own))):
        save_settings(settings, settings_for("craft", wanted, WORDS))
        assert open_bundle("실험", saved) == Bundle("실험", weights, detector, settings)
    save_settings(settings, ANY)
    assert open_bundle("실험", saved) == Bundle("실험", weights, own), "the tuned detector is there no more"


def test_an_archived_model_is_a_bundle(home):
    folder = home / "previous_models" / "계약-00000000"
    weights = copy_recognizer(folder / "finetuned.pth")
    assert open_bundle("계약-00000000") == Bundle("계약-00000000", weights)
    assert open_bundle(folder).recognizer == weights


def test_settings_are_for_the_weights_beside_them(tmp_path):
    for name in ("없음", "다름"):
        (tmp_path / name).mkdir()
        copy_recognizer(tmp_path / name / "recognizer.pth")
        save_settings(tmp_path / name / "detection_settings.yaml", ANY)
    save_untrained(tmp_path / "다름" / "detector.pth")
    for name, fault in (("없음", "is missing"), ("다름", "is for weights of SHA-256 000")):
        with pytest.raises(WeightsError, match=fault):
            settings_of(open_bundle(tmp_path / name))


def test_an_unknown_name_is_told_with_the_nearest_first(saved, home):
    copy_recognizer(saved / "korean_documents" / "best_accuracy.pth")
    copy_recognizer(home / "previous_models" / "실험-12345678" / "finetuned.pth")
    assert {"첫모델", "tuned", "korean_documents", "실험-12345678", "starter", "craft"} <= set(names(saved))
    assert "marked" not in names(saved)
    with pytest.raises(UsageError, match=r"--weights: korean_docments: no weights .* there are korean_documents, kor"):
        open_bundle("korean_docments", saved, "--weights")
    for given in ("lost.pth", "../saved/marked/none", "a/b"):
        with pytest.raises(UsageError, match="there is no such file"):
            open_bundle(given, saved)
    with pytest.raises(UsageError, match="no weights are called that"):
        open_bundle("..", saved)


def test_training_starts_from_any_of_them(saved, tmp_path, monkeypatch):
    assert find_start("alone", saved) == (saved / "marked" / "alone" / "recognizer.pth", "")
    assert find_start("starter", saved)[0] == starter.RECOGNIZER
    monkeypatch.chdir(tmp_path)
    Path("alone").write_bytes(b"a file of that name comes first")
    assert find_start("alone", saved)[0] == Path("alone")
    folder = write_set(tmp_path / "pages", 1)
    settings = [f"train_data={folder}", f"val_data={folder}", f"saved_models={saved}"]
    for name, expected in (("첫모델", saved / "marked" / "첫모델" / "detector.pth"), ("starter", starter.DETECTOR)):
        assert start_of(load_detection_config(overrides=[*settings, f"continue_from={name}"])) == expected
    for name, fault in (("tuned", "EasyOCR's craft is used"), ("korean_g2", "no detector"), ("첫 모델", "첫모델")):
        with pytest.raises(UsageError, match=f"continue_from: {name}.*{fault}"):
            load_detection_config(overrides=[*settings, f"continue_from={name}"])


@pytest.fixture
def asked(monkeypatch):
    """What step 4 is about to install."""
    found = {}
    monkeypatch.setattr(step4, "install", lambda weights, _, **options: found.update(options, weights=weights))
    monkeypatch.setattr(step4, "describe_place", lambda _: "")
    return found


@pytest.mark.parametrize("name", ["첫모델", "tuned", "starter"])
def test_step_4_installs_a_bundle(saved, asked, name):
    bundle = open_bundle(name, saved)
    for options in ([name], [name, "--detector", name], [str(starter.RECOGNIZER), "--detector", name]):
        assert step4.main([*options, f"saved_models={saved}"]) == 0
        assert asked["weights"] == (bundle.recognizer if options[0] == name else starter.RECOGNIZER)
        assert (asked["detector"].detector, asked["detector"].settings) == (bundle.detector, bundle.settings)


def test_step_4_says_what_it_can_not_install(saved, asked, capsys):
    for arguments, fault in (
        (["alne"], "there are alone, "),
        (["easyocr"], "EasyOCR has its own weights already"),
        (["craft"], "craft holds no recognizer"),
        (["alone", "--detector", "alone"], "alone holds no detector"),
    ):
        assert step4.main([*arguments, f"saved_models={saved}"]) == 2
        assert fault in capsys.readouterr().err
    assert not asked
