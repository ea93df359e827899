"""A Whisper model made by hand: it tells a low tone from a high one, and says a sentence for each.

Written with ctranslate2's own model specification, so that the library loads it and runs it as any other; its weights
are a few numbers put where they do that, and zeros. It has words at fixed times, and nothing for silence.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
from ctranslate2.specs.whisper_spec import WhisperSpec
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import WordLevel

from media.codec import g711

SENTENCES: Final = {"tomorrow at ten": 500.0, "yes i do": 2_000.0}  # and the tones, in Hz, that they are said for
FIRST_WORD_MS: Final = 480
WORD_MS: Final = 300
SPEECH_MS: Final = 900

_WIDTH: Final = 64
_MELS: Final = 80
_AUDIO_POSITIONS: Final = 1_500  # of 20 ms
_TEXT_POSITIONS: Final = 448
_PROMPT: Final = 2  # tokens before the first word: <|startoftranscript|><|notimestamps|>
# Dimensions: what the sound is, where in the sound a word is, where in the text a token is.
_LOW, _HIGH, _SLOT, _PLACE = 0, 1, 8, 16
_PLACES: Final = 8
_SLOTS: Final = 4  # three words and what is behind them
_BANDS: Final = (range(9, 16), range(41, 48))  # mel bands of the two tones
_SPECIALS: Final = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)

Weights = NDArray[np.float32]


def tone(text: str, length_ms: int = SPEECH_MS) -> bytes:
    """Return what the model hears a sentence in: µ-law, 8 kHz, with 200 ms of silence behind it."""
    at = np.arange(length_ms * 8) / 8_000
    pcm = (8_000 * np.sin(2 * np.pi * SENTENCES[text] * at)).astype(np.int16)
    return g711.encode(pcm) + g711.ULAW_SILENCE * 1_600


def make(folder: Path) -> Path:
    """Write the model into a folder and return it."""
    words = [word for text in SENTENCES for word in text.split()]
    texts = ["?", *(f"Ġ{word}" for word in words)]
    vocabulary = [*texts, *_SPECIALS, *(f"<|{step * 0.02:.2f}|>" for step in range(1_501))]
    ids = {token: number for number, token in enumerate(vocabulary)}
    spec = WhisperSpec(1, 1, 2, 1)
    _encoder(spec.encoder)
    _decoder(spec.decoder, ids)
    spec.register_vocabulary(vocabulary)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = []
    spec.config.alignment_heads = [(1, 0)]
    spec.validate()
    spec.optimize(quantization=None)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    tokenizer = Tokenizer(WordLevel(ids, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _zeros(*shape: int) -> Weights:
    return np.zeros(shape, np.float32)


def _encoder(encoder: Any) -> None:
    """One channel for each tone, as loud as it is, and one for each word's place in the sound."""
    first = _zeros(_WIDTH, _MELS, 3)
    for channel, other, mine in ((_LOW, 1, 0), (_HIGH, 0, 1)):
        first[channel, _BANDS[mine], 1] = 4 / len(_BANDS[mine])
        first[channel, _BANDS[other], 1] = -4 / len(_BANDS[other])
    encoder.conv1.weight, encoder.conv1.bias = first, _zeros(_WIDTH)
    second = _zeros(_WIDTH, _WIDTH, 3)
    second[range(_WIDTH), range(_WIDTH), 1] = 1
    encoder.conv2.weight, encoder.conv2.bias = second, _zeros(_WIDTH)
    places = _zeros(_AUDIO_POSITIONS, _WIDTH)
    for word in range(_SLOTS):
        start = (FIRST_WORD_MS + word * WORD_MS) // 20
        places[start : start + WORD_MS // 20, _SLOT + word] = 1
    encoder.position_encodings.encodings = places
    _norm(encoder.layer_norm)
    _silent_layer(encoder.layer[0])


def _decoder(decoder: Any, ids: dict[str, int]) -> None:
    """What is next follows from the place in the text and from which tone was heard."""
    decoder.embeddings.weight = _zeros(len(ids), _WIDTH)
    places = _zeros(_TEXT_POSITIONS, _WIDTH)
    for place in range(_PLACES):
        places[place, _PLACE + place] = 8
    decoder.position_encodings.encodings = places
    _norm(decoder.layer_norm)
    for layer in decoder.layer:
        _silent_layer(layer)
    listening, aligning = (layer.attention for layer in decoder.layer)
    for attention in (listening, aligning):
        _norm(attention.layer_norm)
    # The first listens to where it is loud…
    listening.linear[0].bias[0] = 40
    listening.linear[1].weight[0, [_LOW, _HIGH]] = 1
    listening.linear[1].weight[_WIDTH + _LOW, _LOW] = 1
    listening.linear[1].weight[_WIDTH + _HIGH, _HIGH] = 1
    listening.linear[2].weight[[_LOW, _HIGH], [_LOW, _HIGH]] = 1
    # …the second only looks at where each word is: the library times words by that.
    for word in range(_SLOTS):
        # The token of a word is looked up from the place before it. Mildly, and no two alike: the library divides by
        # how much their looks differ, at every place of the sound.
        aligning.linear[0].weight[word, _PLACE + _PROMPT - 1 + word] = 1.5 + word / 50
        aligning.linear[1].weight[word, _SLOT + word] = 1
    projection = _zeros(len(ids), _WIDTH)
    for channel, text in zip((_LOW, _HIGH), SENTENCES, strict=True):
        for number, spoken in enumerate(text.split()):
            projection[ids[f"Ġ{spoken}"], [channel, _PLACE + _PROMPT - 1 + number]] = (12, 4)
    projection[ids["<|endoftext|>"], _PLACE + _PROMPT + 2 : _PLACE + _PLACES] = 20
    projection[ids["<|nospeech|>"], _PLACE] = 4
    bias = _zeros(len(ids))
    bias[[ids[f"Ġ{word}"] for text in SENTENCES for word in text.split()]] = -30  # no word is likely by itself
    decoder.projection.weight, decoder.projection.bias = projection, bias


def _norm(norm: Any) -> None:
    norm.gamma, norm.beta = np.ones(_WIDTH, np.float32), _zeros(_WIDTH)


def _silent_layer(layer: Any) -> None:
    """Have a layer hand on what it gets."""
    _norm(layer.self_attention.layer_norm)
    for linear, outputs in zip(layer.self_attention.linear, (3 * _WIDTH, _WIDTH), strict=True):
        linear.weight, linear.bias = _zeros(outputs, _WIDTH), _zeros(outputs)
    if hasattr(layer, "attention"):
        for linear, outputs in zip(layer.attention.linear, (_WIDTH, 2 * _WIDTH, _WIDTH), strict=True):
            linear.weight, linear.bias = _zeros(outputs, _WIDTH), _zeros(outputs)
    _norm(layer.ffn.layer_norm)
    layer.ffn.linear_0.weight, layer.ffn.linear_0.bias = _zeros(8, _WIDTH), _zeros(8)
    layer.ffn.linear_1.weight, layer.ffn.linear_1.bias = _zeros(_WIDTH, 8), _zeros(_WIDTH)
