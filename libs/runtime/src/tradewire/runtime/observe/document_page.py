"""An OpenAPI document as one page of HTML without script, so that it can be read without a network."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from html import escape
from typing import Any

STYLE = (
    "body{font:14px/20px system-ui,sans-serif;max-width:960px;margin:24px auto;padding:0 16px;color-scheme:light dark}"
    "section{border-top:1px solid;padding:8px 0}h2{font-size:16px}pre{white-space:pre-wrap;overflow-wrap:anywhere}"
    "td,th{text-align:left;vertical-align:top;padding:2px 12px 2px 0}pre,code{font-family:ui-monospace,monospace}"
)
_DIGEST = b64encode(sha256(STYLE.encode()).digest()).decode()
_CLOSED = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; {_CLOSED}"
"""The content security policy of the page: its own style, and nothing else."""


def document_page(openapi: Mapping[str, Any]) -> str:
    """The page: each path with its parameters and the example of its answer. Models are in the document itself."""
    title = escape(str(openapi["info"]["title"]))
    head = f'<head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
    link = '<p>OpenAPI: <a href="/openapi.json">/openapi.json</a></p>'
    parts = "".join(_operations(openapi))
    return f'<!doctype html><html lang="en">{head}<body><h1>{title}</h1>{link}{parts}</body></html>'


def _operations(openapi: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            name = f"<code>{escape(method.upper())} {escape(path)}</code>"
            head = f"<h2>{name} {escape(operation.get('summary', ''))}</h2>"
            about = f"<p>{escape(operation.get('description', ''))}</p>"
            answers = "".join(_answers(operation.get("responses", {})))
            yield f"<section>{head}{about}{_parameters(operation.get('parameters', ()))}{answers}</section>"


def _parameters(parameters: Iterable[Mapping[str, Any]]) -> str:
    rows = "".join(map(_parameter, parameters))
    heads = "<tr><th>parameter</th><th>in</th><th>type</th><th>meaning</th></tr>"
    return f"<table>{heads}{rows}</table>" if rows else ""


def _parameter(one: Mapping[str, Any]) -> str:
    place = escape(one["in"]) + (", required" if one.get("required") else "")
    cells = (f"<code>{escape(one['name'])}</code>", place, escape(_type(one.get("schema", {}))))
    about = escape(one.get("description", ""))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in (*cells, about)) + "</tr>"


def _type(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    name = str(schema.get("$ref", "")).rpartition("/")[2] or str(schema.get("type", "any"))
    bounds = [f"{sign} {schema[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in schema]
    default = f", default {schema['default']}" if schema.get("default") is not None else ""
    return f"{name} {' '.join(bounds)}".strip() + default


def _answers(responses: Mapping[str, Any]) -> Iterator[str]:
    for status, answer in responses.items():
        yield f"<h3>{escape(status)} {escape(answer.get('description', ''))}</h3>"
        for kind, content in answer.get("content", {}).items():
            example = content.get("example")
            if example is not None:
                text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
                yield f"<p>{escape(kind)}</p><pre>{escape(text)}</pre>"
