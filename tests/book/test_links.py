"""The list of links that leave the book, without asking any of them."""

import http.server
import threading
from urllib.parse import urlsplit

import links
import pytest


def test_every_address_is_one_and_stands_somewhere():
    found = links.addresses()
    assert len(found) > 30
    for address, where in found.items():
        parts = urlsplit(address)
        assert parts.netloc and " " not in address, address
        assert all((links.ROOT / path).is_file() for path in where)
    assert "book/references.bib" in found["https://doi.org/10.5281/zenodo.5624379"]


def test_addresses_are_found_in_any_kind_of_source(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "book/page.md").write_text(
        "[a](https://a.org/x_(y)), <https://b.org/>; https://c.org/d. `https://e.org`"
    )
    (tmp_path / "book/references.bib").write_text('doi = {10.1234/56.7}, url = "https://f.org/g",')
    (tmp_path / "notebooks/01.ipynb").write_text(
        '{"cells": [{"source": ["see https://h.org\\n"]}]}'
    )
    assert sorted(links.addresses(tmp_path)) == [
        "https://a.org/x_(y)", "https://b.org/", "https://c.org/d", "https://doi.org/10.1234/56.7",
        "https://e.org", "https://f.org/g", "https://h.org",
    ]  # fmt: skip


def test_what_is_not_asked_has_a_reason():
    assert links.allowed("https://example.org/x")
    assert links.allowed("https://github.com/musig/musig/issues")
    assert links.allowed("https://github.com/other/project") is None
    for why in links.ALLOWED.values():
        assert why


class Answers(http.server.BaseHTTPRequestHandler):
    """One path answers, one only to GET, one only to people; one is away, one talks nonsense."""

    tries = 0

    def do_HEAD(self):
        if self.path == "/nonsense":
            self.wfile.write(b"nonsense\r\n\r\n")
            return
        self.send_error({"/get": 405, "/closed": 403}.get(self.path, 404))

    def do_GET(self):
        if self.path == "/nonsense":
            self.do_HEAD()
            return
        if self.path == "/busy":
            type(self).tries += 1
        found = self.path == "/get" or (self.path == "/busy" and self.tries > 1)
        self.send_response(200 if found else 503 if self.path == "/busy" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{one.server_port}"
        one.shutdown()


def test_an_address_is_asked_patiently(server, monkeypatch):
    monkeypatch.setattr(links.time, "sleep", lambda seconds: None)
    assert links.asked(f"{server}/get#place") is None
    assert links.asked(f"{server}/closed") is None
    assert links.asked(f"{server}/busy") is None
    assert "404" in links.asked(f"{server}/gone")
    assert "nonsense" in links.asked(f"{server}/nonsense", tries=1)
    assert links.asked("http://127.0.0.1:9/", tries=1, patience=1)
