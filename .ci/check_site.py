"""Looks through a built site: its links and anchors exist, and it loads nothing from other hosts.

python .ci/check_site.py docs/_build
"""

import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    """Names, links and what a page loads by itself."""

    def __init__(self, path):
        super().__init__()
        self.names, self.links, self.loaded = set(), set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.names |= {attributes.get("id"), attributes.get("name")}
        if tag in ("a", "area"):
            self.links.add(attributes.get("href"))
        elif tag != "link" or "stylesheet" in attributes.get("rel", ""):
            self.loaded |= {attributes.get("src"), attributes.get("href")}


def faults(folder):
    """What is wrong, a sentence each."""
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    for path, page in pages.items():
        for link in sorted((page.links | page.loaded) - {None, ""}):
            parts = urllib.parse.urlsplit(link)
            where = path.relative_to(folder)
            if parts.scheme == "data" or link == "#":
                continue
            if parts.scheme or parts.netloc:
                if link in page.loaded:
                    yield f"{where} loads {link}"
                continue
            target = (
                (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            )
            if not target.exists():
                yield f"{where} links to {link}, which is not there"
            elif parts.fragment and target in pages and parts.fragment not in pages[target].names:
                yield f"{where} links to {link}: no such place on that page"


if __name__ == "__main__":
    built = pathlib.Path(sys.argv[1]).resolve()
    found = list(faults(built))
    count = len(list(built.rglob("*.html")))
    print(*found, f"{count} pages, {len(found)} faults", sep="\n")
    sys.exit(bool(found) or count < 40)
