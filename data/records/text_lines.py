"""The lines of a text file, in whatever encoding an instrument wrote it."""

import codecs
import re

from ..files import open_to_read

MOSTLY = 0.4  # share of zero bytes in one half of a UTF-16 text of Latin letters
CONTROL = re.compile("[\x00-\x08\x0e-\x19\x1b-\x1f]")  # in no text; 1a ends files of old systems


def text_lines(path):
    """The lines of a file in UTF-8, UTF-16 or Latin-1 (Windows-1252), as a list.

    A byte order mark decides. Without one, bytes that are no UTF-8 are Latin-1, in which every
    byte is a letter.

    Raises:
        ValueError: for a file that is no text.
        FileNotFoundError: if there is no such file.
    """
    with open_to_read(path, "A measured record (CSV)", mode="rb") as file:
        content = file.read()
    try:
        text = _decoded(content)
        found = CONTROL.search(text)
    except UnicodeDecodeError as error:
        text, found = "", error
    if found:
        raise ValueError(
            "A measurement must be a text file in UTF-8, UTF-16 or Latin-1. "
            f"Received: {path}, which holds other bytes. Export it as CSV."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _decoded(content):
    if content.startswith(codecs.BOM_UTF8):
        return content.decode("utf-8-sig")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    half = max(len(content) // 2, 1)
    if content[1::2].count(0) > MOSTLY * half:
        return content.decode("utf-16-le")
    if content[::2].count(0) > MOSTLY * half:
        return content.decode("utf-16-be")
    for encoding in ("utf-8", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")
