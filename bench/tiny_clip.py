"""A CLIP of two small layers with random weights, saved to a folder: a zero-shot model that needs no download.

    python bench/tiny_clip.py FOLDER
    hardiness run -m hf-clip:FOLDER:protocol=simple7 --suite modern --data ROOT --limit 4 --out OUT

Its answers are chance; what it shows is that every benchmark takes a zero-shot model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

SIDE, CONTEXT = 224, 64


def tokeniser(folder: Path) -> None:
    """A tokeniser of single bytes."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {each: index for index, each in enumerate(["<s>", "<e>", *letters])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.post_processor = processors.TemplateProcessing(single="<s> $A <e>", special_tokens=[("<s>", 0), ("<e>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="<e>", pad_token="<e>", model_max_length=CONTEXT
    ).save_pretrained(folder)


def network(folder: Path) -> None:
    """Weights, seeded, and what prepares pictures."""
    import torch
    import transformers

    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {
        "vocab_size": 300,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
    }
    vision = {**small, "image_size": SIDE, "patch_size": 32}
    torch.manual_seed(1)
    made = transformers.CLIPModel(
        transformers.CLIPConfig(text_config={**small, **text}, vision_config=vision, projection_dim=16)
    )
    for parameter in made.parameters():  # away from the tiny values that they start with
        parameter.data.normal_(0, 0.3)
    made.logit_scale.data.fill_(2.0)
    made.save_pretrained(folder)
    size = {"size": {"shortest_edge": SIDE}, "crop_size": SIDE}
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": "CLIPImageProcessor", **size}))


def main() -> int:
    """Write the folder."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    network(folder)
    tokeniser(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
