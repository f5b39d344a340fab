"""Released weights: the list, and downloads that resume and are verified."""

import hashlib
import http.server
import threading

import pytest

from edgenext_core import cli
from edgenext_core.models import list_models
from edgenext_core.weights.download import DownloadError, download
from edgenext_core.weights.releases import (
    RELEASES,
    cache_folder,
    local_path,
    pull_weights,
    releases_table,
)

CONTENT = bytes(range(256)) * 2000


class RangeHandler(http.server.BaseHTTPRequestHandler):
    """Serve CONTENT from the byte that is asked for; break off once if the server says so."""

    def do_GET(self):
        if self.path == '/latest.pth':
            self.send_response(302)
            self.send_header('Location', '/weights.pth')
            self.end_headers()
            return
        if self.path == '/whole.pth':
            self.send_response(200)
            self.send_header('Content-Length', str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT)
            return
        start = int(self.headers['Range'].removeprefix('bytes=').rstrip('-'))
        self.server.starts.append(start)
        if self.path != '/weights.pth':
            self.send_error(404)
            return
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header('Content-Range', f'bytes */{len(CONTENT)}')
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        self.send_response(206)
        self.send_header('Content-Length', str(len(CONTENT) - start))
        self.end_headers()
        stop = self.server.break_off_at.pop() if self.server.break_off_at else len(CONTENT)
        self.wfile.write(CONTENT[start:stop])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), RangeHandler)
    server.starts, server.break_off_at = [], []
    server.url = f'http://127.0.0.1:{server.server_port}'
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_download_arrives_whole_and_verified(tmp_path, server):
    path = tmp_path / 'cache' / 'weights.pth'
    download(f'{server.url}/weights.pth', path, sha256=hashlib.sha256(CONTENT).hexdigest())
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ['weights.pth']


def test_a_broken_download_goes_on_where_it_stopped(tmp_path, server):
    server.break_off_at.append(100_000)
    path = tmp_path / 'weights.pth'
    with pytest.raises(DownloadError, match='broke off after 100000 of 512000 bytes'):
        download(f'{server.url}/weights.pth', path)
    assert not path.exists()
    download(f'{server.url}/weights.pth', path)
    assert path.read_bytes() == CONTENT
    assert server.starts == [0, 100_000]


def test_a_redirected_download_goes_on_too(tmp_path, server):
    (tmp_path / 'weights.pth.part').write_bytes(CONTENT[:1000])
    download(f'{server.url}/latest.pth', tmp_path / 'weights.pth')
    assert (tmp_path / 'weights.pth').read_bytes() == CONTENT
    assert server.starts == [1000]


def test_a_server_that_cannot_resume_sends_everything_again(tmp_path, server):
    (tmp_path / 'weights.pth.part').write_bytes(b'other' * 100)
    download(f'{server.url}/whole.pth', tmp_path / 'weights.pth')
    assert (tmp_path / 'weights.pth').read_bytes() == CONTENT


def test_a_download_that_stopped_after_the_last_byte_is_whole(tmp_path, server):
    (tmp_path / 'weights.pth.part').write_bytes(CONTENT)
    download(f'{server.url}/weights.pth', tmp_path / 'weights.pth')
    assert (tmp_path / 'weights.pth').read_bytes() == CONTENT


def test_what_is_longer_than_the_file_is_thrown_away(tmp_path, server):
    (tmp_path / 'weights.pth.part').write_bytes(CONTENT + b'!')
    with pytest.raises(DownloadError, match='of another file'):
        download(f'{server.url}/weights.pth', tmp_path / 'weights.pth')
    download(f'{server.url}/weights.pth', tmp_path / 'weights.pth')
    assert (tmp_path / 'weights.pth').read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing_behind(tmp_path, server):
    with pytest.raises(DownloadError, match='is not the file that was released'):
        download(f'{server.url}/weights.pth', tmp_path / 'weights.pth', sha256='0' * 64)
    assert not list(tmp_path.iterdir())


def test_without_a_network_one_line_says_what_to_do(tmp_path, server):
    for url in (f'{server.url}/other.pth', 'http://127.0.0.1:9/weights.pth'):
        with pytest.raises(DownloadError, match='cannot download http') as caught:
            download(url, tmp_path / 'weights.pth')
        assert '\n' not in str(caught.value)
        assert f'put the file at {tmp_path / "weights.pth"} yourself' in str(caught.value)


def test_weights_in_the_cache_are_not_downloaded_again(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert cache_folder() == tmp_path / 'edgenext' / 'weights'
    path = local_path(RELEASES[0])
    path.parent.mkdir(parents=True)
    path.write_bytes(b'weights')
    assert pull_weights('edgenext_xx_small') == path
    assert '| edgenext_xx_small | edgenext_xx_small | 71.23 | 256 | MIT | yes |' in (
        releases_table())


def test_every_release_is_of_a_model_that_exists():
    assert len({release.name for release in RELEASES}) == len(RELEASES) == 11
    assert len({local_path(release) for release in RELEASES}) == 11
    assert {release.model for release in RELEASES} <= set(list_models())


def test_an_unknown_release_lists_the_known_ones():
    with pytest.raises(ValueError, match="called 'edgenext'; there are edgenext_xx_small, "):
        pull_weights('edgenext')


def test_the_command_lists_and_pulls(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert cli.main(['weights', 'list']) == 0
    printed = capsys.readouterr().out
    assert printed.count('https://github.com/mmaaz60/EdgeNeXt/releases/') == 10
    assert printed.count('https://huggingface.co/timm/') == 1
    path = local_path(RELEASES[0])
    path.parent.mkdir(parents=True)
    path.write_bytes(b'weights')
    assert cli.main(['weights', 'pull', 'edgenext_xx_small']) == 0
    assert capsys.readouterr().out.strip() == str(path)
    assert cli.main(['weights', 'pull', 'resnet']) == 1
    assert "no released weights are called 'resnet'" in capsys.readouterr().err
