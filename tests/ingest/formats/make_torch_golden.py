"""A small module as torch itself saves it, in every way that people do.

    python make_torch_golden.py [FOLDER]

Writes FOLDER/torch_*.pt and the state_dict as FOLDER/torch.safetensors; made with torch 2.13.0.
"""

from __future__ import annotations

import argparse
import io
import pathlib
import sys
import zipfile
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file


class Small(torch.nn.Module):  # type: ignore[misc]
    """Layers with parameters, buffers, a buffer that is not saved, and a tensor that is only an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(7, 4)
        self.blocks = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.PReLU())
        self.head = torch.nn.Linear(3, 2, bias=False)
        self.register_buffer("mask", torch.ones(2, 3))
        self.register_buffer("fleeting", torch.ones(5), persistent=False)
        self.scale = torch.full((2,), 3.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.head(self.blocks(self.embed(x))) * self.scale + self.mask.sum() + self.fleeting.sum()


def script(module: Any, path: pathlib.Path) -> None:
    """A TorchScript archive without the entries that say where its source code lay."""
    out = io.BytesIO()
    torch.jit.save(module, out)
    with zipfile.ZipFile(out) as made, zipfile.ZipFile(path, "w") as kept:
        for entry in made.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                name = f"{path.stem}/{entry.filename.partition('/')[2]}"
                kept.writestr(zipfile.ZipInfo(name), made.read(entry), zipfile.ZIP_STORED)


def main(place: pathlib.Path) -> None:
    """Write the files."""
    torch.manual_seed(0)
    small, ids = Small(), torch.arange(5)
    optimiser = torch.optim.Adam(small.parameters())
    small(ids).sum().backward()
    optimiser.step()
    state = {name: value.detach().clone() for name, value in small.state_dict().items()}
    average = {name: value * 0.99 if value.is_floating_point() else value for name, value in state.items()}
    arguments = argparse.Namespace(lr=1e-3, out=pathlib.PurePosixPath("runs"), best=np.float64(0.5))
    whole: dict[str, Any] = {
        "state_dict": state, "ema": average, "optimizer": optimiser.state_dict(), "args": arguments, "epoch": 3,
        "best_acc1": torch.tensor(76.1), "history": np.arange(4),
    }  # fmt: skip
    torch.serialization.get_source_lines_and_file = lambda kind: ([f"class {kind.__name__}: ...\n"], 1, "small.py")
    old: dict[str, Any] = {"_use_new_zipfile_serialization": False}
    save_file(state, place / "torch.safetensors")
    torch.save(state, place / "torch_old.pt", **old)
    torch.save(whole, place / "torch_checkpoint.pt")
    torch.save(whole, place / "torch_checkpoint_old.pt", pickle_protocol=4, **old)
    torch.save(small, place / "torch_module.pt")
    torch.save(small, place / "torch_module_old.pt", **old)
    script(torch.jit.script(small.eval()), place / "torch_script.pt")
    script(torch.jit.trace(small, ids), place / "torch_trace.pt")
    script(torch.jit.freeze(torch.jit.script(small)), place / "torch_frozen.pt")
    codes = torch.quantize_per_channel(state["blocks.0.weight"], torch.ones(3), torch.zeros(3).long(), 0, torch.qint8)
    odd = {"codes": codes, "sparse": state["head.weight"].to_sparse(), "plain": state["embed.weight"]}
    odd |= {"nothing": torch.empty(3, 3, device="meta"), "channels_last": torch.arange(24.0).reshape(2, 3, 2, 2)}
    odd["channels_last"] = odd["channels_last"].to(memory_format=torch.channels_last)
    torch.save(odd, place / "torch_odd.pt")
    torch.save(odd | {"nothing": state["mask"]}, place / "torch_odd_old.pt", **old)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "golden"))
