"""The child process that holds espeak-ng and pocketsphinx: orders on standard input, reports on standard output.

`agent.speech_process` starts it. It ends when its input closes, so it outlives nobody. One thread reads, one
thread owns both engines and takes spoken and heard work in turn, in bites of a few milliseconds: a burst of one
kind cannot hold up the other.
"""

import os
import signal
import sys
import threading
from collections import OrderedDict, deque
from typing import IO, Final

from agent import speech_wire as wire
from agent import worker_frames
from agent.stt.sphinx import HearingImpossible, PhraseModel, Utterance
from agent.tts.espeak_library import Espeak, EspeakFailed
from agent.tts.espeak_speech import RATE_HZ, render

PIECE_BYTES: Final = RATE_HZ // 4 * 2  # 250 ms
ORDERS_WAITING_MAX: Final = 4_000  # of each kind; beyond, the pipe fills and the parent sees a stalled child
MODELS_MAX: Final = 16
_WARM_TEXT: Final = "Ready."
_WARM_VOICE: Final = "en-us"


class Inbox:
    """Orders that wait, spoken work apart from heard work; what is to be spoken may be taken back.

    When a kind is full, put() waits: the bound is passed on to the pipe.
    """

    def __init__(self, capacity: int = ORDERS_WAITING_MAX) -> None:
        self._capacity = capacity
        self._changed = threading.Condition()
        self._to_speak: deque[wire.Speak] = deque()
        self._to_hear: deque[wire.Order] = deque()
        self._spoke_last = False
        self._closed = False

    def put(self, order: wire.Order) -> None:
        with self._changed:
            if isinstance(order, wire.Cancel):
                self._to_speak = deque(item for item in self._to_speak if item.request != order.request)
            elif isinstance(order, wire.Speak):
                self._changed.wait_for(lambda: len(self._to_speak) < self._capacity)
                self._to_speak.append(order)
            else:
                self._changed.wait_for(lambda: len(self._to_hear) < self._capacity)
                self._to_hear.append(order)
            self._changed.notify_all()

    def take(self) -> wire.Order | None:
        """Return the next order, alternating between the kinds; None after close()."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._to_speak or self._to_hear)
            if self._closed:
                return None
            speak = bool(self._to_speak) and not (self._spoke_last and self._to_hear)
            self._spoke_last = speak
            order = self._to_speak.popleft() if speak else self._to_hear.popleft()
            self._changed.notify_all()
            return order

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Engines:
    """Carries out orders; used by one thread only."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        self._espeak = Espeak()
        self._models: OrderedDict[str, PhraseModel] = OrderedDict()
        self._utterances: dict[int, Utterance] = {}
        # The first sentence costs forty milliseconds of table building.
        render(self._espeak, _WARM_TEXT, _WARM_VOICE)
        self._report(wire.Ready())

    def carry_out(self, order: wire.Order) -> None:
        match order:
            case wire.Speak():
                self._speak(order)
            case wire.Prepare():
                self._prepare(order)
            case wire.Begin() | wire.Feed() | wire.Finish() | wire.Drop():
                self._hear(order)
            case wire.Cancel():
                pass  # the inbox has taken it back; once rendered, its pieces are on their way

    def close(self) -> None:
        for model in self._models.values():
            model.close()

    def _speak(self, order: wire.Speak) -> None:
        try:
            rendered = render(self._espeak, order.text, order.voice)
        except EspeakFailed as error:
            self._report(wire.SpeakFailed(order.request, str(error)))
            return
        words = deque(rendered.words)
        ends = (*range(PIECE_BYTES, len(rendered.pcm), PIECE_BYTES), len(rendered.pcm))
        start = 0
        for end in ends:
            last = end == len(rendered.pcm)
            end_ms = end // 2 * 1000 // RATE_HZ
            begun: list[tuple[str, int, int]] = []
            while words and (last or words[0].start_ms < end_ms):
                word = words.popleft()
                begun.append((word.text, word.start_ms, word.end_ms))
            self._report(wire.SpokenPiece(order.request, rendered.pcm[start:end], tuple(begun), last))
            start = end

    def _prepare(self, order: wire.Prepare) -> None:
        model = self._models.get(order.model)
        if model is None:
            try:
                model = PhraseModel(order.phrases)
            except HearingImpossible as error:
                self._report(wire.PrepareFailed(order.model, str(error)))
                return
            self._models[order.model] = model
            if len(self._models) > MODELS_MAX:
                self._models.popitem(last=False)[1].close()
        self._models.move_to_end(order.model)
        self._report(wire.Prepared(order.model, model.unknown_words))

    def _hear(self, order: wire.Begin | wire.Feed | wire.Finish | wire.Drop) -> None:
        try:
            match order:
                case wire.Begin():
                    self._begin(order)
                case wire.Feed():
                    utterance = self._utterances.get(order.utterance)
                    text = utterance.feed(order.pcm) if utterance is not None else None
                    if text is not None:
                        self._report(wire.Partial(order.utterance, text))
                case wire.Finish():
                    self._finish(order)
                case wire.Drop():
                    utterance = self._utterances.pop(order.utterance, None)
                    if utterance is not None:
                        utterance.drop()
        except HearingImpossible as error:
            # Its decoder is not given back: whatever broke it stays with it.
            self._utterances.pop(order.utterance, None)
            self._report(wire.HearingFailed(order.utterance, str(error)))

    def _begin(self, order: wire.Begin) -> None:
        model = self._models.get(order.model)
        if model is None:
            raise HearingImpossible("the model of these phrases is not here")
        self._models.move_to_end(order.model)
        self._utterances[order.utterance] = Utterance(model, order.cepstral_mean)

    def _finish(self, order: wire.Finish) -> None:
        utterance = self._utterances.pop(order.utterance, None)
        if utterance is None:
            raise HearingImpossible("the utterance is not here")
        heard = utterance.finish()
        self._report(wire.Heard(order.utterance, heard.text, heard.words, heard.confidence, heard.cepstral_mean))

    def _report(self, report: wire.Report) -> None:
        self._output.write(worker_frames.encode(report))
        self._output.flush()


def read_orders(source: IO[bytes], inbox: Inbox) -> None:
    """Pass orders on until the input ends or is not ours."""
    try:
        for body in worker_frames.bodies(source):
            inbox.put(wire.decode_order(body))
    except worker_frames.Unreadable as error:
        sys.stderr.write(f'{{"level":"error","event":"speech.bad_order","cause":"{type(error).__name__}"}}\n')
    finally:
        inbox.close()


def main() -> None:
    """Serve until the input closes."""
    # Ctrl-C reaches the whole terminal; the parent decides when its calls, and so this process, are over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not write into the frames
    inbox = Inbox()
    reader = threading.Thread(target=read_orders, args=(sys.stdin.buffer, inbox), name="speech.reader", daemon=True)
    try:
        engines = Engines(output)
        reader.start()
        while (order := inbox.take()) is not None:
            engines.carry_out(order)
    except BrokenPipeError:
        pass
    # At once: neither library minds, and interpreter shutdown with a reading thread can hang.
    os._exit(0)


if __name__ == "__main__":
    main()
