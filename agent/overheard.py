"""What is said in a call but not to the agent in its turn: by colleagues, to colleagues, and by supervisors to it."""

from agent import report
from agent.account import beside, instruction
from agent.minutes import Minutes
from agent.ports import Witness
from events.call import AgentInstructed, MessageTaken, Speaker
from media.activity.detector import VoiceEnded


class Overheard:
    """One call's: takes it down as turns, and for the model where it has to know with its next answer."""

    def __init__(self, minutes: Minutes, witness: Witness) -> None:
        self._minutes = minutes
        self._witness = witness

    def caller_said(self, text: str, voice: VoiceEnded) -> None:
        """The caller has said something to somebody else."""
        self._witness.emit(report.caller_turn(self._minutes.new_turn(), text, voice))

    def person_said(self, text: str, voice: VoiceEnded, speaker: Speaker = Speaker.REP) -> None:
        """A colleague has said something to the caller."""
        self._witness.emit(report.person_turn(self._minutes.new_turn(), text, voice, speaker))

    def beside(self, name: str, text: str, voice: VoiceEnded) -> None:
        """The same while the agent has the word."""
        self.person_said(text, voice)
        self._minutes.memory.note(beside(name, text))

    def phrase_said(self, phrase: str, heard: str, began_ms: int, length_ms: int) -> None:
        """The agent has said a phrase that is no answer to anybody, or as much of it as was `heard`."""
        self._witness.emit(report.phrase_turn(self._minutes.new_turn(), phrase, heard, began_ms, length_ms))

    def disclosed(self, at_ms: int) -> None:
        """The caller has heard that they are recorded."""
        self._witness.on_disclosed(at_ms)

    def message_taken(self, began_ms: int, ended_ms: int) -> None:
        """The caller has left a message."""
        self._witness.emit(MessageTaken(began_ms, ended_ms))

    def instructed(self, text: str, by: str, *, spoken: bool = False) -> None:
        """A supervisor, `by` name, tells the agent something that the caller never hears."""
        self._minutes.memory.note(instruction(text))
        self._witness.emit(AgentInstructed(text, by, spoken))
