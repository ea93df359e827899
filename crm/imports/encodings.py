"""Which encoding a file of text is in, told from all of its bytes as they pass. Sans-I/O.

What is no text is refused here with its reason: a spreadsheet, an archive, or bytes that no encoding explains.
"""

import codecs
from typing import Final

from crm.refusals import Refusal

# By what people's programs write: newer ones UTF-8, Excel's "Unicode text" UTF-16, older ones cp1252.
ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be", "cp1252")
# What a byte order mark says, and how long it is. The one of UTF-32 begins as that of UTF-16 does.
MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_UTF32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_OTHER_FILES: Final = (
    (b"PK\x03\x04", "is a spreadsheet or an archive: open it and save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old spreadsheet: open it and save it as CSV"),
    (b"\x1f\x8b", "is compressed: unpack it first"),
    (b"BZh", "is compressed: unpack it first"),
    (b"\xfd7zXZ", "is compressed: unpack it first"),
    (b"%PDF", "is a PDF: export the table as CSV"),
)
# The ones that cp1252 leaves open; real text in it has none.
_NOT_CP1252: Final = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
_CONTROLS: Final = bytes(byte for byte in range(32) if byte not in b"\t\n\r\x0b\x0c\x1a") + b"\x7f"
# Of a text that is mostly Latin letters, nearly every second byte is zero in UTF-16.
_WIDE_SHARE: Final = 0.3
_CONTROL_SHARE: Final = 0.001


class BadEncoding(Refusal):
    """The bytes are no text that we read."""

    def __init__(self, fault: str) -> None:
        super().__init__("file_unreadable", {"fault": fault})


class EncodingGuess:
    """Fed with all bytes of a file, in order and in pieces of any size."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._begin = b""
        self._utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._even_zeros = 0
        self._odd_zeros = 0
        self._controls = 0
        self._open = 0  # bytes that cp1252 leaves open

    def feed(self, piece: bytes) -> None:
        if len(self._begin) < 8:
            self._begin += piece[: 8 - len(self._begin)]
        first, second = piece[::2].count(0), piece[1::2].count(0)
        if self.size_bytes % 2:
            first, second = second, first
        self._even_zeros += first
        self._odd_zeros += second
        self._controls += len(piece) - len(piece.translate(None, _CONTROLS))
        self._open += len(piece) - len(piece.translate(None, _NOT_CP1252))
        self.size_bytes += len(piece)
        if self._utf8 is not None:
            try:
                self._utf8.decode(piece)
            except UnicodeDecodeError:
                self._utf8 = None

    def finish(self) -> tuple[str, int]:
        """Return the encoding, one of ENCODINGS, and how many bytes of a mark come before the text.

        Raises:
            BadEncoding
        """
        if not self.size_bytes:
            raise BadEncoding("is empty")
        if self._utf8 is not None:
            try:
                self._utf8.decode(b"", final=True)
            except UnicodeDecodeError:
                self._utf8 = None
        for begin, fault in _OTHER_FILES:
            if self._begin.startswith(begin):
                raise BadEncoding(fault)
        if self._begin.startswith(_UTF32):
            raise BadEncoding("is in UTF-32: save it as UTF-8")
        for mark, encoding in MARKS:
            if self._begin.startswith(mark):
                if encoding == "utf-8" and self._utf8 is None:
                    raise BadEncoding("says that it is UTF-8, and is not: save it as UTF-8 again")
                return encoding, len(mark)
        return self._without_mark(), 0

    def _without_mark(self) -> str:
        half = self.size_bytes / 2
        if self.size_bytes % 2 == 0 and self._odd_zeros > _WIDE_SHARE * half > self._even_zeros:
            return "utf-16-le"
        if self.size_bytes % 2 == 0 and self._even_zeros > _WIDE_SHARE * half > self._odd_zeros:
            return "utf-16-be"
        if self._even_zeros + self._odd_zeros or self._controls > _CONTROL_SHARE * self.size_bytes:
            raise BadEncoding("holds bytes that are no text: save it as CSV in UTF-8")
        if self._utf8 is not None:
            return "utf-8"
        if self._open:
            raise BadEncoding("is neither UTF-8 nor Windows-1252: save it as CSV in UTF-8")
        return "cp1252"
