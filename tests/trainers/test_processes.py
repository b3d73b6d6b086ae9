"""Two processes on the CPU train one network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.trainers.small import write_recipe
from trainers.fitting.processes import own_rows

ROOT = Path(__file__).resolve().parents[2]

# Each of two processes takes its part of one batch; the shared gradient must be that of the whole batch.
SHARED = """
import os

import torch
from lightning_fabric import Fabric
from trainers.fitting.processes import first_says, own_rows, share_gradients

def work(fabric):
    torch.manual_seed(0)
    net, unused = torch.nn.Linear(5, 3), torch.nn.Linear(2, 2)
    x, y = torch.randn(9, 5), torch.randn(9, 3)
    rows = own_rows(torch.arange(9), fabric)
    loss = (net(x[rows]) - y[rows]).square().mean()
    if fabric.global_rank:
        loss = loss + unused.weight.sum()
    loss.backward()
    share_gradients([*net.parameters(), *unused.parameters()], fabric)
    whole = torch.nn.Linear(5, 3)
    whole.load_state_dict(net.state_dict())
    (whole(x[:8]) - y[:8]).square().mean().backward()
    torch.testing.assert_close(net.weight.grad, whole.weight.grad)
    torch.testing.assert_close(unused.weight.grad, torch.full((2, 2), 0.5))
    assert first_says(fabric.global_rank, fabric) == 0
    os.write(1, f"agreed {fabric.global_rank}\\n".encode())  # a line at once: both write to one pipe

if __name__ == "__main__":
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp_fork")
    fabric.launch(work)
"""


def run(arguments: list[str], **settings: str) -> str:
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | settings
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def test_the_shared_gradient_is_that_of_the_whole_batch(tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text(SHARED)
    said = run([str(tmp_path / "shared.py")])
    assert sorted(line for line in said.splitlines() if line.startswith("agreed")) == ["agreed 0", "agreed 1"]


def test_the_command_trains_with_two_processes(data: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, epochs="2")
    where = ["--data", str(data), "--runs", str(tmp_path / "runs"), "--weights", str(tmp_path / "weights")]
    options = ["--recipe", str(recipe), *where, "--devices", "2", "--accelerator", "cpu", "--threads", "1", "--no-ship"]
    said = run(["-m", "trainers", "train", *options])
    assert said.count("epoch 2/2  loss") == 1  # told once, not by every process
    state = torch.load(tmp_path / "runs" / "small" / "last.pt", weights_only=True)
    assert state["progress"]["epoch"] == 2


@pytest.mark.parametrize("world", [1, 2, 3])
def test_every_process_gets_as_many_rows(world: int) -> None:
    class Place:
        world_size = world

        def __init__(self, rank: int) -> None:
            self.global_rank = rank

    parts = [own_rows(torch.arange(10), Place(rank)) for rank in range(world)]  # type: ignore[arg-type]
    assert len({len(p) for p in parts}) == 1
    assert len(set(torch.cat(parts).tolist())) == 10 - 10 % world
