"""One lead in a JSON file: the body of a post, or only its fields."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from trunkline.worker.batch.leads import BODY_BYTES_MAX
from trunkline.worker.batch.rows import BadFile
from trunkline.worker.batch.source import SourceFile

ROW: Final = 1
_BODY: Final = frozenset({"campaign", "fields", "source", "consent", "test"})


def is_json(source: SourceFile) -> bool:
    """Whether the file is one lead in JSON: no header of a table begins with a brace."""
    return source.kind == "text" and source.look.head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def lead_of(source: SourceFile, campaign: str | None, *, test: bool = False) -> dict[str, Any]:
    """The body of the post. `campaign` is that of the command line. Raises BadFile."""
    if source.look.size > BODY_BYTES_MAX:
        raise BadFile(f"{source.path} has more than {BODY_BYTES_MAX} bytes, which no lead has")
    source.stream.seek(0)
    try:
        document = msgspec.json.decode(source.stream.read().removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFile(f"{source.path} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadFile(f"{source.path} holds no lead", hint='write {"fields": {"phone": "…"}}, or only the fields')
    body = document if isinstance(document.get("fields"), dict) else {"fields": document}
    if body is document and (unknown := body.keys() - _BODY):
        raise BadFile(f"{source.path}: {', '.join(sorted(unknown))}: a lead has {', '.join(sorted(_BODY))}")
    named = body.get("campaign", campaign)
    if named is None or (campaign is not None and named != campaign):
        raise BadFile(
            f"{source.path} is for the campaign {named!r}" if named else f"{source.path} names no campaign",
            hint="say it with --campaign KEY; where both say it, they must agree",
        )
    return {**body, "campaign": named, **({"test": True} if test else {})}
