"""Numbers from Prometheus: one, or none with the reason; never a guess."""

from __future__ import annotations

import httpx

from tradewire.app.promoting.gates import GateResult, PromotionGate, PromotionStage, judged

ANSWER_SECONDS = 30.0


async def measured(
    url: str, gates: tuple[PromotionGate, ...], stage: PromotionStage, revision: str
) -> list[GateResult]:
    """Every gate that has a query, judged by what the server at ``url`` knows of a revision in a stage."""
    async with httpx.AsyncClient(base_url=url, timeout=ANSWER_SECONDS) as client:
        return [judged(gate, *await _number(client, gate.asked(stage, revision))) for gate in gates if gate.query]


async def _number(client: httpx.AsyncClient, query: str) -> tuple[float | None, str]:
    """The one value of a query, else None and why there is none."""
    try:
        answer = await client.get("/api/v1/query", params={"query": query})
        document = answer.json()
        if document["status"] != "success":
            return None, f"Prometheus refused the query: {document.get('error')}"
        found = document["data"]["result"]
        if len(found) != 1:
            return None, f"Prometheus knows {len(found)} series; needed is 1" if found else "Prometheus has no data"
        return float(found[0]["value"][1]), ""
    except httpx.HTTPError as error:
        return None, f"Prometheus does not answer: {type(error).__name__}"
    except (ValueError, KeyError, TypeError, IndexError):
        return None, "what answers is no Prometheus"
