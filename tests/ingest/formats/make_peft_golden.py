"""Tiny adapters of every kind as PEFT itself saves them: FOLDER/peft_KIND.

    python make_peft_golden.py [FOLDER]

`make test-libraries` runs it in PEFT's own environment.
"""

from __future__ import annotations

import sys
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def main(folder: Path) -> None:
    """Save adapters of a two-layer Llama of 64 hidden units (32 for kinds but LoRA), every trained value random."""
    import peft
    import torch

    targets = ["q_proj", "v_proj"]
    kinds = {
        "lora": peft.LoraConfig(r=4, lora_alpha=8, target_modules=targets, use_dora=True, modules_to_save=["lm_head"]),
        "rank_1": peft.LoraConfig(r=1, target_modules=targets),
        "pissa": peft.LoraConfig(r=4, target_modules=targets, init_lora_weights="pissa"),
        "adalora": peft.AdaLoraConfig(init_r=4, target_modules=targets, total_step=10),
        "loha": peft.LoHaConfig(r=4, target_modules=targets),
        "lokr": peft.LoKrConfig(r=2, target_modules=targets, decompose_both=True, decompose_factor=4),
        "vera": peft.VeraConfig(r=4, target_modules=["q_proj", "o_proj"]),
        "ia3": peft.IA3Config(target_modules=["v_proj", "down_proj"], feedforward_modules=["down_proj"]),
        "oft": peft.OFTConfig(oft_block_size=8, r=0, target_modules=targets),
        "prompt": peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4),
    }
    for kind, config in kinds.items():
        torch.manual_seed(0)
        model = peft.get_peft_model(_base(64 if kind == "lora" else 32), config)
        for name, value in model.named_parameters():
            if value.requires_grad and "lora_A" not in name and "modules_to_save" not in name:
                torch.nn.init.normal_(value, 0, 0.02)
        if kind == "rank_1":
            model.add_adapter("other", peft.LoraConfig(r=4, target_modules=targets))
        place = folder / f"peft_{kind}"
        model.save_pretrained(place)
        for readme in place.rglob("README.md"):
            readme.unlink()


def _base(hidden: int) -> object:
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = {"hidden_size": hidden, "intermediate_size": 2 * hidden, "num_hidden_layers": 2, "vocab_size": 16}
    return LlamaForCausalLM(LlamaConfig(**shape, num_attention_heads=4, num_key_value_heads=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN)
