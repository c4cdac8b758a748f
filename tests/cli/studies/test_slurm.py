"""What is said of SLURM without one; with one, see tests/slurm."""

from __future__ import annotations


def test_slurm_is_refused_where_there_is_none(words, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    code, out, err = words("-m", "method=linear_probe", "seed=0,1", "hydra/launcher=slurm")
    assert (code, out) == (2, "")
    assert err == (
        "robustft: hydra/launcher must be basic or joblib where there is no SLURM, got slurm: no sbatch is found\n"
    )
    assert list(tmp_path.iterdir()) == []
