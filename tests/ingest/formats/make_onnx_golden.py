"""A small network of recurrent layers, convolutions and an embedding, exported to ONNX by torch itself.

    python make_onnx_golden.py [FOLDER]

Writes FOLDER/onnx_layers.onnx and the state_dict as FOLDER/onnx_layers.safetensors; made with torch 2.13.0. Where
onnxruntime is at hand (`python make_onnx_golden.py --quantise [FOLDER]`), FOLDER/onnx_layers_int8.onnx from the first.
"""

from __future__ import annotations

import pathlib
import sys


def export(place: pathlib.Path) -> None:
    """The exported file and its weights."""
    import torch
    from safetensors.torch import save_file

    class Layers(torch.nn.Module):  # type: ignore[misc]
        """One of each kind whose weights an exporter renames or reorders."""

        def __init__(self) -> None:
            super().__init__()
            nn = torch.nn
            self.embed = nn.Embedding(11, 6)
            self.body = nn.Sequential(nn.Conv1d(6, 8, 3, padding=1), nn.Sequential(nn.BatchNorm1d(8), nn.ReLU()))
            self.lstm = nn.LSTM(8, 5, 2, bidirectional=True, batch_first=True)
            self.gru = nn.GRU(10, 4, batch_first=True)
            self.rnn = nn.RNN(4, 3, batch_first=True)
            self.fc = nn.Sequential(nn.Linear(3, 7), nn.Linear(7, 2, bias=False))

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            """Logits."""
            x = self.body(self.embed(ids).transpose(1, 2)).transpose(1, 2)
            return self.fc(self.rnn(self.gru(self.lstm(x)[0])[0])[0])

    torch.manual_seed(0)
    layers = Layers().eval()
    ids = torch.arange(10).reshape(2, 5)
    torch.onnx.export(layers, (ids,), str(place / "onnx_layers.onnx"), dynamo=False, opset_version=17)
    save_file(
        {name: value.contiguous() for name, value in layers.state_dict().items()}, place / "onnx_layers.safetensors"
    )


def quantise(place: pathlib.Path) -> None:
    """The exported file in 8 bits, by onnxruntime's dynamic quantiser."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    made = place / "onnx_layers_int8.onnx"
    quantize_dynamic(place / "onnx_layers.onnx", made, weight_type=QuantType.QInt8)


if __name__ == "__main__":
    flags = sys.argv[1:]
    work = quantise if "--quantise" in flags else export
    folders = [flag for flag in flags if not flag.startswith("-")]
    work(pathlib.Path(folders[0]) if folders else pathlib.Path(__file__).parent / "golden")
