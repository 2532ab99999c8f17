"""Licences: which identifiers are known, and what they forbid.

Known are the identifiers of SPDX (as the library `packaging` has them) and those that the Hugging
Face Hub knows besides (https://huggingface.co/docs/hub/repositories-licenses).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HUB_NAMES = """
    afl-3.0 agpl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m
    bigscience-bloom-rail-1.0 bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear
    bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0
    cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0
    cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0
    creativeml-openrail-m deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2
    fair-noncommercial-research-license gemma gfdl gpl gpl-2.0 gpl-3.0 h-research intel-research isc
    lgpl lgpl-2.1 lgpl-3.0 lgpl-lr llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 lppl-1.3c mit
    mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 openmdw-1.0 openrail openrail++ osl-3.0 pddl postgresql
    unlicense wtfpl zlib
"""
KNOWN_TO_THE_HUB = tuple(_HUB_NAMES.split())
"""The identifiers that a dataset card on the Hub may name."""

SILENT = frozenset({"unknown", "other", "none", "n/a", "na", "unspecified", "not specified"})
"""What is written where no licence is named."""

_FOR_RESEARCH = frozenset(
    {"apple-amlr", "deepfloyd-if-license", "fair-noncommercial-research-license", "h-research",
     "intel-research"}
)  # fmt: skip
_CREATIVE_COMMONS = re.compile(r"creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)")
_PUBLIC_DOMAIN = re.compile(r"creativecommons\.org/publicdomain/zero/(\d\.\d)")
_EXPRESSION = re.compile(r"[a-z0-9.+() -]{1,120}")
_NON_COMMERCIAL = re.compile(r"(?:^|-)(?:nc|noncommercial)(?:-|$)")


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence that is known.

    Attributes:
        identifier: in small letters; for an expression such as ``mit or apache-2.0`` all of it.
        forbids_commerce: whether it forbids commercial use.
    """

    identifier: str
    forbids_commerce: bool


def find_licence(text: str) -> Licence | None:
    """Return the licence that a text names; None where it names none that is known.

    Case makes no difference, nor whether words are parted by hyphens, underscores or spaces; an
    address of Creative Commons is understood, too.

    Example:
        >>> find_licence("CC BY-NC 4.0")
        Licence(identifier='cc-by-nc-4.0', forbids_commerce=True)
        >>> find_licence("free for all") is None
        True
    """
    identifier = _identifier(text)
    if not _is_known(identifier):
        # Spaces may also part the words of one identifier.
        identifier = re.sub(r"[\s_]+", "-", identifier)
        if not _is_known(identifier):
            return None
    parts = re.split(r"\s+(?:or|and|with)\s+|[()\s]+", identifier)
    forbidding = [part for part in parts if part and _forbids_commerce(part)]
    allows_choice = " or " in identifier and len(forbidding) < len([part for part in parts if part])
    return Licence(identifier, bool(forbidding) and not allows_choice)


def _identifier(text: str) -> str:
    lowered = " ".join(text.strip().lower().split())
    if found := _CREATIVE_COMMONS.search(lowered):
        return f"cc-{found[1]}-{found[2]}"
    if found := _PUBLIC_DOMAIN.search(lowered):
        return f"cc0-{found[1]}"
    return lowered


def _is_known(identifier: str) -> bool:
    if identifier in KNOWN_TO_THE_HUB:
        return True
    if not _EXPRESSION.fullmatch(identifier):
        return False
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        canonicalize_license_expression(identifier)
    except InvalidLicenseExpression:
        return False
    return True


def _forbids_commerce(identifier: str) -> bool:
    return identifier in _FOR_RESEARCH or bool(_NON_COMMERCIAL.search(identifier))
