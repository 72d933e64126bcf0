"""What all tests share: one thread, a cache of their own, and the data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before torch and numba are imported: the tests run as two processes side by side, and two
# processes of two threads each on two cores are many times slower than two of one thread.
for _name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_name}_NUM_THREADS", "1")

# Two files of one name cannot both be searched for doctests, and neither has any.
collect_ignore = ["conftest.py", "book/conftest.py"]

# The first example of a test may compile a kernel, so no example is timed.
settings.register_profile("musig", deadline=None, print_blob=True)
settings.load_profile("musig")


def pytest_configure(config):
    """Compile what librosa compiles before there are several processes that would all do so."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        from musig.signal_measures import compile_first

        compile_first()


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory):
    """Keep what the tests compute away from the user's cache and runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSIG_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MUSIG_RUNS", str(tmp_path_factory.mktemp("runs")))
        yield


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of the real data sets, ``$MUSIG_DATA/data``."""
    folder = os.environ.get("MUSIG_DATA", "")
    if not folder:
        pytest.skip("MUSIG_DATA is not set: no real data on this machine")
    data = Path(folder).expanduser().resolve() / "data"
    if not data.is_dir():
        pytest.skip(f"MUSIG_DATA is {folder}, which holds no folder data")
    return data


@pytest.fixture(scope="session")
def smoke_catalog():
    """Smallest synthetic catalogue; read it, do not change it."""
    from musig.sources import synthetic

    return synthetic.make("smoke", seed=0)


@pytest.fixture(scope="session")
def write_sealed():
    """Write a model.json whose checksum fits whatever it says."""
    import json

    from musig import modelfolder

    def write(folder: Path, info: dict) -> None:
        info = {name: value for name, value in info.items() if name != "sha256"}
        sealed = info | {"sha256": modelfolder._digest(info)}
        (folder / "model.json").write_text(json.dumps(sealed))

    return write


def pytest_runtest_setup(item):
    if item.get_closest_marker("posix") is not None and os.name != "posix":
        pytest.skip("no signals, make or shell of POSIX")
    if item.get_closest_marker("gpu") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")


@pytest.hookimpl(tryfirst=True)  # before items are chosen by -m
def pytest_collection_modifyitems(items):
    """Keep `pytest -m "not slow"` at two minutes: what needs more than code is slow as well."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("audit", "realdata", "browser")):
            item.add_marker(pytest.mark.slow)
