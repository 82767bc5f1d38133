"""Makes golden/peft_lora: a tiny adapter as PEFT itself saves it (run by hand: needs torch, transformers and peft)."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "golden" / "peft_lora"


def main() -> None:
    """Save a DoRA adapter of a two-layer Llama of 64 hidden units, B not zero, with a module saved whole."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "vocab_size": 16}
    config = LlamaConfig(**shape, num_attention_heads=4, num_key_value_heads=2)
    lora = LoraConfig(
        r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], use_dora=True, modules_to_save=["lm_head"]
    )
    model = get_peft_model(LlamaForCausalLM(config), lora)
    for name, value in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, 0, 0.02)
    model.save_pretrained(FOLDER)
    (FOLDER / "README.md").unlink()


if __name__ == "__main__":
    main()
