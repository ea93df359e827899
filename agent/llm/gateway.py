"""The gateway: many providers behind the port of one. It asks the first, and does not wait for it longer than a
caller would.

Late with its first token, a provider gets a rival: the faster one speaks, the slower one is left and its tokens
counted. Failed, at any point, the next one takes over: before a word was handed on it answers anew, in mid-answer it
goes on behind the words that were (`agent.llm.seam`). Whoever failed in this answer is asked again for it only when
nobody is left, and once; providers that fail again and again are not asked at all for a while (`agent.llm.breaker`).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace

from agent.llm.attempt import Route
from agent.llm.port import Delta, Failure, Late, ModelUnavailable, Request, Text, ToolCall
from agent.llm.race import Patience, Race
from agent.llm.seam import Seam
from agent.llm.supposition import Supposition
from agent.llm.usage import Fate, ModelCall


class Gateway:
    """Implements `agent.llm.port.Model` for one call; `tasks` belongs to whoever opened it, and outlives answers.

    `is_off`: the operator's switch. Answers that have begun are finished; new ones are the script's, or refused.
    `on_call`: told what each request took, of the losers too.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        tasks: asyncio.TaskGroup,
        on_call: Callable[[ModelCall], None],
        is_off: Callable[[], bool] = lambda: False,
        patience: Patience | None = None,
    ) -> None:
        if not routes:
            raise ValueError("at least one provider is needed")
        self._routes = tuple(routes)
        self._tasks = tasks
        self._on_call = on_call
        self._is_off = is_off
        self._patience = patience or Patience()
        self._supposed: Supposition | None = None

    def suppose(self, request: Request) -> None:
        """Begin to answer what will probably be asked. `reply` goes on with it when it is the same question; when it
        is another, or `forget` is called, it is left, and what it took is told as thrown away.
        """
        if self._supposed is not None and self._supposed.answers(request):
            return
        self.forget()
        if self._is_off() or self._routes[0].is_script:
            return  # a script answers at once when it is asked
        race = Race(self._routes, self._tasks, self._on_call, self._patience)
        if race.begin_ahead(request):
            self._supposed = Supposition(request, race)

    def forget(self) -> None:
        supposed, self._supposed = self._supposed, None
        if supposed is not None:
            supposed.race.leave(Fate.THROWN_AWAY)

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Stream one answer, by however many providers. Usage is in the records, not in the stream.

        Raises:
            ModelUnavailable: switched off, or every provider that may be asked has failed.
        """
        race = self._race(request)
        seam = Seam(request.said)
        called = list(request.called)
        try:
            while True:
                asked = replace(request, said=seam.said, called=tuple(called))
                speaker = await race.winner(asked)
                if speaker is None:
                    yield Late()
                    continue
                try:
                    while (delta := await race.next(speaker)) is not None:
                        if isinstance(delta, Text):
                            text = seam.push(delta.text)
                            if text:
                                yield Text(text)
                            continue
                        if isinstance(delta, Late):
                            yield delta
                            continue
                        # Words come before what is done at their end.
                        if rest := seam.flush():
                            yield Text(rest)
                        if not isinstance(delta, ToolCall):
                            yield delta
                        elif not _was_called(delta, called):
                            called.append(delta)
                            yield delta
                except ModelUnavailable:
                    seam.join()
                    continue
                if rest := seam.flush():
                    yield Text(rest)
                return
        finally:
            race.leave()

    def _race(self, request: Request) -> Race:
        """Return the race for that answer, begun when it was supposed. Raises ModelUnavailable."""
        if self._supposed is not None and self._supposed.answers(request):
            race, self._supposed = self._supposed.race, None
            race.want()
            return race
        self.forget()
        routes = self._routes
        if self._is_off():
            routes = tuple(route for route in routes if route.is_script)
            if not routes:
                raise ModelUnavailable("models are switched off", Failure.SWITCHED_OFF)
        return Race(routes, self._tasks, self._on_call, self._patience)


def _was_called(call: ToolCall, called: Sequence[ToolCall]) -> bool:
    """A model that goes on in another's place may ask for the same once more; ids are each vendor's own."""
    return any(call.name == other.name and call.arguments == other.arguments for other in called)
