"""What a trunk says about who calls: header names, hosts of certificates, files of authorities."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from trunkline.config.problems import Findings
from trunkline.config.tree import Path
from trunkline.config.trunks import Trunk

_HEADER = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")
_HOST_NAME = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


def check_identity(findings: Findings, path: Path, trunk: Trunk) -> None:
    """Where a trunk's word about callers is read, and whose signatures are believed."""
    if trunk.attestation_header is not None and _HEADER.fullmatch(trunk.attestation_header) is None:
        message = f"{trunk.attestation_header!r} is no name of a header"
        findings.error((*path, "attestation_header"), "bad_header", message, 'write "X-Attestation"')
    rule = trunk.identity
    if rule is None:
        return
    here: Path = (*path, "identity")
    for place, host in enumerate(rule.certificate_hosts):
        if _HOST_NAME.fullmatch(host) is None:
            hint = 'write "certificates.example.net", without https:// and path'
            findings.error((*here, "certificate_hosts", place), "bad_host", f"{host!r} is no host name", hint)
    for place, file in enumerate(rule.authorities):
        pure = PurePosixPath(file)
        if pure.is_absolute() or ".." in pure.parts or not file:
            hint = "name it from the folder of the configuration: sti-authorities.pem"
            findings.error((*here, "authorities", place), "bad_file", f"{file!r} is outside the configuration", hint)
    for field in ("certificate_hosts", "authorities"):
        if rule.verify and not getattr(rule, field):
            message = f"signatures cannot be checked without `{field}`"
            findings.error((*here, field), "missing", message, "name them, or leave `verify` out")
