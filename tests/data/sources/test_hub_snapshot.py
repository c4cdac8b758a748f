"""The hub's cache, laid out by hand as the hub's library does it, without network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import unquote

import pytest

from tests.data.pictures import table, write

ROOT = Path(__file__).parents[3]
COMMIT = "0123456789" * 4


def _cached(hub: Path, files: list[str]) -> None:
    repository = hub / "datasets--some--birds"
    for name in files:
        write(repository / "snapshots" / COMMIT / name, table([0, 1]))
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)


def _ask(hub: Path, arguments: str, more: Mapping[str, str] = MappingProxyType({})) -> str:
    code = (
        "from robustft.data.sources.parquet import Parquet\n"
        "from robustft.data.errors import DataError\n"
        f"source = Parquet({arguments})\n"
        "try:\n    print(sorted(source.files()), len(source.load(4).train), source.provenance())\n"
        "except DataError as error:\n    print(error)"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(hub), **more}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.rstrip("\n")


FILES = ["data/test-00000-of-00001.parquet", "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"]


@pytest.mark.parametrize("revision", ["None", repr("main"), repr(COMMIT)])
def test_the_cache_is_enough_and_tells_the_commit(tmp_path: Path, revision: str) -> None:
    _cached(tmp_path, FILES)
    provenance = {"hub_id": "some/birds", "commit": COMMIT}
    assert _ask(tmp_path, f"hub_id='some/birds', revision={revision}") == f"{FILES} 4 {provenance}"


@pytest.mark.parametrize("files", [[], FILES[1:], FILES[:2]])
def test_without_cache_and_network_one_line_says_what_to_do(tmp_path: Path, files: list[str]) -> None:
    _cached(tmp_path, files)
    line = _ask(tmp_path, "hub_id='some/birds'")
    assert line.startswith(f"hub_id some/birds (revision main) was found neither in the hub's cache {tmp_path} nor on ")
    assert "OfflineModeIsEnabled: " in line
    assert "dataset.path=DIR" in line
    assert line.endswith(": hf download some/birds --repo-type dataset")
    assert "\n" not in line


def test_the_revision_is_part_of_the_advice(tmp_path: Path) -> None:
    line = _ask(tmp_path, "hub_id='some/birds', revision='v2'")
    assert line.startswith("hub_id some/birds (revision v2) ")
    assert line.endswith("hf download some/birds --repo-type dataset --revision v2")


def test_the_path_comes_first(tmp_path: Path) -> None:
    _cached(tmp_path / "hub", FILES)
    for split in ("train", "test"):
        write(tmp_path / "here" / f"{split}.parquet", table([0, 1]))
    line = _ask(tmp_path / "hub", f"hub_id='some/birds', path={str(tmp_path / 'here')!r}")
    assert line == "['test.parquet', 'train.parquet'] 2 {}"


class _Hub(BaseHTTPRequestHandler):
    """As much of the hub as a download takes: what there is in a repository, and files by name."""

    files: ClassVar[dict[str, bytes]]
    sent: ClassVar[list[str]]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(self.path)
        if path.startswith("/api/"):
            siblings = [{"rfilename": name} for name in self.files]
            content = json.dumps({"id": "some/birds", "sha": COMMIT, "siblings": siblings}).encode()
        else:
            name = path.partition(f"/resolve/{COMMIT}/")[2]
            content = self.files[name]
            self.sent.append(name)
        self.send_response(200)
        for header, value in (("Content-Length", len(content)), ("ETag", '"1"'), ("X-Repo-Commit", COMMIT)):
            self.send_header(header, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[type[_Hub], dict[str, str]]]:
    """A hub on this machine that has two configurations, and the environment that leads there."""
    content = write(tmp_path / "content.parquet", table([0, 1])).read_bytes()
    made = [f"{config}/{split}-00000-of-00001.parquet" for config in ("cropped", "full") for split in ("train", "test")]
    _Hub.files, _Hub.sent = dict.fromkeys(made, content), []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        yield _Hub, {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_of_several_configurations_one_must_be_chosen_and_only_that_one_is_downloaded(
    tmp_path: Path, hub: tuple[type[_Hub], dict[str, str]]
) -> None:
    server, online = hub
    line = _ask(tmp_path / "cache", "hub_id='some/birds'", online)
    assert line == "config must be one of cropped, full, which lie side by side in hub_id some/birds; got null"
    assert server.sent == []
    full = ["full/test-00000-of-00001.parquet", "full/train-00000-of-00001.parquet"]
    line = _ask(tmp_path / "cache", "hub_id='some/birds', config='full'", online)
    assert line == f"{full} 2 {{'hub_id': 'some/birds', 'commit': '{COMMIT}'}}"
    assert sorted(set(server.sent)) == full
    line = _ask(tmp_path / "cache", "hub_id='some/birds', config='cropped'", online)
    assert line.startswith("['cropped/test-00000-of-00001.parquet', 'cropped/train-")
    offline = _ask(tmp_path / "cache", "hub_id='some/birds'")
    assert offline.startswith("config must be one of cropped, full, which lie side by side in ")
    assert _ask(tmp_path / "cache", "hub_id='some/birds', config='full'").startswith(str(full))
