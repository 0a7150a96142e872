"""The recognizer's training: it learns, it freezes what it should, it says what is wrong."""

import json
import re
import warnings
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from tests.easyocr_files import install_random_weights
from tests.engine.cases import figures, state_of
from tests.recognition.word_sets import SYLLABLES, TINY, WORDS, tiny_config, write_set
from train_easyocr.common.errors import UsageError, UserError, WeightsError
from train_easyocr.common.text import VARIANTS_SUM
from train_easyocr.datasets.labels_csv import read_rows
from train_easyocr.documents.page_sums import page_sum, unpack_sums
from train_easyocr.engine.state import check_same_settings, load_state
from train_easyocr.engine.trainer import Trainer
from train_easyocr.recognition.batches import WordBatch
from train_easyocr.recognition.easyocr_form import stage
from train_easyocr.recognition.model import build_model
from train_easyocr.recognition.task import RecognizerTask, make_converter, train
from train_easyocr.settings.checking import CONFIG_FILES
from train_easyocr.settings.config import Config, load_config
from train_easyocr.weights.characters import CharacterSet, korean_documents
from train_easyocr.weights.checkpoints import card_path, read_card, read_weights
from train_easyocr.weights.model_files import Place

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]


LEARNS = {
    "n_iter": 150,
    "val_period": 50,
    "lr": 0.005,
    "batch_size": 8,
    "output_channel": 32,
    "hidden_size": 32,
    "show_number": 3,
}


def test_it_learns_a_few_words_by_heart(data, capsys):
    # As long as it takes on any processor: they compute with other last digits, in fp32 or in bf16.
    config = tiny_config(data, **(LEARNS | {"n_iter": 500}))
    train(config)
    lines = figures(config)
    assert [line["iteration"] for line in lines] == list(range(50, 501, 50))
    assert lines[0]["training_loss"] > 2 * lines[2]["training_loss"] > 4 * lines[-1]["training_loss"]
    assert lines[-1]["accuracy"] == 100
    assert lines[-1]["norm_ed"] == 1
    card = read_card(config.experiment / "best_accuracy.pth")
    assert card.character == SYLLABLES
    assert card.validation.accuracy == 100
    assert card.validation.words == len(WORDS)
    assert card.validation_sets == [str(data / "validation" / "select_data")]
    assert card.network["output_channel"] == 32
    assert card.network["Prediction"] == "CTC"
    model = build_model(config, 1 + len(SYLLABLES))
    model.load_state_dict(read_weights(config.experiment / "best_accuracy.pth"))
    assert load_config(config.experiment / "config.yaml") == config
    output = capsys.readouterr().out
    assert "Total number of trainable parameters: " in output
    assert "all 500 iterations are done. Best accuracy 100.000" in output
    train(config)
    assert "all 500 iterations are done" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [(["character=korean_g2"], "4,015,729"), ([], "4,428,985")],  # 1,608 more rows of 256 weights and a bias
    ids=["EasyOCR's characters", "our default"],
)
def test_the_korean_model_has_its_number_of_parameters(data, monkeypatch, capsys, settings, parameters):
    install_random_weights(data / "easyocr", monkeypatch, names=("korean_g2",))
    monkeypatch.setattr(Trainer, "run", lambda self, end: setattr(self, "best", {"accuracy": 0, "norm_ed": 0}))
    places = [f"output={data}", "train_data=training", "val_data=validation", f"saved_models={data}/saved"]
    train(load_config(CONFIG_FILES / "config.yaml", [*places, "batch_size=4", "workers=0", *settings]))
    assert f"Total number of trainable parameters: {parameters}\n" in capsys.readouterr().out


def test_the_published_settings_train(data, monkeypatch):
    install_random_weights(data / "easyocr", monkeypatch, names=("korean_g2",))
    places = [f"output={data}", "train_data=training", "val_data=validation", f"saved_models={data}/saved"]
    small = ["n_iter=1", "batch_size=2", "workers=0", "character=" + SYLLABLES, "new_prediction=True", "img_width=160"]
    config = load_config(CONFIG_FILES / "published.yaml", [*places, *small])
    (data / "validation" / "select_data" / "labels.csv").write_text(
        "\n".join((data / "validation" / "select_data" / "labels.csv").read_text().splitlines()[:3]) + "\n"
    )
    train(config)
    assert state_of(config)["iteration"] == 1
    moments = next(iter(state_of(config)["optimizer"]["state"].values()))
    assert set(moments) == {"step", "square_avg", "acc_delta"}  # Adadelta's


ARCHITECTURES = [
    {"Transformation": t, "FeatureExtraction": f, "SequenceModeling": s, "Prediction": p}
    for t in ("None", "TPS")
    for f in ("VGG", "RCNN", "ResNet", "LCNet")
    for s in ("None", "BiLSTM")
    for p in ("CTC", "Attn")
]


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda choice: "-".join(choice.values()))
def test_every_architecture_trains_a_step(data, architecture):
    width = "fixed" if architecture["Transformation"] == "TPS" else "bucket"
    config = tiny_config(data, **architecture, batch_width=width, n_iter=1, batch_size=2, img_width=64)
    train(config)
    torch.manual_seed(config.seed)
    converter = make_converter(config, CharacterSet(config.character))
    fresh = build_model(config, converter.num_class).state_dict()
    trained = state_of(config)["model"]
    moved = {key.split(".")[0] for key, value in trained.items() if not torch.equal(value, fresh[key])}
    parts = {"FeatureExtraction", "Prediction"}
    parts |= {"Transformation"} if architecture["Transformation"] == "TPS" else set()
    parts |= {"SequenceModeling"} if architecture["SequenceModeling"] == "BiLSTM" else set()
    assert moved == parts
    assert read_card(config.experiment / "best_norm_ed.pth").network["Prediction"] == architecture["Prediction"]


@pytest.mark.parametrize(
    "settings",
    [{"Prediction": "Attn"}, {"rgb": True, "input_channel": 3}, {"PAD": False, "batch_width": "fixed"}],
)
def test_what_step_4_will_refuse_is_said_in_the_first_line_in_the_same_words(data, tmp_path, capsys, settings):
    config = tiny_config(data, n_iter=1, **settings)
    train(config)
    first = capsys.readouterr().out.splitlines()[0]
    weights = config.experiment / "best_accuracy.pth"
    with pytest.raises(WeightsError) as error:
        stage(weights, read_card(weights), Place(tmp_path / "model", tmp_path / "user_network"))
    reason = str(error.value).removeprefix(f"{weights}: was trained with ")
    assert first == f"Warning: step 4 will not install these weights: {reason}"
    assert reason.startswith(next(iter(settings)))


def test_weights_that_step_4_takes_are_trained_without_a_warning(data, tmp_path, capsys):
    config = tiny_config(data, n_iter=1)
    train(config)
    assert "step 4 will not" not in capsys.readouterr().out
    weights = config.experiment / "best_accuracy.pth"
    stage(weights, read_card(weights), Place(tmp_path / "model", tmp_path / "user_network"))


def test_attention_learns(data):
    config = tiny_config(data, **(LEARNS | {"Prediction": "Attn", "val_period": 75}))
    train(config)
    lines = figures(config)
    assert lines[-1]["training_loss"] < lines[0]["training_loss"] / 2
    assert lines[-1]["norm_ed"] > 0.5


def started(data, name="start", **settings):
    """Train a little and return the weights."""
    config = tiny_config(data, n_iter=2, **({"experiment_name": name} | settings))
    train(config)
    return config.experiment / "best_norm_ed.pth"


@pytest.mark.parametrize("frozen", ["FeatureExtraction", "SequenceModeling"])
@pytest.mark.parametrize("extractor", ["VGG", "ResNet"])
def test_frozen_layers_stay_as_they_are(data, frozen, extractor):
    start = started(data, FeatureExtraction=extractor)
    config = tiny_config(
        data, n_iter=3, FeatureExtraction=extractor, continue_from=str(start), **{f"freeze_{frozen}": True}
    )
    train(config)
    before, after = read_weights(start), state_of(config)["model"]
    moved = {key for key, value in after.items() if not torch.equal(value, before[key])}
    assert not [key for key in moved if key.startswith(frozen)]
    assert {key.split(".")[0] for key in moved} == {"FeatureExtraction", "SequenceModeling", "Prediction"} - {frozen}


def test_it_starts_from_weights_strictly_or_says_what_does_not_fit(data, capsys):
    start = started(data)
    train(tiny_config(data, n_iter=1, continue_from=str(start), lr=1e-12))
    kept = read_weights(start)["Prediction.weight"]
    assert torch.allclose(state_of(tiny_config(data))["model"]["Prediction.weight"], kept, atol=1e-9)
    other = {"hidden_size": 8, "continue_from": str(start), "n_iter": 1}
    with pytest.raises(WeightsError, match=r"Prediction\.weight \(8 x 16 in the file, 8 x 8 here\)"):
        train(tiny_config(data, experiment_name="a", **other))
    capsys.readouterr()
    train(tiny_config(data, experiment_name="b", strict=False, **other))
    assert "of another shape, left fresh:" in capsys.readouterr().out
    train(tiny_config(data, experiment_name="c", continue_from=str(start), n_iter=1, new_prediction=True))
    assert "left fresh, as new_prediction asks" in capsys.readouterr().out


def test_weights_are_fitted_to_another_character_set(data, capsys):
    start = started(data)
    characters = "·" + SYLLABLES[::-1] + "아"
    train(tiny_config(data, n_iter=1, continue_from=str(start), lr=1e-12, character=characters, new_characters_first=0))
    said = capsys.readouterr().out
    assert "7 characters keep their trained rows" in said
    assert "1 new syllables start from trained ones that share initial, medial or final: 아" in said
    assert "1 other new characters start from the mean: ·" in said
    before = read_weights(start)["Prediction.weight"]
    after = state_of(tiny_config(data))["model"]["Prediction.weight"]
    assert torch.allclose(after[[0, *range(8, 1, -1)]], before, atol=1e-9)


def test_weights_without_a_card_are_not_fitted(data):
    start = started(data)
    card_path(start).unlink()
    with pytest.raises(WeightsError, match=r"Prediction\.weight \(8 x 16 in the file, 9 x 16 here\)"):
        train(tiny_config(data, continue_from=str(start), character=SYLLABLES + "아"))


def test_a_setting_that_is_newer_than_a_run_had_its_default():
    config = Config()
    state = {"iteration": 3, "config": {key: value for key, value in config.model_dump().items() if key != "ema"}}
    check_same_settings(Path("글"), state, config, frozenset())
    with pytest.raises(UsageError, match=r"- ema: 0\.0 before, 0\.5 now"):
        check_same_settings(Path("글"), state, config.model_copy(update={"ema": 0.5}), frozenset())


@pytest.mark.parametrize("prediction", ["CTC", "Attn"])
def test_a_run_goes_on_with_the_characters_it_began_with_when_the_projects_own_set_has_grown(
    data, monkeypatch, prediction
):
    config = tiny_config(data, character="korean_documents", Prediction=prediction, lr_scheduler="constant", n_iter=4)
    characters = korean_documents()
    with monkeypatch.context() as patched:
        patched.setattr("train_easyocr.weights.characters.korean_documents", lambda: characters[:2601])
        train(config)
    train(config.model_copy(update={"n_iter": 8}))
    assert state_of(config)["iteration"] == 8
    assert read_card(config.experiment / "best_accuracy.pth").character == characters[:2601]


@pytest.mark.parametrize(("rule", "named"), [(True, True), (VARIANTS_SUM, False), (None, False)])
def test_a_set_whose_signs_were_unified_otherwise_is_named(data, capsys, rule, named):
    settings = {"split": "training"} | ({} if rule is None else {"unify_variants": rule})
    manifest = {"layout": 1, "settings": settings, "pages": {}}
    (data / "training/select_data/manifest.json").write_text(json.dumps(manifest))
    train(tiny_config(data, n_iter=4))
    assert ("select_data: made when step 2 wrote signs" in capsys.readouterr().out) == named


def test_a_setting_that_is_gone_is_refused_where_the_run_was_another_for_it():
    config = Config()
    state = {"iteration": 3, "config": config.model_dump() | {"batch_pixels": "off"}}
    check_same_settings(Path("글"), state, config, frozenset())
    state["config"]["batch_pixels"] = "constant"
    with pytest.raises(UsageError, match=r"- batch_pixels: 'constant' before; this setting is gone: all batches"):
        check_same_settings(Path("글"), state, config, frozenset())


def made_anew(data, split):
    labels = data / split / "select_data" / "labels.csv"
    labels.write_text(labels.read_text(encoding="utf-8").replace("가나\n", "나나\n"), encoding="utf-8")
    return {}


def elsewhere(data, split):
    write_set(data / "새 자료" / split / "select_data", ["바다", *WORDS])
    return {"train_data" if split == "training" else "val_data": str(data / "새 자료" / split)}


@pytest.mark.parametrize("stopped_early", [False, True])
@pytest.mark.parametrize("change", [made_anew, elsewhere])
@pytest.mark.parametrize("split", ["training", "validation"])
def test_a_run_that_is_done_is_not_taken_for_one_on_other_data(data, capsys, split, change, stopped_early):
    settings = {"n_iter": 2, "val_period": 1} | ({"early_stopping": 1, "lr": 1e-9} if stopped_early else {})
    config = tiny_config(data, **settings)
    train(config)
    before = {path: path.read_bytes() for path in config.experiment.iterdir() if path.is_file()}
    folders = change(data, split)
    changed = config.model_copy(update=folders)
    capsys.readouterr()
    with pytest.raises(UserError) as error:
        train(changed)
    assert error.type is UserError  # data, no setting
    place = Path(folders.get("train_data", folders.get("val_data", data / split))) / "select_data"
    assert str(error.value).splitlines()[1:2] == [f"  - {split} set {place}"]  # the one that changed alone
    assert "needs another experiment_name" in str(error.value)
    assert f"({config.experiment}/NAME.pth)" in str(error.value)
    assert capsys.readouterr().out == ""
    assert {path: path.read_bytes() for path in config.experiment.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("form", ["png", "lmdb"])
def test_a_run_that_is_done_stays_so_when_its_data_moves(data, capsys, form):
    config = tiny_config(data, n_iter=2)
    train(config)
    moved = {"train_data": str(data / "옮김"), "val_data": str(data / "validation 2")}
    write_set(
        data / "옮김" / "select_data", [text for _, text in read_rows(data / "training/select_data/labels.csv")], form
    )
    (data / "validation").rename(data / "validation 2")
    capsys.readouterr()
    train(config.model_copy(update=moved))
    assert "all 2 iterations are done" in capsys.readouterr().out
    with pytest.raises(UserError, match="there is no such folder"):
        train(config)  # what is not there can't be compared


def test_the_card_keeps_the_pages_that_weights_learnt_from(data):
    def pages(split, *contents):
        rows = "".join(f"인.허가/쪽 {number},{page_sum(content)}\n" for number, content in enumerate(contents))
        (data / split / "select_data" / "pages.csv").write_text(f"page,image_sum\n{rows}", encoding="utf-8")

    def learnt(config):
        return unpack_sums(read_card(config.experiment / "best_accuracy.pth").trained_on)

    first = tiny_config(data, n_iter=1)
    train(first)
    assert learnt(first) == frozenset()  # a set that does not say
    pages("training", b"1", b"2")
    pages("validation", b"3")
    weights = str(first.experiment / "best_accuracy.pth")
    second = tiny_config(
        data, n_iter=2, experiment_name="둘째", val_period=1, lr_scheduler="constant", continue_from=weights
    )
    train(second)
    assert learnt(second) == {page_sum(b"1"), page_sum(b"2")}
    pages("training", b"4")
    weights = str(second.experiment / "best_accuracy.pth")
    third = tiny_config(data, n_iter=1, experiment_name="셋째", lr_scheduler="constant", continue_from=weights)
    train(third)
    assert learnt(third) == {page_sum(b"1"), page_sum(b"2"), page_sum(b"4")}
    Path(weights).unlink()  # what a run goes on from knows it
    (third.experiment / "best_accuracy.json").unlink()
    train(third.model_copy(update={"n_iter": 3}))
    last = load_state(third.experiment)
    assert (last["iteration"], unpack_sums(last["trained_on"])) == (3, {page_sum(b"1"), page_sum(b"2"), page_sum(b"4")})


def test_data_may_move(data):
    settings = {"n_iter": 4, "lr_scheduler": "constant"}
    train(tiny_config(data, **settings))
    (data / "training").rename(data / "elsewhere")
    config = tiny_config(data, **settings | {"n_iter": 5}).model_copy(update={"train_data": str(data / "elsewhere")})
    train(config)
    assert state_of(config)["iteration"] == 5


def test_filtering_off_trains_on_what_the_model_knows(data):
    labels = data / "training" / "select_data" / "labels.csv"
    labels.write_text(labels.read_text(encoding="utf-8").replace("가나\n", "가를나\n"), encoding="utf-8")
    config = tiny_config(data, n_iter=6, data_filtering_off=True)
    train(config)
    log = (config.experiment / "log_dataset.txt").read_text(encoding="utf-8")
    assert "2 of 24 words hold characters that the model does not have (1 of them; kept, without" in log
    assert re.search(r"를 +\| U\+B97C +\| +2", log)


def test_data_that_can_not_be_used_is_named(data):
    with pytest.raises(UserError, match="no such folder; step 2"):
        train(tiny_config(data, select_data="nothing"))
    with pytest.raises(UserError, match=r"none of its 24 words can be used: .* in 24 of 24.*log_dataset.txt says more"):
        train(tiny_config(data, character="하"))
    assert "24" in (tiny_config(data).experiment / "log_dataset.txt").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="fewer than the 64 that each batch takes"):
        train(tiny_config(data, batch_size=64))
    for patch in (data / "training" / "select_data" / "images").iterdir():
        patch.write_bytes(b"")
    with pytest.raises(UserError, match="is no image that can be decoded"):
        train(tiny_config(data))


def test_two_sets_and_lmdb_train_as_png(data, tmp_path):
    write_set(data / "training" / "png", WORDS[:6])
    write_set(data / "training" / "lmdb", WORDS[:6], form="lmdb")
    for name in ("png", "lmdb"):
        write_set(data / "validation" / name, WORDS[:3])
    losses = []
    for name in ("png", "lmdb"):
        config = tiny_config(
            data, n_iter=4, select_data=f"select_data-{name}", batch_ratio="0.75-0.25", experiment_name=name, workers=1
        )
        train(config)
        losses.append(figures(config))
    assert losses[0][0].pop("drawn") == {"select_data": 12, "png": 4}
    assert losses[1][0].pop("drawn") == {"select_data": 12, "lmdb": 4}
    assert losses[0] == losses[1]
    assert losses[0][0]["words"] == 15


def test_the_log_counts_the_words_that_were_drawn_of_each_set(data):
    for part in ("training", "validation"):
        write_set(data / part / "general", WORDS * 10)
    config = tiny_config(data, n_iter=9, select_data="select_data-general", data_usage_ratio="1.0-0.1", val_period=6)
    train(config)
    assert [line["drawn"] for line in figures(config)] == [
        {"select_data": 16, "general": 8},  # 24 and 12 of an epoch
        {"select_data": 24, "general": 12},
    ]
    log = (config.experiment / "log_train.txt").read_text(encoding="utf-8")
    assert "Words drawn so far: select_data 24, general 12\n" in log


def a_trainer(data, **settings):
    """A trainer that has not begun, its network, and the batch of its first step."""
    config = tiny_config(data, **settings)
    config.experiment.mkdir(parents=True, exist_ok=True)
    task = RecognizerTask(config)
    found = task.open(None)
    torch.manual_seed(0)
    trainer = Trainer(task, task.build(), found)
    return trainer, trainer.model, next(task.batches(0))


def test_a_batch_is_described_by_its_words_and_where_they_lie(data):
    trainer, _, batch = a_trainer(data)
    lines = trainer._task.describe_batch(batch)
    assert len(lines) == len(batch.labels) == 4
    assert re.fullmatch(r"[가-사]+  \(.*/images/5350109-2001-0001-00\d\d_20-10-\d+-42\.png\)", lines[0])


@pytest.mark.parametrize(
    ("settings", "kind", "expected"),
    [
        ({"adam": True, "lr": 0.02, "eps": 1e-6}, torch.optim.Adam, {"eps": 1e-6, "fused": True}),
        ({"optimizer": "adamw", "lr": 0.02}, torch.optim.AdamW, {"eps": 1e-8, "fused": True}),
        ({"adam": False, "lr": 0.7, "rho": 0.8, "eps": 1e-5}, torch.optim.Adadelta, {"rho": 0.8, "eps": 1e-5}),
    ],
)
def test_the_optimizer_follows_the_settings(data, settings, kind, expected):
    trainer, _, batch = a_trainer(data, lr_scheduler="constant", **settings)
    trainer._step(batch)
    assert type(trainer._optimizer) is kind
    for group in trainer._optimizer.param_groups:
        assert group["lr"] == settings["lr"]
        for key, value in expected.items():
            assert group[key] == value


def test_contrast_and_width_reach_the_network(data):
    _, _, plain = a_trainer(data)
    _, _, raised = a_trainer(data, contrast_adjust=1.0)
    assert isinstance(plain, WordBatch)
    assert not torch.equal(plain.images, raised.images)
    _, _, fixed = a_trainer(data, batch_width="fixed")
    assert fixed.images.shape[-1] == 128


def test_every_setting_is_documented_and_read_somewhere():
    documented = yaml.safe_load((CONFIG_FILES / "config.yaml").read_text(encoding="utf-8"))
    assert set(documented) == set(Config.model_fields)
    package = CONFIG_FILES.parent
    sources = {
        path: path.read_text(encoding="utf-8") for path in package.rglob("*.py") if path.parent != package / "settings"
    }
    root = [path.read_text(encoding="utf-8") for path in package.parent.glob("*.py")]
    # Read through the properties of Config (select_data as data_names, for one), or by steps 2 and 5.
    indirect = {
        "select_data": "data_names|training_sets",
        "batch_ratio": "batch_shares",
        "lr_decay_points": "decay_points",
        "lr_decay_values": "decay_values",
        "data_usage_ratio": "usage_shares",
        "augmentation_kinds": "kinds_of_augmentation",
        "dataset": "prepared|training_sets",
        "output": "prepared|training_sets",
        "train_data": "training_sets",
        "val_data": "validation_sets",
        "saved_models": r"\.experiment\b",
    }
    other_steps = {"train_images", "val_images", "eval_images"}
    code = "\n".join([*sources.values(), *root])
    for key in set(documented) - other_steps:
        pattern = indirect.get(key, key)
        assert re.search(rf"(config|self|settings|_config)\.({pattern})\b|\"{key}\"", code), f"{key}: read nowhere"


def test_a_config_for_tests_is_small():
    assert TINY["output_channel"] == 16
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = build_model(tiny_config(), 8)
    assert sum(parameter.numel() for parameter in model.parameters() if isinstance(parameter, nn.Parameter)) < 20_000
