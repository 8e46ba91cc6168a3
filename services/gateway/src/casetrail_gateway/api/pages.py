"""The list of the API as a page. No script, nothing from elsewhere."""

import base64
import hashlib
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1d2329; --quiet: #5b6670; --line: #d9dee3;
  --paper: #fbfbfa; --accent: #14605a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --quiet: #9aa5af; --line: #333b43;
  --paper: #15191d; --accent: #7cc7bd; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; padding: 48px 24px; max-width: 720px; }
h1 { font-size: 28px; margin: 0 0 8px; } h2 { font-size: 18px; margin: 32px 0 8px; }
a { color: var(--accent); } p, li { max-width: 64ch; } .quiet { color: var(--quiet); }
code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { border: 1px solid var(--line); padding: 16px; overflow-x: auto; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line);
  padding: 8px 16px 8px 0; vertical-align: top; } td:first-child { white-space: nowrap; }
"""
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
}


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """Every path with its one sentence, from the OpenAPI document."""
    document: dict[str, Any] = request.app.openapi()
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    rows: dict[str, list[str]] = {name: [] for name in tags}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            rows[operation["tags"][0]].append(_row(method, path, operation))
    sections = "".join(
        f"<h2>{escape(name)}</h2><p class=quiet>{escape(tags[name])}</p>"
        f"<table>{''.join(found)}</table>"
        for name, found in rows.items()
    )
    return _page(
        "Casetrail: API",
        f"<h1>API</h1><p>The whole document, with bodies, answers and examples, is "
        f'<a href="/openapi.json">openapi.json</a>; any OpenAPI viewer reads it. '
        f'<a href="/">To the console</a>.</p>{sections}',
    )


def _row(method: str, path: str, operation: dict[str, Any]) -> str:
    names = ", ".join(
        parameter["name"]
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
    )
    asks = f'<br><span class="quiet">{escape(names)}</span>' if names else ""
    said = escape(operation.get("description") or operation.get("summary", ""))
    return f"<tr><td><code>{method.upper()} {escape(path)}</code></td><td>{said}{asks}</td></tr>"


def _page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><main>{body}</main></html>",
        headers=_HEADERS,
    )
