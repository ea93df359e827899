"""How long people wait, pause and hesitate: the times by which turns are taken. Sans-I/O."""

from typing import Final

OPENING_WAIT_S: Final = 1.8  # people say hello within this; then the agent speaks first
RUNG_WAIT_S: Final = 0.4  # who rings us waits for our word; the line takes a moment to carry it
# After a long first utterance that tells nothing: a machine goes on, or beeps, within this. A person waits for us, and
# telemarketing rules want a word within two seconds of their greeting's end (47 CFR 64.1200(a)(7)), of which the end of
# their turn has taken some already.
UNCLEAR_WAIT_S: Final = 0.9
MENU_GAP_S: Final = 1.6  # a key that is pressed before the last choice was read out is seldom the right one
PIECE_GAP_S: Final = 0.9  # screeners and menus read out in pieces; whoever speaks between two of them is not heard
LONG_GREETING_MS: Final = 2_600  # people answer the phone in less
SILENCE_S: Final = 5.0
YIELD_S: Final = 0.7  # a voice that lasts this long over the agent's is no "uh-huh"
UNDECIDED_MAX_S: Final = 1.6
MESSAGE_HELD_MAX_S: Final = 8.0  # a voice over the message we leave: somebody picks up, or the machine goes on talking
PARTING_S: Final = 1.2  # who answers a goodbye has begun by then; at 0.9 we hung up on a first syllable
BEGINNING_S: Final = 0.1  # a sound has begun: by then it is a voice, or was nothing
CONCLUDED_S: Final = 2.0  # for the model to draw its conclusions from last words, while the line is open
LAST_WORDS_MAX_S: Final = 4.0
NOISE_MAX_MS: Final = 160  # shorter than any word that interrupts
ASSENT_MAX_MS: Final = 700
ASSENT_KNOWN_MAX_MS: Final = 1_000  # when the words are known; a recogniser may be behind by one or two
FRAGMENT_MAX_MS: Final = 500  # words that are no whole utterance, in so short a voice, were a nod that was misheard
NEARLY_SAID_MS: Final = 400
COLLIDED_MS: Final = 400  # of an answer, heard: two syllables, to which nobody nods; both began to speak at once
FAILURES_MAX: Final = 2  # of the recogniser, in a row
FRAGMENT_DOUBT_S: Final = 0.3  # for whoever began a sentence with such words to go on with it
DOUBT_S: Final = 0.12  # for the recogniser to say what a short sound was; then it is taken for assent
