"""A ticket: the request as a signed document for people, and the words to answer it with. Pure.

The answer names the digest of the request, so that an answer to an older request is not taken for one to this.
"""

import json
from typing import Any

from ringfence.evidence.codec import encode
from ringfence.evidence.event import canonical
from ringfence.evidence.signing import Signer, seal
from ringfence.order.state import Order

TICKET_TYPE = "application/vnd.ringfence.environment-order+json"


def ticket(landscape: str, order: Order, signer: Signer) -> bytes:
    """The order as a signed envelope, with a sketch of the answer in it."""
    payload: dict[str, Any] = {
        "apiVersion": "ringfence.dev/v1",
        "kind": "OrderTicket",
        "landscape": landscape,
        "order": order.identifier,
        "request": order.request.digest,
        "asked": encode(order.request),
        "answer": {
            "apiVersion": "ringfence.dev/v1",
            "kind": "OrderAnswer",
            "spec": {
                "order": order.identifier,
                "request": order.request.digest,
                "delivered": {"environment": order.request.environment},
            },
        },
    }
    return canonical(seal(canonical(payload), TICKET_TYPE, signer)) + b"\n"


def readable(landscape: str, order: Order) -> str:
    """The order as text for a service desk."""
    request = order.request
    lines = [
        f"Order {order.identifier}: an Environment for {landscape}",
        "",
        f"Name:          {request.environment}",
        f"Designation:   {request.designation}",
        f"Purpose:       {request.purpose}",
        f"Wanted by:     {request.by.isoformat()}",
        f"Paid by:       {request.paid_by}",
        f"May be used by {', '.join(request.users)}",
        f"Regulations:   {', '.join(request.regulations) or 'none'}",
        f"Regions:       {', '.join(request.regions) or 'any'}",
        "",
        "Clusters:",
        *(
            f"  {cluster.name} ({cluster.role}): "
            + (", ".join(f"{pool.name} with {pool.nodes} nodes" for pool in cluster.pools) or "no pools")
            for cluster in request.clusters
        ),
        "",
        "Nothing of it may be shared with any other Environment. Answer with this document, completed:",
        "",
        json.dumps(
            {
                "apiVersion": "ringfence.dev/v1",
                "kind": "OrderAnswer",
                "spec": {
                    "order": order.identifier,
                    "request": request.digest,
                    "delivered": {"environment": request.environment},
                },
            },
            indent=2,
        ),
    ]
    return "\n".join(lines) + "\n"
