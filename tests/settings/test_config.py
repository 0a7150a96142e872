"""Settings: the default file says what `Config` says, faults are reported together, overrides win."""

import re

import pytest
import yaml

from train_easyocr.common.errors import UsageError
from train_easyocr.settings.checking import CONFIG_FILES, save_config
from train_easyocr.settings.config import DEFAULT_CONFIG, Config, check_config, load_config


def test_the_default_file_lists_every_key_with_its_default_and_a_comment():
    text = DEFAULT_CONFIG.read_text(encoding="utf-8")
    assert load_config() == Config()
    keys = list(yaml.safe_load(text))
    assert sorted(keys) == sorted(Config.model_fields)
    assert keys[:5] == ["dataset", "output", "experiment_name", "continue_from", "batch_size"]
    for key in Config.model_fields:
        assert re.search(rf"^{key}: .*# \S", text, re.MULTILINE), key


OTHERS = {*CONFIG_FILES.glob("detection*.yaml"), CONFIG_FILES / "semi_supervised.yaml", CONFIG_FILES / "serving.yaml"}
RECOGNIZER_FILES = sorted(set(CONFIG_FILES.glob("*.yaml")) - OTHERS)


@pytest.mark.parametrize("path", RECOGNIZER_FILES, ids=lambda path: path.name)
def test_every_config_file_can_be_used(path):
    assert isinstance(load_config(path), Config)


def test_the_published_run():
    config = load_config(CONFIG_FILES / "published.yaml")
    facts = {
        "seed": 1111,
        "img_height": 64,
        "img_width": 600,
        "batch_width": "fixed",
        "batch_max_length": 34,
        "optimizer": "adadelta",
        "lr": 1.0,
        "lr_scheduler": "constant",
        "rho": 0.95,
        "eps": 1e-8,
        "grad_clip": 5.0,
        "batch_size": 8,
        "n_iter": 600_000,
        "train_images": 40_000,
        "eval_images": 500,
        "character": "korean_g2",
        "freeze_FeatureExtraction": False,
    }
    assert {key: getattr(config, key) for key in facts} == facts
    named = yaml.safe_load((CONFIG_FILES / "published.yaml").read_text(encoding="utf-8"))
    assert "freeze_FeatureFxtraction" in named, "the published spelling is accepted"


def test_a_bare_off_is_the_word_and_not_a_truth_value(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("compile: off\ndata_usage_ratio:\n", encoding="utf-8")
    assert load_config(path).compile == "off"
    assert load_config(path, ["compile=on"]).compile == "on"
    path.write_text("compile: auto\n", encoding="utf-8")  # the default of earlier versions
    assert load_config(path).compile == "off"
    path.write_text("data_usage_ratio:\n", encoding="utf-8")
    assert load_config(path).usage_shares == []
    path.write_text("data_usage_ratio: 0.5\n", encoding="utf-8")
    assert load_config(path).usage_shares == [0.5]


def test_all_faults_are_reported_together(tmp_path):
    path = tmp_path / "설정.yaml"
    path.write_text("lrr: 1\nimg_width: 넓다\nrgb: True\nselect_data: A-B\nFeatureExtraction: VG\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_config(path, ["batch_size=0", "그냥"])
    message = str(caught.value)
    for expected in (
        "lrr: there is no such setting; did you mean lr?",
        "img_width: ",
        "'넓다'",
        "rgb: True with input_channel: 1",
        "select_data names 2 data sets, batch_ratio gives 1 shares",
        "FeatureExtraction: ",
        "batch_size: ",
        "'그냥': a setting is given as key=value",
    ):
        assert expected in message
    assert len(message.splitlines()) == 1 + 8 - 1  # the two facts of img_width stand on one line


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["rgb=True"], "rgb"),
        (["input_channel=2"], "input_channel"),
        (["Prediction=Attn", "decode=beamsearch"], "decode"),
        (["img_width=100", "batch_max_length=25"], "24 time steps"),
        (["SequenceModeling=None", "freeze_SequenceModeling=True"], "freeze_SequenceModeling"),
        (["continue_from=", "new_prediction=True"], "new_prediction"),
        (["PAD=False"], "PAD"),
        (["Transformation=TPS"], "TPS"),
        (["select_data=A-B", "batch_ratio=0.5-0.6"], "1.1"),
        (["select_data=A-B", "batch_ratio=1-0"], "above 0"),
        (["batch_ratio=half"], "half"),
        (["select_data=A-", "batch_ratio=0.5-0.5"], "empty name"),
        (["select_data=A-B", "data_usage_ratio=1.0"], "data_usage_ratio gives 1 shares"),
        (["select_data=A-B", "data_usage_ratio=1.0-0"], "above 0"),
        (["select_data=A-B", "data_usage_ratio=1.5-1"], "all of a data set (1) at most"),
        (["select_data=A-B", "data_usage_ratio=all-1"], "data_usage_ratio: 'all-1'"),
        (["select_data=A-B", "batch_ratio=0.5-0.5", "data_usage_ratio=1-0.1"], "set one of the two"),
        (["img_height=60"], "img_height"),
        (["center_loss=on"], "center_loss: should be a number; on, yes and true say not how much"),
        (["detection_tuning=yes"], "detection_tuning: should be a number"),
        (["workers=1.5"], "workers: should be auto or a number of processes, not '1.5'"),
        (["experiment_name=a/b"], "experiment_name"),
        (["optimizer=adadelta", "lr=auto"], "which finds its own step; set lr: 1.0"),
        (["lr=automatic"], "lr: should be auto or a number above 0, not 'automatic'"),
        (["lr=0"], "lr: should be auto or a number above 0, not '0'"),
        (["warmup=1.5"], "warmup: should be auto or a number of iterations, or below 1 for a part of n_iter"),
        (["warmup=500", "n_iter=500"], "warmup: 500 iterations with n_iter: 500"),
        (["lr_scheduler=piecewise", "lr_decay_points=0.5-0.9"], "2 points, lr_decay_values gives 1 values"),
        (["lr_scheduler=piecewise", "lr_decay_points=half"], "'half'"),
        (["lr_scheduler=piecewise", "lr_decay_points=90000"], "between 0 and n_iter (75000)"),
        (
            ["lr_scheduler=piecewise", "lr_decay_points=50000-0.5", "lr_decay_values=0.2-0.04"],
            "lr_decay_points: 50000-0.5 should ascend",
        ),
        (["lr_scheduler=piecewise", "lr_decay_values=0"], "every value is above 0"),
        (["accumulation=65"], "a batch can't be computed in more parts than it has words"),
        (["center_loss=0.1", "Prediction=Attn"], "the centre loss is for CTC"),
        (["ema=1"], "ema"),
        (["adam=maybe"], "optimizer"),
    ],
)
def test_contradictions(overrides, expected):
    with pytest.raises(UsageError, match=re.escape(expected)):
        load_config(DEFAULT_CONFIG, overrides)


@pytest.mark.parametrize("key", Config.gone)
def test_a_setting_that_is_gone_may_say_what_is_done_today_and_nothing_else(tmp_path, key):
    file, (today, fate) = tmp_path / "config.yaml", Config.gone[key]
    file.write_text(f"{key}: {today}\nlr: 0.5\n", encoding="utf-8")
    assert load_config(file) == Config(lr=0.5)
    file.write_text(f"{key}: 0.25\n", encoding="utf-8")
    for path, overrides in ((file, ()), (DEFAULT_CONFIG, (f"{key}=0.25",))):
        with pytest.raises(UsageError, match=re.escape(f"  - {key}: 0.25: this setting is gone: {fate}")):
            load_config(path, overrides)
    assert check_config(Config.without_gone({key: 0.25, "lr": 0.5})) == Config(lr=0.5)


LISTS = {
    "select_data": (["가", 2001], "가-2001"),
    "batch_ratio": ([0.5, 0.5], "0.5-0.5"),
    "data_usage_ratio": ([1, 0.1], "1-0.1"),
    "lr_decay_points": ([0.6, 0.9], "0.6-0.9"),
    "lr_decay_values": ([0.00001, 1e-6], "0.00001-0.000001"),
    "augmentation_kinds": (["blur", "fade"], "blur-fade"),
}


@pytest.mark.parametrize("key", LISTS)
def test_a_list_may_be_one_of_yaml(tmp_path, key):
    parts, text = LISTS[key]
    others = {"select_data": ["batch_ratio=0.5-0.5"]}.get(key, ["select_data=A-B", "batch_ratio=0.5-0.5"])
    others = [*others, "batch_ratio=1"] if key == "data_usage_ratio" else others
    path = tmp_path / "설정.yaml"
    path.write_text(yaml.safe_dump({key: parts}, allow_unicode=True), encoding="utf-8")
    found = load_config(path, [one for one in others if not one.startswith(f"{key}=")])
    assert getattr(found, key) == text
    assert found == load_config(DEFAULT_CONFIG, [*others, f"{key}={text}"])
    assert found == load_config(DEFAULT_CONFIG, [*others, f"{key}={parts}"])
    save_config(found, tmp_path / "saved.yaml")
    assert load_config(tmp_path / "saved.yaml") == found
    for wrong in ([], ["a-b"], [None, "A"], [[1]], "[1"):
        path.write_text(yaml.safe_dump({key: wrong}), encoding="utf-8")
        with pytest.raises(UsageError, match=f"{key}: (should be a list of names or numbers|is no list)"):
            load_config(path)


def test_overrides_keep_texts_as_they_stand():
    config = load_config(
        DEFAULT_CONFIG,
        [
            "dataset=/자료/공공행정문서 OCR #2: 새것",
            "character= 가나:#{",
            "batch_ratio=1",
            "train_images=40_000",
            "lr=1e-3",
            "adam=False",
        ],
    )
    assert config.dataset == "/자료/공공행정문서 OCR #2: 새것"
    assert config.character == " 가나:#{"
    assert config.batch_shares == [1.0]
    assert (config.train_images, config.lr, config.optimizer) == (40_000, 1e-3, "adadelta")


def test_the_published_adam_is_an_optimizer(tmp_path):
    path = tmp_path / "config.yaml"
    for text, overrides, expected in [
        ("adam: True", [], "adam"),
        ("adam: False", [], "adadelta"),
        ("adam: False", ["optimizer=adamw"], "adamw"),
        ("optimizer: adamw", ["adam=False"], "adadelta"),
        ("optimizer: adamw", ["adam=False", "optimizer=adam"], "adam"),
        ("lr: 1", [], "adam"),
    ]:
        path.write_text(text, encoding="utf-8")
        assert load_config(path, overrides).optimizer == expected
    path.write_text("adam: True\noptimizer: adadelta\n", encoding="utf-8")
    with pytest.raises(UsageError, match="adam: True beside optimizer: adadelta"):
        load_config(path)


def test_numbers_and_nothing_in_a_file_are_read_as_meant(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("batch_ratio: 1\ncontinue_from:\nTransformation: null\neps: 1e-8\n", encoding="utf-8")
    config = load_config(path)
    assert (config.batch_ratio, config.continue_from, config.Transformation, config.eps) == ("1", "", "None", 1e-8)


@pytest.mark.parametrize("text", ["lr: [1", "- lr", "lr: 1\nlr: 2\n"])
def test_a_broken_file_is_named(tmp_path, text):
    path = tmp_path / "망가짐.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"망가짐\.yaml"):
        load_config(path)
    with pytest.raises(UsageError, match="no such file"):
        load_config(tmp_path / "없음.yaml")


def test_folders_follow_from_output_and_dataset():
    config = load_config(DEFAULT_CONFIG, ["dataset=/자료", "select_data=A-B", "batch_ratio=0.5-0.5"])
    assert [str(path) for path in config.training_sets] == [
        "/자료/training_and_validation_set/training/A",
        "/자료/training_and_validation_set/training/B",
    ]
    moved = load_config(DEFAULT_CONFIG, ["dataset=/자료", "output=/결과", "val_data=/다른/validation"])
    assert str(moved.training_sets[0]) == "/결과/training_and_validation_set/training/select_data"
    assert str(moved.validation_sets[0]) == "/다른/validation/select_data"


def test_the_folder_around_the_download_will_do_as_well(tmp_path):
    (tmp_path / "공공행정문서 OCR" / "Training").mkdir(parents=True)
    for dataset in (tmp_path, tmp_path / "공공행정문서 OCR"):
        config = load_config(DEFAULT_CONFIG, [f"dataset={dataset}"])
        assert config.prepared == tmp_path / "공공행정문서 OCR"


def test_a_saved_config_is_read_back_the_same(tmp_path):
    config = load_config(DEFAULT_CONFIG, ["character= 가'\"\\나", "lr=0.5"])
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config


def test_a_data_set_without_a_validation_set_is_for_training_alone(tmp_path):
    config = load_config(overrides=[f"output={tmp_path}", "select_data=A-rare", "batch_ratio=0.9-0.1"])
    names = [folder.name for folder in config.validation_sets]
    assert names == ["A", "rare"]  # none is there: whoever opens them names what is missing
    (tmp_path / config.val_data / "A").mkdir(parents=True)
    assert [folder.name for folder in config.validation_sets] == ["A"]
    assert [folder.name for folder in config.training_sets] == ["A", "rare"]
