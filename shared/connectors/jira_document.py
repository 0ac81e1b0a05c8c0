"""Text as a document in Atlassian's format.

Text nodes are literal: no wiki markup, no mentions, and links only where a node is marked as one
(Atlassian, "Atlassian Document Format").
"""

from collections.abc import Iterator, Mapping

from shared.telling.picture import Picture

Node = dict[str, object]


def description_of(picture: Picture) -> Node:
    """Return the description of a ticket's issue."""
    lines = [
        _paragraph(_text(f"{line.label}: ", "strong"), _text(line.text)) for line in picture.lines
    ]
    return _document(*lines, _paragraph(_link(picture.ticket_id, picture.url)))


def comment_of(entry: str, mark: str, url: str) -> Node:
    """Return a comment; ``mark`` is in it literally, so that it can be found again."""
    return _document(_paragraph(_text(entry)), _paragraph(_link(mark, url)))


def texts_in(node: object) -> Iterator[str]:
    """Give all texts of a document."""
    if isinstance(node, Mapping):
        if isinstance(node.get("text"), str):
            yield str(node["text"])
        content = node.get("content")
        for one in content if isinstance(content, list) else []:
            yield from texts_in(one)


def _document(*content: Node) -> Node:
    return {"type": "doc", "version": 1, "content": list(content)}


def _paragraph(*content: Node) -> Node:
    return {"type": "paragraph", "content": list(content)}


def _text(text: str, *marks: str) -> Node:
    node: Node = {"type": "text", "text": text or "-"}
    return node | ({"marks": [{"type": mark} for mark in marks]} if marks else {})


def _link(text: str, url: str) -> Node:
    return {
        "type": "text",
        "text": text,
        "marks": [{"type": "link", "attrs": {"href": url}}],
    }
