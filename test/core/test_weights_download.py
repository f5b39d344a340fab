"""Downloads resume and are verified; a file has its name only when it is whole."""

import contextlib
import hashlib
import http.server
import threading

import pytest

from edgenext_core.weights import download as download_module
from edgenext_core.weights.download import DownloadError, download

CONTENT = bytes(range(256)) * 8000
BLOCK = 512 * 1024
"""What is kept of a broken download is whole blocks."""


class RangeHandler(http.server.BaseHTTPRequestHandler):
    """Serve CONTENT from the byte that is asked for; break off once if the server says so."""

    def do_GET(self):
        if self.path == '/latest.pth':
            self.send_response(302)
            self.send_header('Location', '/weights.pth')
            self.end_headers()
        elif self.path == '/whole.pth':
            self.send_content(0, len(CONTENT))
        elif self.path != '/weights.pth':
            self.send_error(404)
        else:
            start = int(self.headers.get('Range', 'bytes=0-').removeprefix('bytes=').rstrip('-'))
            self.server.starts.append(start)
            breaks = self.server.break_off_at
            self.send_content(start, breaks.pop() if breaks else len(CONTENT))

    def send_content(self, start, stop):
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header('Content-Range', f'bytes */{len(CONTENT)}')
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header('Content-Length', str(len(CONTENT) - start))
        if start:
            self.send_header('Content-Range', f'bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}')
        self.end_headers()
        # Who goes on asks for the whole file first, and hangs up.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(CONTENT[start:stop])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), RangeHandler)
    server.starts, server.break_off_at = [], []
    server.url = f'http://127.0.0.1:{server.server_port}'
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def without_retries(monkeypatch):
    monkeypatch.setattr(download_module, 'RETRIES', 0)


def test_a_download_arrives_whole_and_verified(tmp_path, server, capsys):
    path = tmp_path / 'cache' / 'weights.pth'
    download(f'{server.url}/weights.pth', path, sha256=hashlib.sha256(CONTENT).hexdigest())
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ['weights.pth']
    assert '100%' in capsys.readouterr().err  # of the progress bar


def test_a_connection_that_breaks_is_made_again_to_go_on(tmp_path, server):
    server.break_off_at.append(BLOCK + 1000)
    download(f'{server.url}/weights.pth', tmp_path / 'weights.pth',
             sha256=hashlib.sha256(CONTENT).hexdigest())
    assert (tmp_path / 'weights.pth').read_bytes() == CONTENT
    assert server.starts == [0, BLOCK]


@pytest.mark.parametrize('name', ['weights.pth', 'latest.pth'])
def test_a_broken_download_goes_on_where_it_stopped(tmp_path, server, without_retries, name):
    server.break_off_at.append(BLOCK + 1000)
    path = tmp_path / 'weights.pth'
    with pytest.raises(DownloadError, match=r'IncompleteRead\(525288 bytes read') as caught:
        download(f'{server.url}/{name}', path)
    assert '\n' not in str(caught.value)
    assert not path.exists()
    download(f'{server.url}/{name}', path, sha256=hashlib.sha256(CONTENT).hexdigest())
    assert path.read_bytes() == CONTENT
    assert server.starts[-1] == BLOCK
    assert [file.name for file in tmp_path.iterdir()] == ['weights.pth']


@pytest.mark.parametrize(('name', 'left'), [
    ('whole.pth', CONTENT[:100]),  # the server cannot resume
    ('weights.pth', CONTENT + b'!'),  # the part is of another file
])
def test_what_cannot_be_continued_is_said_and_starts_anew_when_deleted(tmp_path, server, name,
                                                                       left):
    path, part = tmp_path / 'weights.pth', tmp_path / 'weights.pth.receivedabcdefgh.part'
    part.write_bytes(left)
    with pytest.raises(DownloadError, match='did not honor the requested byte range.*delete'):
        download(f'{server.url}/{name}', path)
    assert not path.exists()
    for file in tmp_path.glob('weights.pth.received*.part'):
        file.unlink()
    download(f'{server.url}/{name}', path)
    assert path.read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing_behind(tmp_path, server):
    with pytest.raises(DownloadError, match='is not the file that was released'):
        download(f'{server.url}/weights.pth', tmp_path / 'weights.pth', sha256='0' * 64)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(('url', 'reason'), [
    ('{server}/other.pth', '404 Client Error'),
    ('http://127.0.0.1:9/weights.pth', 'Connection refused'),
])
def test_without_a_file_or_a_network_one_line_says_what_to_do(tmp_path, server, without_retries,
                                                              url, reason):
    with pytest.raises(DownloadError, match='cannot download http') as caught:
        download(url.format(server=server.url), tmp_path / 'weights.pth')
    assert reason in str(caught.value)
    assert '\n' not in str(caught.value)
    assert f'put the file at {tmp_path / "weights.pth"} yourself' in str(caught.value)
