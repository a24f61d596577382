"""Data: whatever happens in A, by any chain over all dimensions, is B's data read or altered?

Source: contract, section 2. A chain that ends in access to B ends in its data too. A shared volume is B's data; a
credential that opens both opens it; an open connection leaves it to what answers, which no snapshot shows.
"""

from collections.abc import Iterator

from ringfence.prove.facts.territory import Territory
from ringfence.prove.proof import Answer, Verdict
from ringfence.prove.verdicts.storage import storage_verdict
from ringfence.prove.verdicts.world import ProofWorld


def data_verdict(
    world: ProofWorld, a: Territory, b: Territory, missing: list[str], others: tuple[Verdict, Verdict, Verdict]
) -> Verdict:
    """The verdict on B's data; ``others`` are the verdicts on access, credentials and network."""
    access, credentials, network = others
    storage = storage_verdict(world, a, b)
    broken = [verdict for verdict in (access, storage) if verdict.answer is Answer.BROKEN]
    if credentials.answer is Answer.BROKEN and _opens_data(credentials, network):
        broken.append(credentials)
    if broken:
        return min(broken, key=lambda verdict: len(verdict.witness))
    missing = [*missing, *_missing(access, credentials, network, storage)]
    if missing:
        return Verdict(Answer.UNKNOWN, missing=tuple(dict.fromkeys(missing)))
    return Verdict(Answer.HOLDS)


def _opens_data(credentials: Verdict, network: Verdict) -> bool:
    """A registry login, token or cloud identity opens by itself; a password needs a way to what it opens."""
    text = credentials.witness[0].step if credentials.witness else ""
    return " is the value in " not in text or network.answer is Answer.BROKEN


def _missing(access: Verdict, credentials: Verdict, network: Verdict, storage: Verdict) -> Iterator[str]:
    yield from access.missing
    yield from storage.missing
    if credentials.answer is Answer.BROKEN:
        yield "what the shared value opens, and from where"
    if network.answer is Answer.BROKEN:
        yield "whether what answers the open connection asks for a credential that A does not have"
    elif network.answer is Answer.UNKNOWN:
        yield from network.missing
    if credentials.answer is Answer.UNKNOWN:
        yield from credentials.missing
