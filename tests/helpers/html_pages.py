"""Pages that are read as a browser would, and held to be whole and alone."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "path", "rect", "circle", "link", "img"}


class Reader(HTMLParser):
    """Holds every tag against the one that is open, and collects what the page is made of."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.texts, self.attributes = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, attrs)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def of(self, tag, name):
        return [value for t, n, value in self.attributes if (t, n) == (tag, name)]


def check_alone(page):
    """The page is well-formed, and neither runs nor loads anything."""
    reader = Reader(page)
    forbidden = {"script", "link", "img", "iframe", "object", "embed", "form", "base", "use"}
    assert not forbidden & set(reader.tags)
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    assert all(value.startswith("#") for value in reader.of("a", "href"))
    assert "http" not in page
    assert "//" not in page
    assert "url(" not in page
    assert "@import" not in page
    return reader
