"""Every prompt of a configuration, made ready ahead of the calls that play it."""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.config.flows import Collect, FlowNode, HoldQueue, Language, Menu, Play, Prompt, Voicemail, YesNo
from trunkline.config.schema import AccountConfig, Recording, Snapshot
from trunkline.engine.calls.context import DEFAULT_ANNOUNCEMENT
from trunkline.engine.calls.queueing import queue_sounds
from trunkline.engine.calls.selling import PRESS_PROMPT
from trunkline.kernel.errors import TrunklineError
from trunkline.media.port import Prompt as Sound
from trunkline.media.prompts import PromptStore


def prepare_sounds(snapshot: Snapshot, store: PromptStore) -> tuple[dict[Prompt, Sound], list[str]]:
    """Render or convert every prompt of the configuration ahead of the calls that play it.

    Also gives a sentence for each prompt that could not be prepared; its calls go on without it.
    """
    sounds: dict[Prompt, Sound] = {}
    problems: list[str] = []
    for prompt in dict.fromkeys(_prompts(snapshot)):
        try:
            sounds[prompt] = _prepared(prompt, store)
        except TrunklineError as error:
            problems.append(f"{prompt.say or prompt.file}: {error.message}")
    return sounds, problems


def _prepared(prompt: Prompt, store: PromptStore) -> Sound:
    if prompt.file is not None:
        return store.prepare(prompt.file)
    return store.prepare_say(prompt.say or "", prompt.lang or "en")


def _prompts(snapshot: Snapshot) -> Iterator[Prompt]:
    yield Prompt(say=DEFAULT_ANNOUNCEMENT)
    yield Prompt(say=PRESS_PROMPT)
    for config in snapshot.accounts:
        yield from _account_prompts(config)


def _account_prompts(config: AccountConfig) -> Iterator[Prompt]:
    for flow in config.flows:
        for node in flow.nodes.values():
            yield from _node_prompts(node)
    for plan in config.plans:
        words = plan.no_buyer
        if words is not None and (words.say is not None or words.file is not None):
            yield Prompt(say=words.say, file=words.file, lang=words.lang)
        for tier in plan.tiers:
            for route in tier.routes:
                yield from _spoken(route.whisper)
                yield from _announcement(route.recording)
    for campaign in config.campaigns:
        yield from _announcement(campaign.recording)
        if campaign.ringback is not None:
            yield campaign.ringback
        if campaign.hold_music is not None:
            yield campaign.hold_music
    for target in config.targets:
        yield from _spoken(target.whisper)
        if target.whisper_file is not None:
            yield Prompt(file=target.whisper_file)
        yield from _announcement(target.recording)
    for buyer in config.buyers:
        yield from _spoken(buyer.whisper)
        yield from _announcement(buyer.recording)
    yield from _announcement(config.account.recording)


def _node_prompts(node: FlowNode) -> Iterator[Prompt]:
    if isinstance(node, Play | Menu | Collect | YesNo | Language | HoldQueue | Voicemail):
        yield from node.prompts
    if isinstance(node, HoldQueue):
        yield from queue_sounds(node)
    if isinstance(node, Menu | Collect):
        yield from node.invalid


def _spoken(text: str | None) -> Iterator[Prompt]:
    if text is not None:
        yield Prompt(say=text)


def _announcement(rule: Recording | None) -> Iterator[Prompt]:
    if rule is None:
        return
    if rule.announce_file is not None:
        yield Prompt(file=rule.announce_file, lang=rule.lang)
    elif rule.announce is not None or rule.lang is not None:
        yield Prompt(say=rule.announce or DEFAULT_ANNOUNCEMENT, lang=rule.lang)
