"""GPT-2 and BERT in plain torch, with the tensor names and layouts of their Hugging Face checkpoints.

GPT-2 stores its matrices as [in, out] and fuses q, k and v; BERT normalises after each residual addition and sees
both directions. Neither has rotary positions or gated feed-forwards, which all other models of the zoo have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

MASK_TOKEN = 1  # `<|pad|>` of the byte-level tokenizer, otherwise unused
MASKED_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class PlainConfig:
    """Sizes of one model; `context` is also the number of learned positions."""

    kind: Literal["gpt2", "bert"]
    hidden: int = 96
    layers: int = 5
    heads: int = 6
    ffn: int = 256
    vocab: int = 512
    context: int = 64

    def content(self, dtype: str) -> dict[str, object]:
        """The content of config.json."""
        if self.kind == "gpt2":
            return {
                "architectures": ["GPT2LMHeadModel"],
                "model_type": "gpt2",
                "n_embd": self.hidden,
                "n_layer": self.layers,
                "n_head": self.heads,
                "n_inner": self.ffn,
                "n_positions": self.context,
                "n_ctx": self.context,
                "hidden_size": self.hidden,
                "num_hidden_layers": self.layers,
                "num_attention_heads": self.heads,
                "activation_function": "gelu_new",
                "tie_word_embeddings": True,
                "max_position_embeddings": self.context,
                "torch_dtype": dtype,
                "vocab_size": self.vocab,
            }
        return {
            "architectures": ["BertForMaskedLM"],
            "model_type": "bert",
            "hidden_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": self.ffn,
            "hidden_act": "gelu",
            "max_position_embeddings": self.context,
            "type_vocab_size": 2,
            "tie_word_embeddings": True,
            "torch_dtype": dtype,
            "vocab_size": self.vocab,
        }


def from_content(content: dict[str, object]) -> PlainConfig:
    """The config of a folder that was written from `PlainConfig.content`."""
    sizes = ("hidden_size", "num_hidden_layers", "num_attention_heads")
    hidden, layers, heads = (int(str(content[name])) for name in sizes)
    kind: Literal["gpt2", "bert"] = "gpt2" if content["model_type"] == "gpt2" else "bert"
    ffn = int(str(content["n_inner" if kind == "gpt2" else "intermediate_size"]))
    return PlainConfig(
        kind,
        hidden,
        layers,
        heads,
        ffn,
        vocab=int(str(content["vocab_size"])),
        context=int(str(content["max_position_embeddings"])),
    )


class Conv1D(nn.Module):
    """A linear map stored as [in, out], as GPT-2 does."""

    def __init__(self, into: int, out: int) -> None:
        """Create weight and bias; `build` fills them."""
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(into, out))
        self.bias = nn.Parameter(torch.zeros(out))

    def forward(self, hidden: Tensor) -> Tensor:
        """Map [..., in] to [..., out]."""
        return hidden @ self.weight + self.bias


def named(**children: nn.Module) -> nn.Module:
    """A module that only holds others, for names such as `attn.c_proj` and `output.dense`."""
    holder = nn.Module()
    for name, child in children.items():
        holder.add_module(name, child)
    return holder


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int, *, causal: bool) -> Tensor:
    """Attention over [batch, length, hidden], split into heads and joined again."""
    batch, length, hidden = query.shape
    parts = [part.view(batch, length, heads, -1).transpose(1, 2) for part in (query, key, value)]
    mixed = functional.scaled_dot_product_attention(*parts, is_causal=causal)
    return mixed.transpose(1, 2).reshape(batch, length, hidden)


class Gpt2(nn.Module):
    """A causal language model; `state_dict()` has the names of GPT2LMHeadModel."""

    def __init__(self, config: PlainConfig) -> None:
        """Create embeddings, layers and the final norm."""
        super().__init__()
        self.config = config
        wide = config.hidden
        layers = [
            named(
                ln_1=nn.LayerNorm(wide),
                attn=named(c_attn=Conv1D(wide, 3 * wide), c_proj=Conv1D(wide, wide)),
                ln_2=nn.LayerNorm(wide),
                mlp=named(c_fc=Conv1D(wide, config.ffn), c_proj=Conv1D(config.ffn, wide)),
            )
            for _ in range(config.layers)
        ]
        self.transformer = named(
            wte=nn.Embedding(config.vocab, wide),
            wpe=nn.Embedding(config.context, wide),
            h=nn.ModuleList(layers),
            ln_f=nn.LayerNorm(wide),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits [batch, length, vocab] of token ids [batch, length]."""
        body = self.transformer
        hidden = body.wte(tokens) + body.wpe(torch.arange(tokens.shape[1]))
        for layer in body.h:
            query, key, value = layer.attn.c_attn(layer.ln_1(hidden)).chunk(3, dim=-1)
            hidden = hidden + layer.attn.c_proj(attend(query, key, value, self.config.heads, causal=True))
            update = functional.gelu(layer.mlp.c_fc(layer.ln_2(hidden)), approximate="tanh")
            hidden = hidden + layer.mlp.c_proj(update)
        return functional.linear(body.ln_f(hidden), body.wte.weight)


class Bert(nn.Module):
    """A masked language model; `state_dict()` has the names of BertForMaskedLM with a tied decoder."""

    def __init__(self, config: PlainConfig) -> None:
        """Create embeddings, layers and the prediction head."""
        super().__init__()
        self.config = config
        wide = config.hidden
        layers = [
            named(
                attention=named(
                    self=named(query=nn.Linear(wide, wide), key=nn.Linear(wide, wide), value=nn.Linear(wide, wide)),
                    output=named(dense=nn.Linear(wide, wide), LayerNorm=nn.LayerNorm(wide)),
                ),
                intermediate=named(dense=nn.Linear(wide, config.ffn)),
                output=named(dense=nn.Linear(config.ffn, wide), LayerNorm=nn.LayerNorm(wide)),
            )
            for _ in range(config.layers)
        ]
        embeddings = named(
            word_embeddings=nn.Embedding(config.vocab, wide),
            position_embeddings=nn.Embedding(config.context, wide),
            token_type_embeddings=nn.Embedding(2, wide),
            LayerNorm=nn.LayerNorm(wide),
        )
        self.bert = named(embeddings=embeddings, encoder=named(layer=nn.ModuleList(layers)))
        transform = named(dense=nn.Linear(wide, wide), LayerNorm=nn.LayerNorm(wide))
        predictions = named(transform=transform)
        predictions.register_parameter("bias", nn.Parameter(torch.zeros(config.vocab)))
        self.cls = named(predictions=predictions)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits [batch, length, vocab] of token ids [batch, length]."""
        parts, predictions = self.bert.embeddings, self.cls.predictions
        hidden = parts.word_embeddings(tokens) + parts.position_embeddings(torch.arange(tokens.shape[1]))
        hidden = parts.LayerNorm(hidden + parts.token_type_embeddings.weight[0])
        for layer in self.bert.encoder.layer:
            own = layer.attention.self
            mixed = attend(own.query(hidden), own.key(hidden), own.value(hidden), self.config.heads, causal=False)
            hidden = layer.attention.output.LayerNorm(hidden + layer.attention.output.dense(mixed))
            update = layer.output.dense(functional.gelu(layer.intermediate.dense(hidden)))
            hidden = layer.output.LayerNorm(hidden + update)
        hidden = predictions.transform.LayerNorm(functional.gelu(predictions.transform.dense(hidden)))
        return functional.linear(hidden, parts.word_embeddings.weight, predictions.bias)


def build_plain(config: PlainConfig, seed: int) -> Gpt2 | Bert:
    """Random weights: matrices and embeddings normal with 0.02, gains 1, biases 0."""
    model = Gpt2(config) if config.kind == "gpt2" else Bert(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:
                parameter.normal_(0.0, 0.02, generator=generator)
            else:
                parameter.fill_(0.0 if name.endswith("bias") else 1.0)
    return model


def masked_loss(seed: int) -> Callable[[Bert, Tensor], Tensor]:
    """The objective of BERT: predict the tokens that were masked, 15 % of all, with an order of its own."""
    generator = torch.Generator().manual_seed(seed)

    def loss(model: Bert, batch: Tensor) -> Tensor:
        tokens = batch[:, :-1]
        hidden = torch.rand(tokens.shape, generator=generator) < MASKED_SHARE
        logits = model(tokens.masked_fill(hidden, MASK_TOKEN))
        return functional.cross_entropy(logits[hidden], tokens[hidden])

    return loss
