"""A small vision-language network with random weights, saved here and served by transformers: the wire as it is."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image
from told import warnings_of

from hardiness.store.store import Store

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.slow,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("openai", "accelerate", "fastapi", "uvicorn")),
        reason="transformers serve needs openai, accelerate, fastapi and uvicorn: pip install '.[test]'",
    ),
]

TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


def save(folder: Path) -> None:
    """A LLaVA of two layers a side, 32 pixels wide, whose tokens are bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    signs = [*special.values(), "<image>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokens = Tokenizer(models.BPE(vocab={sign: at for at, sign in enumerate(signs)}, merges=[], unk_token="<unk>"))
    tokens.pre_tokenizer, tokens.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokens, additional_special_tokens=["<image>"], **special)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    words = LlamaConfig(
        vocab_size=len(signs), max_position_embeddings=2048, bos_token_id=1, eos_token_id=2, pad_token_id=3, **size
    )
    sight = CLIPVisionConfig(image_size=32, patch_size=16, **size)
    torch.manual_seed(0)
    config = LlavaConfig(vision_config=sight, text_config=words, image_token_id=4, image_token_index=4)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    LlavaProcessor(
        image_processor=CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        tokenizer=tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of transformers' server, and the folder of the network, which is its name there."""
    save(tmp_path / "tiny")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--device", "cpu", str(tmp_path / "tiny")],
            stdout=log,
            stderr=log,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        try:
            deadline = time.monotonic() + 180
            while not answers(f"http://127.0.0.1:{port}/health"):
                assert process.poll() is None, (tmp_path / "serve.log").read_text()
                assert time.monotonic() < deadline, (tmp_path / "serve.log").read_text()
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}", tmp_path / "tiny"
        finally:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):
            return True
    except URLError:
        return False


def test_a_network_that_transformers_serves_is_asked(
    served: tuple[str, Path], hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    address, network = served
    for number in range(6):
        folder = tmp_path / "own" / ("cup", "shoe")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        draws = np.random.default_rng(number).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(draws).save(folder / f"{number}.png")
    out = tmp_path / "out"
    told = hardiness(
        *("run", "-m", f"tiny=chat:{network}:base={address},repeats=2", "-b", "own"),
        *("--data", tmp_path / "own", "--out", out),
    )
    assert told.status == 0, told.err
    assert "12 requests" in told.err
    (run,) = Store.open(out).runs()
    rows = run.records()
    assert len(rows) == 6
    assert set(rows["served_model"].tolist()) == {str(network)}
    assert set(rows["finish_reason"].tolist()) == {"length"}
    assert all(rows["answer_text"].tolist())
    assert (rows["changed"] == 0).all(), "at temperature 0 it answers the same"
    assert len(list((out / "answers").rglob("*.json"))) == 12
    (result,) = json.loads((out / "results.json").read_text())["results"]
    assert "were given with 0 of 6 answers" in " ".join(warnings_of(result))
