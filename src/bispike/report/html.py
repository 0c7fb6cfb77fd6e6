"""HTML built from nested calls: text is escaped unless it was built here.

`tag("p", "a < b", tag("b", "bold"))` is `<p>a &lt; b<b>bold</b></p>`. Attribute names that are Python words
end in an underscore (`class_`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..escaping import for_html

VOID = frozenset({"meta", "img", "br"})


class Html(str):
    """Text that is already HTML."""

    __slots__ = ()


def escape(value: object) -> Html:
    """HTML for any value; what is already HTML stays as it is."""
    if isinstance(value, Html):
        return value
    return Html(for_html(value))


def text_block(text: str) -> Html:
    """Text whose line breaks and tabs are its own, for `pre`."""
    return Html(for_html(text, keep="\n\t"))


def join(parts: Iterable[object]) -> Html:
    """Parts in sequence; None is left out."""
    return Html("".join(escape(part) for part in parts if part is not None))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """An element; attributes that are None are left out."""
    listed = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{listed}>")
    return Html(f"<{name}{listed}>{join(children)}</{name}>")


def table(head: Sequence[object], rows: Iterable[Sequence[object]], *, numeric: Iterable[int] = ()) -> Html:
    """A table that scrolls sideways by itself on a narrow screen.

    Args:
        head: column titles.
        rows: cells.
        numeric: columns that hold numbers and are aligned to the right.
    """
    right = set(numeric)

    def cells(kind: str, row: Sequence[object]) -> list[Html]:
        return [tag(kind, cell, class_="n" if i in right else None) for i, cell in enumerate(row)]

    body = [tag("tr", *cells("td", row)) for row in rows]
    return tag(
        "div",
        tag("table", tag("thead", tag("tr", *cells("th", head))), tag("tbody", *body)),
        class_="scroll",
    )


def facts(pairs: Iterable[tuple[object, object]]) -> Html:
    """Names and values, one line each."""
    return table_without_head([(tag("th", key, scope="row"), tag("td", value)) for key, value in pairs])


def table_without_head(rows: Iterable[tuple[Html, Html]]) -> Html:
    """A two-column table from finished cells."""
    return tag("div", tag("table", tag("tbody", *[tag("tr", *row) for row in rows]), class_="facts"), class_="scroll")


def figure(source: str, *, alt: str, caption: object, wide: bool = False) -> Html:
    """A picture with its caption.

    Args:
        source: a `data:` address.
        alt: what the picture shows, for readers who do not see it.
        caption: what to look for.
        wide: take the whole width of the page.
    """
    return tag(
        "figure",
        tag("img", src=source, alt=alt),
        tag("figcaption", caption),
        class_="wide" if wide else None,
    )


def gallery(*figures: object) -> Html:
    """Figures in columns where there is room."""
    return tag("div", *figures, class_="gallery")


NEEDS_DATA = tag("p", "Needs the data set.", class_="note")
"""What stands in a section that cannot be shown without the data set."""
