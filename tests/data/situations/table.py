"""Write the table of all situations: `python -m tests.data.situations.table`."""

from __future__ import annotations

from pathlib import Path

from .collect import areas

PAGE = Path(__file__).with_name("README.md")
HEADING = """# Real situations of own data

Each row is a test of `tests/data/situations`, which makes the file and the call. `python -m
tests.data.situations.table` writes this page.
"""


def text() -> str:
    """The page."""
    parts = [HEADING]
    for area, situations in areas().items():
        parts.append(f"## {area.replace('_', ' ').capitalize()} ({len(situations)})\n")
        parts.append("| situation | what is right |\n|---|---|")
        parts += [f"| {_cell(one.what)} | {_cell(one.right)} |" for one in situations]
        parts.append("")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
