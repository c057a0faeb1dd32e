"""Bytes become text as their writer meant them."""

import pytest

from pipeline.page import decode_page, find_other_type
from tests.pipeline.some_pages import a_page, read, text_of


def test_what_is_no_text_at_all_is_called_binary_data() -> None:
    assert find_other_type(bytes(range(1, 256)) * 4, "text/html") == "binary data, not HTML"
    assert find_other_type(b"<p>one\x01 two and three and four</p>" * 20, "text/html") is None
    assert find_other_type("<p>one</p>".encode("utf-16-le") * 20, "text/html") is None


class TestEncodings:
    PLAIN = "<html><head>{}</head><body><p>Café “Zürich” – £5</p></body></html>"

    @pytest.mark.parametrize(
        ("encoding", "head", "content_type"),
        [
            ("utf-8", "", None),
            ("utf-8", '<meta charset="iso-8859-1">', "text/html; charset=iso-8859-1"),  # wrongly declared
            ("cp1252", '<meta charset="iso-8859-1">', None),  # what browsers make of "latin-1"
            ("cp1252", "", "text/html; charset=ISO-8859-1"),
            ("cp1252", "", None),
            ("cp1252", '<meta charset="utf-8">', "text/html; charset=utf-8"),  # wrongly declared
            ("cp1252", "", "text/html; charset=no-such-charset"),
            ("utf-16", "", None),
            ("utf-8-sig", "", "text/html; charset=windows-1252"),
        ],
    )
    def test_a_page_is_decoded_as_it_was_written(self, encoding: str, head: str, content_type: str | None) -> None:
        page = self.PLAIN.format(head)
        assert decode_page(page.encode(encoding), content_type) == page

    def test_other_declared_charsets_are_obeyed(self) -> None:
        page = '<html><head><meta charset="{}"></head><body>{}</body></html>'
        for charset, text in (("shift_jis", "東京の橋"), ("koi8-r", "мост"), ("iso-2022-jp", "橋"), ("gb18030", "桥")):
            written = page.format(charset, text)
            assert text in decode_page(written.encode(charset), None)

    def test_a_few_broken_bytes_spoil_only_themselves(self) -> None:
        payload = "Café Zürich – £5".encode() + b"\xff and more"
        assert decode_page(payload, "text/html; charset=utf-8") == "Café Zürich – £5\ufffd and more"

    def test_nul_and_control_bytes_do_not_end_a_page(self) -> None:
        payload = a_page().replace(b"winter.", b"win\x00ter.\x0b\x1b")
        assert "mend the bridge before the win ter." in text_of(read(payload))
