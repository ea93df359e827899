"""What people do with prompts: write them, add versions, put one in force, compare some, go back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from crm.identity.tokens import Identity
from crm.prompts.book import PromptNotFound, VersionNotFound
from crm.prompts.model import Prompt, PromptActivation, PromptVersion
from crm.prompts.store import Lock, PromptStore
from crm.prompts.template import faults_of
from crm.prompts.versions import FIRST, BadShares, BadVersion, Version, parse_version, read_shares
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id


class BadField(Refusal):
    """A value that cannot be saved, in the form in which the framework tells of others."""

    def __init__(self, field: str, *faults: str) -> None:
        super().__init__("invalid_request", {"fields": [{"field": f"body.{field}", "fault": text} for text in faults]})


class NothingToGoBackTo(Refusal):
    def __init__(self, active: str) -> None:
        super().__init__("no_previous_version", {"active": active})


@dataclass(frozen=True, slots=True)
class Draft:
    """A version that is to be."""

    template: str
    variables: Mapping[str, str]
    note: str = ""


@dataclass(frozen=True, slots=True)
class PromptRead:
    prompt: Prompt
    versions: Sequence[PromptVersion]


async def list_prompts(unit: UnitOfWork) -> Sequence[Prompt]:
    async with unit:
        return await PromptStore(unit).all()


async def read_prompt(slug: str, unit: UnitOfWork) -> PromptRead:
    """Raises PromptNotFound."""
    async with unit:
        store = PromptStore(unit)
        prompt = await store.by_slug(slug)
        if prompt is None:
            raise PromptNotFound(slug)
        return PromptRead(prompt, await store.versions(prompt.id))


async def write_prompt(slug: str, description: str, draft: Draft, person: Identity, unit: UnitOfWork) -> PromptRead:
    """Make a prompt with its first version in force.

    Raises:
        BadField: the text names a variable that no call knows.
        Refusal: `prompt_exists`.
    """
    _check(draft)
    async with unit:
        prompt_id, activation_id = new_id(), new_id()
        prompt = Prompt(
            org_id=unit.org_id,
            id=prompt_id,
            slug=slug,
            description=description,
            active=str(FIRST),
            activation_id=activation_id,
            shares={},
        )
        unit.session.add(prompt)
        try:
            await unit.session.flush()
        except IntegrityError:
            raise Refusal("prompt_exists", {"prompt": slug}) from None
        version = _version(prompt, FIRST, draft, person)
        activation = PromptActivation(
            org_id=unit.org_id,
            id=activation_id,
            prompt_id=prompt_id,
            version=str(FIRST),
            kind="activation",
            by=person.user_id,
        )
        unit.session.add_all([version, activation])
        await unit.commit()
        return PromptRead(prompt, [version])


async def add_version(
    slug: str, draft: Draft, person: Identity, unit: UnitOfWork, *, major: bool, activate: bool
) -> tuple[Prompt, PromptVersion]:
    """Add a version, and put it in force if so asked.

    Raises:
        PromptNotFound, BadField
    """
    _check(draft)
    async with unit:
        store = PromptStore(unit)
        prompt = await _locked(slug, store)
        newest = await store.newest(prompt.id)
        version = _version(prompt, newest.number.next(major=major), draft, person)
        unit.session.add(version)
        if activate:
            await _put_in_force(prompt, version.number, person, unit)
        await unit.commit()
        return prompt, version


async def activate_version(slug: str, number: str, person: Identity, unit: UnitOfWork) -> Prompt:
    """Put a version in force; a comparison that runs ends.

    Raises:
        PromptNotFound, VersionNotFound, BadField
    """
    try:
        wanted = parse_version(number)
    except BadVersion as error:
        raise BadField("version", str(error)) from None
    async with unit:
        store = PromptStore(unit)
        prompt = await _locked(slug, store)
        if await store.version(prompt.id, wanted) is None:
            raise VersionNotFound(number)
        await _put_in_force(prompt, wanted, person, unit)
        await unit.commit()
        return prompt


async def roll_back(slug: str, person: Identity, unit: UnitOfWork) -> Prompt:
    """Put back what was in force before. While a comparison runs, that is the active version for all calls.

    Raises:
        PromptNotFound, NothingToGoBackTo
    """
    async with unit:
        store = PromptStore(unit)
        prompt = await _locked(slug, store)
        if prompt.shares:
            prompt.shares = {}
        else:
            current = await store.activation(prompt.activation_id)
            if current.previous_id is None:
                raise NothingToGoBackTo(prompt.active)
            before = await store.activation(current.previous_id)
            # Its own predecessor stays where it leads, so that going back again goes further back.
            _enact(prompt, before.version, before.previous_id, "rollback", person, unit)
        await unit.commit()
        return prompt


async def compare_versions(slug: str, shares: Mapping[str, int], unit: UnitOfWork) -> Prompt:
    """Let calls have versions by shares in percent; the active version stays what a roll-back leads to.

    Raises:
        PromptNotFound, VersionNotFound, BadField
    """
    try:
        wanted = read_shares(shares)
    except BadShares as error:
        raise BadField("shares", str(error)) from None
    async with unit:
        store = PromptStore(unit)
        prompt = await _locked(slug, store)
        for number, _ in wanted:
            if await store.version(prompt.id, number) is None:
                raise VersionNotFound(str(number))
        prompt.shares = {str(number): share for number, share in wanted}
        await unit.commit()
        return prompt


async def _locked(slug: str, store: PromptStore) -> Prompt:
    prompt = await store.by_slug(slug, Lock.CHANGE)
    if prompt is None:
        raise PromptNotFound(slug)
    return prompt


async def _put_in_force(prompt: Prompt, number: Version, person: Identity, unit: UnitOfWork) -> None:
    prompt.shares = {}
    if prompt.active != str(number):
        _enact(prompt, str(number), prompt.activation_id, "activation", person, unit)


def _enact(
    prompt: Prompt, version: str, previous: object, kind: str, person: Identity, unit: UnitOfWork
) -> PromptActivation:
    activation = PromptActivation(
        org_id=prompt.org_id,
        id=new_id(),
        prompt_id=prompt.id,
        version=version,
        previous_id=previous,
        kind=kind,
        by=person.user_id,
    )
    unit.session.add(activation)
    prompt.active, prompt.activation_id = version, activation.id
    return activation


def _version(prompt: Prompt, number: Version, draft: Draft, person: Identity) -> PromptVersion:
    return PromptVersion(
        org_id=prompt.org_id,
        prompt_id=prompt.id,
        major=number.major,
        minor=number.minor,
        template=draft.template,
        variables=dict(draft.variables),
        note=draft.note,
        created_by=person.user_id,
    )


def _check(draft: Draft) -> None:
    faults = faults_of(draft.template, draft.variables)
    if faults:
        raise BadField("template", *faults)
