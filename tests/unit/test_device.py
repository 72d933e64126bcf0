"""Where a training runs."""

import warnings

import pytest

from musig.device import fabric


@pytest.mark.posix
def test_a_training_in_a_job_of_a_cluster_is_alone_and_says_nothing(monkeypatch, tmp_path):
    command = tmp_path / "srun"  # Lightning warns where there is one
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for name, value in {"NTASKS": 2, "PROCID": 1, "LOCALID": 1, "NODEID": 0, "JOB_ID": 7}.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = fabric("cpu", "32")
    assert (opened.world_size, opened.global_rank) == (1, 0)
