"""One conversation: listen, think, speak.

Knows audio and words, not phones. Runs as one task that reads a bounded queue of signals; timers and the audio
plane only put signals there.
"""

import asyncio
from functools import partial
from typing import Final

from agent import report
from agent import signals as sig
from agent.answering import Answering
from agent.apology import SPEECH_AWAY
from agent.aside import Aside
from agent.ears import Ears
from agent.hearing_out import HearingOut
from agent.interruption import Found, Interruption
from agent.listening import Listening
from agent.llm.port import EventName
from agent.minutes import Minutes
from agent.opening import Opening, Say
from agent.overheard import Overheard
from agent.ports import Minds, Witness
from agent.reply import Reply, Waterfall
from agent.signal_queue import SignalQueue
from agent.speaking import think_ahead
from agent.timer import OneTimer
from agent.turn_taking import TurnTaking
from agent.turns import timing
from agent.turns.floor import Floor, Signal, move
from agent.turns.patience import Patience
from agent.turns.remedy import Remedy, remedy
from events import call as events
from media.activity.detector import VoiceEnded, VoicePaused, VoiceResumed, VoiceStarted
from media.room import Room

SIGNALS_MAX: Final = 200
SPOKEN_BY_OTHERS: Final = (Floor.CALLER, Floor.SUSPENDED, Floor.ASIDE)


class Conversation:
    """One call's conversation. `attach` gives it the room; `run` holds it until it is over."""

    def __init__(self, minds: Minds, witness: Witness) -> None:
        self._minds = minds
        self._signals: SignalQueue[sig.ConversationSignal] = SignalQueue(SIGNALS_MAX)
        self.put = self._signals.put  # from the audio plane, a timer or the call
        self._floor = Floor.OPENING
        self._minutes = Minutes(witness)
        self._memory = self._minutes.memory
        self._listening = Listening(minds.recognizer)
        self._taking = TurnTaking(self.put, minds.lists, minds.judge, minds.wait)
        self._patience = Patience(minds.prompts)
        self._answering = Answering(minds, self._minutes, self.put, self._taking.answering, self._opened)
        self._waterfall = Waterfall()  # of the answer to the utterance that ended last
        self._utterance_ms = 0  # first voiced sample of what the caller says now
        self._stopped_ms = 0  # when the agent's voice was stopped last
        self._timer = OneTimer(self.put)
        self._hearing_out = HearingOut(self._listening, minds.lists, lambda: self._room.now)
        beeped = partial(self.put, sig.MachineWaits())
        self._opening = Opening(minds.greetings, beeped, witness.on_answerer, rung=minds.rung)
        self._interruption = Interruption(minds.backchannels, self._opening, self._answering.making, minds.lists)
        self.overheard = Overheard(self._minutes, witness)
        self._aside = Aside(minds, self.overheard, self._listening, self.put)
        self._outcome: events.Outcome | None = None
        self._reason = ""  # of an outcome that is our fault
        self.ears = Ears(self._listening, self._taking, self._opening, self._stop_voice, lambda: self._room.now)
        self.on_audio, self.on_voice = self.ears.on_audio, self.ears.on_voice
        self.on_sent, self.on_playing = self._answering.on_sent, self._answering.on_playing
        self.on_played_out = self._answering.on_played_out
        self.hush = self._aside.hush  # while it is aside
        self._room: Room

    def attach(self, room: Room) -> None:
        self._room, self._voice = room, room.voice
        self._taking.attach(room)
        self._answering.attach(room)
        self._interruption.attach(room.voice)
        self._aside.attach(room)

    @property
    def _reply(self) -> Reply | None:
        return self._answering.reply

    async def run(self) -> sig.Result:
        """Hold the conversation to its end. Cancel it when the call must end at once; then call `close`."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._timer.set(sig.Timer.OPENING, self._opening.wait_s)
            result: sig.Result | None = None
            while result is None:
                result = await self._handle(await self._signals.get())
            await self._answering.making.abandon()
        self.close()
        return result

    def close(self) -> None:
        """Write down what was heard of an answer that is still being played. Nothing is said or taken in after it."""
        self._timer.stop()
        self._taking.stop()
        self._answering.making.cancel()
        if self._minds.ahead is not None:
            self._minds.ahead.forget()
        if self._floor is not Floor.OVER:
            self._stop_voice()
            self._floor = move(self._floor, Signal.END)
            self._commit_reply(cut_short=True)

    def _stop_voice(self) -> None:
        """Stop for good what is being said; what is still heard until then counts as heard."""
        if self._floor is Floor.SPEAKING:
            self._stopped_ms = self._room.now
            self._voice.pause()

    async def _handle(self, signal: sig.ConversationSignal) -> sig.Result | None:
        if self._floor is Floor.OVER:
            return None  # closed from outside, and about to be cancelled
        match signal:
            case sig.SteppedAside():
                await self._let_go()
            case sig.SteppedBack(told=told):
                await self._take_up(told)
            case sig.LineGone():
                return await self._last_words_heard(signal)
            case sig.TimeUp() if self._floor in SPOKEN_BY_OTHERS and not self._answering.time_up:
                self._answering.time_up = True  # whoever speaks may finish: the line stays open for some seconds
            case _ if self._floor is Floor.ASIDE:
                await self._aside.take(signal, self._tasks)
            case VoiceStarted():
                await self._voice_started(signal)
            case VoicePaused() if self._floor is Floor.SUSPENDED and self._listening.active:
                # A word of assent is over before its silence is long enough to end a turn: do not wait for that.
                doubt_s = self._interruption.doubt_s(signal.voiced_ms, self._listening.partial)
                if doubt_s is not None:
                    self._timer.set(sig.Timer.DOUBT, doubt_s)
            case VoiceResumed() if self._floor in (Floor.SPEAKING, Floor.SUSPENDED) and self._listening.active:
                self._voice_resumed()
            case VoiceEnded() if self._listening.active:
                return await self._voice_ended(signal)
            case sig.ProbableEnd() if self._floor is Floor.CALLER and self._listening.partial:
                think_ahead(self._memory.supposing(self._listening.partial), self._minds)
            case sig.Expired() if self._timer.is_current(signal):
                return await self._expired(signal.timer)
            case sig.PlayedOut(turn=turn) if self._reply is not None and turn == self._reply.turn:
                self._played_out(self._reply)
            case sig.ReplyMade(turn=turn, failed=failed) if self._reply is not None and turn == self._reply.turn:
                if failed:
                    self._minutes.established(self._reply)
                    return self._over(events.Outcome.SERVICE_FAILURE, failed)
                if not self._reply.opened:
                    self._played_out(self._reply)  # an answer without words
            case sig.DeadAir():
                return await self._break_silence()
            case sig.MachineWaits(by_carrier=by_carrier):
                if self._opening.machine_waits(by_carrier=by_carrier):
                    await self._answer(EventName.MESSAGE_BEEP)
            case sig.TimeUp() if self._floor not in (Floor.PARTING, Floor.LAST_WORDS):
                await self._answer(EventName.TIME_UP)
            case _:
                pass  # stale
        return None

    async def _break_silence(self) -> sig.Result | None:
        """Nobody must wait for what was lost. Timers, and an answer that is being made, have bounds of their own."""
        match remedy(self._floor, self._listening.active, self._answering.making.done, self._voice.paused):
            case Remedy.END_UTTERANCE:
                return await self._voice_ended(VoiceEnded(self._utterance_ms, self._room.now, self._room.now))
            case Remedy.ANSWER:
                await self._answer(None if self._memory.unanswered else EventName.NOT_UNDERSTOOD)
            case Remedy.SPEAK_ON if self._reply is not None:
                self._voice.resume(self._reply.word_start_ms(self._voice.heard_ms))
        return None

    # The caller's voice

    async def _voice_started(self, signal: VoiceStarted) -> None:
        if self._listening.active:
            return
        if self._floor is Floor.THINKING:
            await self._answering.discard()
        if self._floor is not Floor.CALLER:
            if self._floor is Floor.SPEAKING:
                self._voice.pause()  # no effect when it is paused already
            self._floor = move(self._floor, Signal.VOICE)
            self._utterance_ms = signal.first_voiced_ms
        match self._floor:
            case Floor.SUSPENDED:
                self._timer.set(sig.Timer.YIELD, timing.YIELD_S)
            case Floor.LAST_WORDS:
                self._timer.set(sig.Timer.LAST_WORDS, timing.LAST_WORDS_MAX_S)
            case _:
                self._timer.stop()
        self._listening.begin(self._room.now)

    def _voice_resumed(self) -> None:
        if self._floor is Floor.SPEAKING:
            self._voice.pause()  # no effect when it is paused already
            self._floor = move(self._floor, Signal.VOICE)
        self._timer.set(sig.Timer.YIELD, timing.YIELD_S)

    async def _voice_ended(self, signal: VoiceEnded) -> sig.Result | None:
        transcript, fall = await self._hearing_out.words(signal, self._tasks, self._begin_without_words)
        if self._floor is Floor.OVER:
            return None  # closed meanwhile
        if not self._answering.asked:
            if self._reply is not None and self._reply.opened:  # a stock phrase of it is heard
                await self._after_utterance(transcript.text, signal)
                return None
            await self._answering.discard()
        if self._floor is Floor.SPEAKING:
            # Taken for assent, and spoken on.
            if self._interruption.is_noise(signal, transcript.text):
                return None
            self._stopped_ms = self._room.now
            self._voice.pause()
            self._floor = move(self._floor, Signal.VOICE)
        if self._floor is Floor.SUSPENDED:
            assert self._reply is not None
            if not self._interruption.takes_floor(signal, transcript.text):
                self._resume(self._reply)
                return None
            self._yield_floor(self._reply)
        self._waterfall = fall
        if transcript.text:
            self._minutes.caller_said(transcript.text, signal)
        if self._floor in (Floor.LAST_WORDS, Floor.PARTING):
            self._outcome, self._reason = await self._minutes.parted(self._outcome, self._reason, self._minds)
            return self._over(self._outcome or events.Outcome.HUNG_UP, self._reason)
        if not self._room.voice_now:  # else they went on meanwhile: VoiceStarted is in the queue
            await self._after_utterance(transcript.text, signal)
        return None

    async def _begin_without_words(self, fall: Waterfall, signal: VoiceEnded) -> None:
        """The recogniser is late: an answer begins all the same, with a stock phrase, unless it may have been a nod."""
        if self._room.voice_now or not self._opening.hears_person(signal.voiced_ms, self._memory):
            return
        if self._floor is Floor.SUSPENDED and self._reply is not None:
            if self._interruption.takes_floor(signal, self._listening.partial):
                self._yield_floor(self._reply)
            else:
                self._resume(self._reply)
        if self._floor is Floor.CALLER and await self._clear_for_answer():
            self._answering.start_ahead(self._tasks, fall)

    async def _after_utterance(self, text: str, signal: VoiceEnded) -> None:
        self._patience.renew()
        due = self._opening.after(text, signal.voiced_ms, self._memory)
        event = due.event if isinstance(due, Say) else None
        failed = SPEECH_AWAY if self._listening.failures >= timing.FAILURES_MAX else ""
        if not self._answering.asked:
            self._answering.ask(text, signal, event, failed)
        elif failed or isinstance(due, Say):
            await self._answer(event, failed)
        elif self._reply is None:  # else a message is being made: the beep came before these words were known
            self._floor = move(self._floor, Signal.HUSHED)
            self._timer.set(sig.Timer.OPENING, due.seconds)

    def _resume(self, reply: Reply) -> None:
        self._timer.stop()
        self._floor = move(self._floor, Signal.RESUMED)
        self._voice.resume(reply.word_start_ms(self._voice.heard_ms))
        if self._answering.time_up:
            self.put(sig.TimeUp())

    def _yield_floor(self, reply: Reply) -> None:
        """What the caller says is an interruption: the rest of the answer is never said."""
        self._floor = move(self._floor, Signal.INTERRUPTED)
        self._timer.stop()
        if not self._interruption.nearly_said:
            self._minutes.interrupted(reply, self._utterance_ms, self._stopped_ms)
        self._commit_reply(cut_short=True)
        self._answering.making.cancel()

    async def _last_words_heard(self, signal: sig.LineGone) -> sig.Result:
        """Take in what the caller said last ("take me off your list" and a click): no answer, but its facts."""
        await self._answering.discard()
        if self._floor is Floor.ASIDE:
            self._aside.recall(self._memory)
        self._stopped_ms = self._room.now
        decided = self._outcome or report.decided_outcome(self._reply)
        self._commit_reply(cut_short=True)  # what they answer to comes before what they say
        if self._listening.active:
            text = (await self._listening.finish()).text
            if not self._interruption.is_assent(text):
                self._minutes.caller_said(text, VoiceEnded(self._utterance_ms, self._room.now, self._room.now))
        decided = self._aside.named(decided or await self._minutes.conclude(self._minds))
        return self._over(decided or signal.outcome, "" if decided else signal.reason)

    # A person beside the agent

    def step_aside(self) -> None:
        """A person takes the word, or the caller is put on hold: the agent's voice stops here and now."""
        self._aside.asked += 1
        self._stop_voice()
        self._answering.making.cancel()
        self.put(sig.SteppedAside())

    async def _let_go(self) -> None:
        """The agent's voice has been stopped: what was heard of it is remembered, what was being made is not."""
        await self._answering.discard()
        if self._floor in (Floor.OVER, Floor.ASIDE):
            return
        self._let_go_of_reply(Signal.STEP_ASIDE)
        self._aside.begin(self._memory.take_unanswered(), self._utterance_ms)

    async def _take_up(self, told: str) -> None:
        """The agent has the word again, or for the first time, and knows what was said."""
        self._aside.asked -= 1
        if self._floor is not Floor.ASIDE:
            return  # flooded: it never knew
        self._memory.note(await self._aside.end(told, introduced=(known := self._memory.agent_has_spoken)))
        if self._floor is not Floor.ASIDE or self._aside.asked:
            return
        self._patience.renew()
        if known:
            self._opening.settled()
        if self._listening.active:  # the caller is at it: they are heard out first
            self._floor = move(self._floor, Signal.VOICE)
            self._utterance_ms = self._aside.began_ms
        else:
            await self._answer(EventName.HANDED_BACK if known else EventName.ANSWERED)

    # The agent's answer

    async def _answer(self, event: EventName | None, failed: str = "") -> None:
        """Start making an answer to what was said, or to `event`; `failed`: why there can be none but an apology."""
        if await self._clear_for_answer():
            fall, self._waterfall = self._waterfall, Waterfall()
            self._answering.start(self._tasks, event, fall, failed)

    async def _clear_for_answer(self) -> bool:
        """Stop what was being said or made; False when the agent may not speak: it is aside, or the call is over."""
        await self._answering.discard()
        free = self._floor is not Floor.OVER and not self._aside.asked
        if free:
            self._stop_voice()
            self._let_go_of_reply(Signal.REPLY)
        return free

    def _let_go_of_reply(self, signal: Signal) -> None:
        self._commit_reply(cut_short=True)
        self._floor = move(self._floor, signal)
        self._timer.stop()

    def _opened(self) -> None:
        """The first of the answer goes to the line."""
        self._floor = move(self._floor, Signal.HEARD)

    def _played_out(self, reply: Reply) -> None:
        self._memory.answer_heard()
        self._outcome, self._reason = report.decided_outcome(reply) or self._patience.outcome, reply.failed
        if not reply.opened:
            self._minutes.established(reply)
        self._commit_reply(cut_short=False)
        if self._outcome is not None:
            self._floor = move(self._floor, Signal.PARTED)
            self._timer.set(sig.Timer.PARTING, 0.0 if self._opening.leaving_message else timing.PARTING_S)
        else:
            self._floor = move(self._floor, Signal.PLAYED_OUT)
            self._timer.set(sig.Timer.SILENCE, self._opening.silence_s)

    def _commit_reply(self, *, cut_short: bool) -> None:
        self._answering.commit(cut_at_ms=self._stopped_ms if cut_short else None)

    # Time

    async def _expired(self, timer: sig.Timer) -> sig.Result | None:
        match timer:
            case sig.Timer.OPENING:
                await self._answer(self._opening.expired().event)
            case sig.Timer.SILENCE:
                due = self._opening.unanswered()
                await self._answer(due.event if due is not None else self._patience.tried())
            case sig.Timer.DOUBT | sig.Timer.YIELD | sig.Timer.UNDECIDED:
                self._decide(self._interruption.after(timer, self._listening.partial))
            case sig.Timer.LAST_WORDS:  # they are at it still
                return await self._last_words_heard(sig.LineGone(self._outcome or events.Outcome.HUNG_UP, self._reason))
            case sig.Timer.PARTING if self._room.voice_begins:
                self._timer.set(sig.Timer.PARTING, timing.BEGINNING_S)
            case sig.Timer.PARTING:
                return self._over(self._outcome or events.Outcome.HUNG_UP, self._reason)
        return None

    def _decide(self, found: Found | float | None) -> None:
        """What is over the agent's voice has lasted for so long, or has fallen silent."""
        assert self._reply is not None
        if found is Found.NOD:
            self._resume(self._reply)
        elif found is Found.INTERRUPTION:
            self._yield_floor(self._reply)
        elif found is not None:
            self._timer.set(sig.Timer.UNDECIDED, found)

    def _over(self, outcome: events.Outcome, reason: str = "") -> sig.Result:
        self._timer.stop()
        self._floor = move(self._floor, Signal.END)
        self._commit_reply(cut_short=True)
        return sig.Result(outcome, reason)
