"""What a run's configuration may have built: it may come from somebody else, and every `_target_` is code to run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from robustft.cli.targets import check_targets
from robustft.cli.user_errors import Mistake

PLUG_IN = '''
from dataclasses import dataclass
from pathlib import Path
from os import system
from robustft.attacks.pgd import Pgd

Path("imported").touch()

@dataclass(frozen=True, kw_only=True)
class Mine(Pgd):
    """A user's own attack."""

class Other:
    pass

def function():
    Path("called").touch()
'''


class Canary:
    """Unpickled, it runs a shell command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def stored(run_dir):
    """(dotted place, value) -> sets it in the configuration of `run_dir`."""

    def put(place: str, value: Any) -> None:
        path = run_dir / ".hydra/config.yaml"
        config = OmegaConf.to_container(OmegaConf.load(path))
        *above, last = place.split(".")
        node: Any = config
        for key in above:
            node = node.setdefault(key, {}) if isinstance(node, dict) else node[int(key)]
        node[last] = value
        path.write_text(OmegaConf.to_yaml(OmegaConf.create(config)))

    return put


def refused(words, *given: str) -> str:
    """The one line with which `evaluate` ends, having written nothing and run nothing."""
    before = set(Path.cwd().rglob("*"))
    code, out, err = words("evaluate", "run=run", *given)
    assert (code, out, err.count("\n")) == (2, "", 1), (out, err)
    assert set(Path.cwd().rglob("*")) == before
    return err


CANARY = "canary"
NOT_OURS = [
    "robustft.data.cache.cached_split.np.load",
    "robustft.data.cache.cached_split.np.save",
    "robustft.data.cache.cached_split.os.system",
    "robustft.data.cache.cached_split.Path.write_text",
    "robustft.data.cache.cached_split.shutil.rmtree",
    "robustft.data.cache.decoding_worker.pickle.load",
    "robustft.data.cache.decoding_worker.subprocess.run",
    "robustft.data.cache.decoding_worker.subprocess.Popen",
    "robustft.cli.runs.versions.subprocess.check_call",
    "robustft.cli.build.instantiate",
    "robustft.cli.build.get_class",
    "robustft.cli.app.importlib.import_module",
    "robustft.cli.app.hydra.utils.get_method",
    "robustft.data.cache.cached_split.Any",
    "robustft.data.source.Path",
    # Its own, but functions, and a class of another kind.
    "robustft.study.run_file.write_run",
    "robustft.atomic_write.written_whole",
    "robustft.data.images.contact_sheet.draw_contact_sheet",
    "robustft.models.tuned_state.save_tuned",
    "robustft.cli.app.main",
    "robustft.study.records.record_file.RecordFile",
    "robustft.study.records.record_file.RecordFile.append",
    "robustft.data.cache.decoding_worker.DecodingProcess",
    "robustft.pretraining.glyph_vit.Pretraining",
    "robustft.attacks.attack.Attack",
    "robustft.data.source.Source",
    "robustft.data.sources.published._UnpackedArchive",
    "robustft",
    "robustft.",
    "robustft..data",
    "robustft.data.nothing.Here",
    "builtins.eval",
    "os.system",
    "hydra.utils.get_method",
    "robustft_evil.Thing",
]
PLACES = ["dataset", "backbone", "method", "attack.pgd", "threat_model", "schedule", "trainer", "tracker"]


@pytest.mark.parametrize("target", NOT_OURS)
def test_only_classes_of_the_kind_are_known_at_every_place(target):
    for place in PLACES:
        with pytest.raises(Mistake, match=f"{place}._target_") as mistake:
            check_targets({"_target_": target}, tuple(place.split(".")), trusted=())
        assert target in str(mistake.value)
        assert "\n" not in str(mistake.value)


@pytest.mark.parametrize("place", PLACES)
def test_the_classes_of_other_places_are_refused(run_dir, place):
    config: Any = OmegaConf.to_container(OmegaConf.load(run_dir / ".hydra/config.yaml"))
    targets = {name: OmegaConf.select(OmegaConf.create(config), f"{name}._target_") for name in PLACES}
    check_targets({"_target_": targets.pop(place)}, tuple(place.split(".")), trusted=())
    for target in targets.values():
        with pytest.raises(Mistake, match="must be a class of robustft's own, of the kind"):
            check_targets({"_target_": target}, tuple(place.split(".")), trusted=())


@pytest.mark.parametrize(
    ("place", "node"),
    [
        ("dataset", {"_target_": "robustft.data.cache.cached_split.np.load", "file": "evil.npy", "allow_pickle": True}),
        ("method", {"_target_": "robustft.data.cache.decoding_worker.subprocess.run", "args": ["touch", CANARY]}),
        ("tracker", {"_target_": "robustft.data.cache.cached_split.Path.write_text", "_args_": [CANARY, "x"]}),
        ("attack.pgd", {"_target_": "os.system", "command": f"touch {CANARY}"}),
        ("attack", {"pgd": {"_target_": "robustft.data.cache.cached_split.os.system", "command": f"touch {CANARY}"}}),
        ("schedule", {"_target_": "robustft.study.run_file.write_run", "run_dir": ".", "content": {}}),
        ("shift", {"one": {"_target_": "robustft.data.cache.cached_split.os.mkdir", "path": CANARY}}),
        ("suite.corruptions", {"_target_": "os.mkdir", "path": CANARY}),
        ("suite.eps_grid_255", [{"_target_": "os.mkdir", "path": CANARY}]),
        ("nobody.looks.here", [[{"deep": {"_target_": "os.mkdir", "path": CANARY}}]]),
        ("backbone.options.norm_layer", {"_target_": "robustft.data.cache.cached_split.os.mkdir", "path": CANARY}),
        ("backbone.options.act_layer", {"_target_": "robustft.attacks.pgd.Pgd"}),
        ("backbone.mean", [0.5, 0.5, {"_target_": "os.mkdir", "path": CANARY}]),
        ("method.rank", {"_target_": "os.mkdir", "path": CANARY}),
        ("dataset.mapping", {"cat": {"_target_": "os.mkdir", "path": CANARY}}),
        ("dataset.archive", {"_target_": "robustft.attacks.pgd.Pgd"}),
        ("dataset.archive", {"_target_": "robustft.data.sources.digits.Digits"}),
        ("trainer._args_", [CANARY]),
        ("trainer._partial_", True),
        ("method._call_", True),
        ("dataset._recursive_", False),
        ("method._target_", {"_target_": "os.mkdir", "path": CANARY}),
        ("method._target_", ["os.mkdir"]),
        ("method._target_", None),
        ("dataset.name", "${oc.env:HOME}"),
        ("dataset.path", "${oc.decode:'[1]'}"),
        ("backbone.name", "${run_dir:}"),
        ("trainer.precision", "${hydra:runtime.cwd}"),
        ("states.keep", "${oc.create:{a: 1}}"),
        ("backbone.options", {"${oc.env:HOME}": 1}),
    ],
    ids=str,
)
def test_a_run_of_somebody_else_s_runs_nothing(words, stored, tmp_path, place, node):
    np.save(tmp_path / "evil.npy", np.array([Canary(tmp_path / CANARY)], dtype=object), allow_pickle=True)
    stored(place, node)
    err = refused(words)
    assert "run/.hydra/config.yaml" in err


@pytest.mark.parametrize(
    "text",
    [
        "seed: !!python/object/apply:os.system [touch canary]\n",
        "seed: !!python/name:os.system\n",
        "seed: !!binary aGVsbG8=\n",
        "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    ],
)
def test_yaml_that_names_types_or_grows_is_not_read(words, run_dir, text):
    (run_dir / ".hydra/config.yaml").write_text(text)
    assert "alias or a tag in line" in refused(words)


@pytest.fixture
def plug_in(tmp_path, monkeypatch) -> str:
    """A module of the user's own, `mine`, and nobody has imported it."""
    (tmp_path / "mine.py").write_text(PLUG_IN)
    (tmp_path / "conf/attack").mkdir(parents=True)
    (tmp_path / "conf/attack/mine.yaml").write_text("# @package attack.mine\n_target_: mine.Mine\nsteps: 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return "mine"


def test_a_class_from_outside_is_built_for_who_trusts_its_package(words, stored, plug_in, tmp_path):
    stored("attack.pgd", {"_target_": "mine.Mine", "steps": 0})
    err = refused(words)
    assert "run has a _target_ outside robustft, attack.pgd._target_ mine.Mine" in err
    assert "trust=[mine]" in err
    assert "mine" not in sys.modules
    assert "outside robustft" in refused(words, "trust=[numpy]")
    # Trusted, it is built, and its own check speaks.
    code, _, err = words("evaluate", "run=run", "trust=[mine]")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("robustft: run: attack.pgd.steps must be a whole number of at least 1, got 0 (in run/.hydra")
    assert (tmp_path / "imported").exists()


@pytest.mark.parametrize("target", ["mine.function", "mine.system", "mine.Path", "mine.Path.touch"])
def test_trust_in_a_package_is_for_its_classes_alone(words, stored, plug_in, tmp_path, target):
    stored("attack.pgd", {"_target_": target})
    code, _, err = words("evaluate", "run=run", "trust=[mine]")
    assert (code, err.count("\n")) == (2, 1)
    assert f"attack.pgd._target_ must be a class that is mine's own, got {target}" in err
    assert not (tmp_path / "called").exists()


def test_a_trusted_class_takes_what_it_likes_but_no_more_than_classes(plug_in):
    node: Any = {"_target_": "mine.Mine", "_convert_": "all", "parts": [{"_target_": "robustft.attacks.pgd.Pgd"}]}
    check_targets(node, ("attack", "x"), trusted=("mine",))
    node["parts"].append({"_target_": "robustft.data.cache.cached_split.np.load"})
    for trusted in (("mine",), None):
        with pytest.raises(Mistake, match=r"attack\.x\.parts\.1\._target_ must be a class of robustft's own"):
            check_targets(node, ("attack", "x"), trusted=trusted)


def test_trust_is_a_list_of_packages(words, run_dir):
    for given in ("trust=mine", "trust=[1]", "trust=[a.b]", "trust=null"):
        assert refused(words, given).startswith("robustft: trust must be a list of packages, [mypackage], got ")


def test_one_s_own_configuration_may_name_one_s_own_classes(words, plug_in, run_dir):
    for command in (["train"], ["evaluate", "run=run"]):
        code, _, err = words(*command, "attack=[mine]", "--config-dir=conf")
        assert code == 2
        assert err == "robustft: attack.mine.steps must be a whole number of at least 1, got 0\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["method._target_=robustft.attacks.pgd.Pgd"],
            "method._target_ must be a class of robustft's own, of the kind",
        ),
        (
            ["dataset._target_=robustft.data.cache.cached_split.np.load"],
            "dataset._target_ must be a class of robustft's own",
        ),
        (["method._target_=mine.Other"], "method._target_ must be a class that extends robustft.methods.Method"),
        (["~method._target_"], "method._target_ must be given: ~method._target_ takes it away"),
    ],
)
def test_one_s_own_mistakes_with_classes_are_one_line(words, plug_in, given, said):
    code, out, err = words(*given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"robustft: {said}")


def test_nothing_in_the_package_unpickles_what_it_did_not_write():
    """What reads pickles at all: our own child processes' answers, and CIFAR's archives without running them."""
    package = Path(__file__).parents[2] / "robustft"
    suspects = ("pickle", "torch.load", "joblib.load", "allow_pickle=True", "yaml.load", "unsafe_load", "read_pickle")
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any(word in path.read_text().replace("allow_pickle=False", "") for word in suspects)
    }
    assert found == {
        "backbones/checkpoint.py",  # says why there are none
        "report/card/model_card.py",  # says that there are none
        "training/checkpoints.py",  # with weights_only
        *("data/cache/decoding_worker.py", "data/archives/cifar_pickle.py", "data/archives/cifar.py"),
    }
