"""A plain decoder-only transformer whose weights carry the names of Hugging Face checkpoints.

One class covers the three families of the zoo: llama (dense, no biases), qwen2 (biases on q, k and v) and
mixtral (several SwiGLU experts behind a router). Rotary embeddings use the half-split layout of Hugging Face.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Sizes of one decoder; the defaults are the base architecture of the zoo."""

    hidden: int = 80
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 20
    ffn: int = 160
    vocab: int = 512
    tied: bool = True
    qkv_bias: bool = False
    experts: int = 0
    experts_per_token: int = 2
    context: int = 128
    rope_theta: float = 10000.0
    eps: float = 1e-5
    init_std: float = 0.02

    @property
    def model_type(self) -> str:
        """The `model_type` under which Hugging Face knows this architecture."""
        if self.experts:
            return "mixtral"
        return "qwen2" if self.qkv_bias else "llama"


class RMSNorm(nn.Module):
    """Root-mean-square norm with a gain and no bias."""

    def __init__(self, size: int, eps: float) -> None:
        """Start every gain at 1."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, hidden: Tensor) -> Tensor:
        """Scale the last axis to unit RMS, then by the gain."""
        return functional.rms_norm(hidden, (hidden.shape[-1],), self.weight, self.eps)


def rotary(config: ModelConfig, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary embedding, each [length, head_dim]."""
    exponent = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
    angles = torch.outer(torch.arange(length, dtype=torch.float32), config.rope_theta**-exponent)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rotate(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Apply the half-split rotation to [batch, heads, length, head_dim]."""
    first, second = states.chunk(2, dim=-1)
    return states * cosine + torch.cat((-second, first), dim=-1) * sine


class Attention(nn.Module):
    """Grouped-query causal attention."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the four projections."""
        super().__init__()
        self.config = config
        wide, narrow = config.heads * config.head_dim, config.kv_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden, wide, bias=config.qkv_bias)
        self.k_proj = nn.Linear(config.hidden, narrow, bias=config.qkv_bias)
        self.v_proj = nn.Linear(config.hidden, narrow, bias=config.qkv_bias)
        self.o_proj = nn.Linear(wide, config.hidden, bias=False)

    def forward(self, hidden: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Attend over [batch, length, hidden]."""
        batch, length, _ = hidden.shape
        config = self.config
        query = self.q_proj(hidden).view(batch, length, config.heads, config.head_dim).transpose(1, 2)
        key = self.k_proj(hidden).view(batch, length, config.kv_heads, config.head_dim).transpose(1, 2)
        value = self.v_proj(hidden).view(batch, length, config.kv_heads, config.head_dim).transpose(1, 2)
        query, key = rotate(query, cosine, sine), rotate(key, cosine, sine)
        groups = config.heads // config.kv_heads
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))


class FeedForward(nn.Module):
    """SwiGLU with the names of a dense llama layer."""

    def __init__(self, config: ModelConfig) -> None:
        """Create gate, up and down."""
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden, config.ffn, bias=False)
        self.up_proj = nn.Linear(config.hidden, config.ffn, bias=False)
        self.down_proj = nn.Linear(config.ffn, config.hidden, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map [..., hidden] to [..., hidden]."""
        return self.down_proj(functional.silu(self.gate_proj(hidden)) * self.up_proj(hidden))


class Expert(nn.Module):
    """SwiGLU with the names of a mixtral expert: w1 is gate, w3 is up, w2 is down."""

    def __init__(self, config: ModelConfig) -> None:
        """Create w1, w2 and w3."""
        super().__init__()
        self.w1 = nn.Linear(config.hidden, config.ffn, bias=False)
        self.w2 = nn.Linear(config.ffn, config.hidden, bias=False)
        self.w3 = nn.Linear(config.hidden, config.ffn, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map [..., hidden] to [..., hidden]."""
        return self.w2(functional.silu(self.w1(hidden)) * self.w3(hidden))


class SparseExperts(nn.Module):
    """Mixtral's router: the best experts of each token, weighted by their renormalised softmax."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the router and the experts."""
        super().__init__()
        self.gate = nn.Linear(config.hidden, config.experts, bias=False)
        self.experts = nn.ModuleList(Expert(config) for _ in range(config.experts))
        self.chosen = config.experts_per_token

    def forward(self, hidden: Tensor) -> Tensor:
        """Run every expert on every token (they are tiny) and mix the chosen ones."""
        best, places = self.gate(hidden).topk(self.chosen, dim=-1)
        shares = torch.zeros(*hidden.shape[:-1], len(self.experts)).scatter(-1, places, best.softmax(dim=-1))
        outputs = torch.stack([expert(hidden) for expert in self.experts], dim=-1)
        return (outputs * shares.unsqueeze(-2)).sum(dim=-1)


class Layer(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, config: ModelConfig) -> None:
        """Create attention, feed-forward and their norms."""
        super().__init__()
        self.self_attn = Attention(config)
        self.feed_name = "block_sparse_moe" if config.experts else "mlp"
        self.add_module(self.feed_name, SparseExperts(config) if config.experts else FeedForward(config))
        self.input_layernorm = RMSNorm(config.hidden, config.eps)
        self.post_attention_layernorm = RMSNorm(config.hidden, config.eps)

    def forward(self, hidden: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Add attention, then the feed-forward, to the residual stream."""
        hidden = hidden + self.self_attn(self.input_layernorm(hidden), cosine, sine)
        update: Tensor = self.get_submodule(self.feed_name)(self.post_attention_layernorm(hidden))
        return hidden + update


class Stack(nn.Module):
    """Everything below the head: the part that checkpoints call `model`."""

    def __init__(self, config: ModelConfig) -> None:
        """Create embedding, layers and the final norm."""
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab, config.hidden)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.hidden, config.eps)


class Decoder(nn.Module):
    """A causal language model; `state_dict()` has the names of a Hugging Face checkpoint."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the stack, and a head of its own unless it is tied."""
        super().__init__()
        self.config = config
        self.model = Stack(config)
        self.lm_head = None if config.tied else nn.Linear(config.hidden, config.vocab, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits [batch, length, vocab] of token ids [batch, length]."""
        hidden = self.model.embed_tokens(tokens)
        cosine, sine = rotary(self.config, tokens.shape[1])
        for layer in self.model.layers:
            hidden = layer(hidden, cosine, sine)
        hidden = self.model.norm(hidden)
        if self.lm_head is None:
            return functional.linear(hidden, self.model.embed_tokens.weight)
        logits: Tensor = self.lm_head(hidden)
        return logits


def build(config: ModelConfig, seed: int) -> Decoder:
    """A decoder with random weights, bit for bit the same for the same config and seed.

    Matrices are normal with `init_std`; those that write to the residual stream (o and down) are divided by
    sqrt(2 layers) as in GPT-2. Gains are 1 and biases 0.
    """
    model = Decoder(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:
                writes = name.endswith(("o_proj.weight", "down_proj.weight", "w2.weight"))
                scale = config.init_std / (math.sqrt(2 * config.layers) if writes else 1.0)
                parameter.normal_(0.0, scale, generator=generator)
            elif name.endswith("bias"):
                parameter.zero_()
    return model


def from_state(config: ModelConfig, state: dict[str, Tensor]) -> Decoder:
    """A float32 decoder that holds a copy of these weights; names and shapes must fit exactly."""
    model = Decoder(config)
    model.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=True)
    return model
