"""The generated parts of docs/*.md: commands, API, event types and formats from the code itself, the
figures of collection from docs/bench/collection.json.

`python -m tests.docs_text` writes them anew; test_docs.py says so when they are stale.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- generated: python -m tests.docs_text -->", "<!-- end of generated -->"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name, groups left out."""
    from ews.cli import app

    def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        children = getattr(command, "commands", None)
        if children is None:
            yield name, command
            return
        for child in children:
            yield from walk(children[child], f"{name} {child}")

    yield from walk(typer.main.get_command(app), "ews")


def cli_reference() -> str:
    """Each command: what it does, its arguments and options."""
    parts = []
    for name, command in commands():
        lines = [f"### `{name}`", "", re.sub(r"\s*\n\s*", " ", command.help or "").strip(), ""]
        for param in command.params:
            lines.append(f"- {_spelt(param)}: {_helped(param)}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _spelt(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{(param.metavar or param.name).upper()}`" + (
            "" if param.required else " (optional)"
        )
    names = "/".join([*param.opts, *param.secondary_opts])
    return f"`{names}`" + (" (required)" if param.required else "")


def _helped(param: Any) -> str:
    help_ = getattr(param, "help", None) or "number"
    default = param.default
    shown = isinstance(default, int | str) and not isinstance(default, bool) and default != ""
    return help_ + (f" Default {default}." if shown else "")


def openapi() -> dict[str, Any]:
    """The OpenAPI document of the API."""
    from ews.config import load_settings
    from ews.storage import Store
    from ews.web import create_app

    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        try:
            return create_app(load_settings(Path(folder)), store).openapi()
        finally:
            store.close()


def api_reference() -> str:
    """Each path: what it answers, its parameters, the fields of its answer."""
    document = openapi()
    parts = []
    for path, methods in document["paths"].items():
        parts += [_api_path(document, path, name, method) for name, method in methods.items()]
    parts.append("### The rows in these answers")
    for name, schema in sorted(document["components"]["schemas"].items()):
        fields = ", ".join(f"`{field}`" for field in schema.get("properties", {}))
        if name not in {"HTTPValidationError", "ValidationError"}:
            parts.append(f"`{name}`: {fields}.")
    return "\n\n".join(parts) + "\n"


def _api_path(document: dict[str, Any], path: str, name: str, method: dict[str, Any]) -> str:
    lines = [f"### `{name.upper()} {path}`", "", f"{method['summary']}.", ""]
    for param in method.get("parameters", []):
        lines.append(f"- `{param['name']}` ({param['in']}): {param['description']}")
    if body := method.get("requestBody"):
        schema = body["content"]["application/json"]["schema"]
        needed = schema.get("required", [])
        lines += [f"- `{field}` (JSON{', required' if field in needed else ''}): "
                  f"{one.get('description', one['title'].lower())}"
                  for field, one in schema["properties"].items()]  # fmt: skip
    content = method["responses"]["200"]["content"]
    if "text/csv" in content:
        return "\n".join([*lines, "", "Answers a sheet (CSV, UTF-8)."])
    if "application/jsonl" in content:
        return "\n".join([*lines, "", "Answers JSON Lines."])
    if "text/markdown" in content:
        return "\n".join([*lines, "", "Answers a document (Markdown, or tagged PDF)."])
    reference = content["application/json"]["schema"]["$ref"]
    schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    fields = ", ".join(f"`{field}`" for field in schema["properties"])
    lines += ["", f"Answers `{schema['title']}`: {fields}."]
    return "\n".join(lines).replace("\n\n\n", "\n\n")


def event_types() -> str:
    """Every event type with its names and what it means."""
    from nlp.taxonomy import TYPES

    rows = [
        "| Type | 한국어 | English | Kind, group | Usual severity | Means |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| `{name}` | {one.ko} | {one.en} | {one.kind}, {one.group} | {one.severity:g} "
        f"| {one.definition} |"
        for name, one in TYPES.items()
    ]
    return "\n".join(rows) + "\n"


def collection_figures() -> str:
    """The bars of collection as they were measured, and every wire format."""
    from tests.collection_bars import page

    return page()


GENERATED: dict[str, Callable[[], str]] = {
    "docs/cli.md": cli_reference,
    "docs/api.md": api_reference,
    "docs/event-types.md": event_types,
    "docs/collection.md": collection_figures,
}


def split(path: str) -> tuple[str, str, str]:
    """What stands before, inside and after the generated part of a document."""
    text = (ROOT / path).read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    inside, end, after = rest.partition(END)
    assert begin, f"{path} lacks the line {BEGIN}"
    assert end, f"{path} lacks the line {END}"
    return before, inside.strip() + "\n", after


def main() -> None:
    for path, make in GENERATED.items():
        before, _, after = split(path)
        text = f"{before}{BEGIN}\n\n{make()}\n{END}{after}"
        (ROOT / path).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
