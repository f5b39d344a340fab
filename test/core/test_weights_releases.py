"""Released weights: the list, and where this machine keeps them."""

import os

import pytest

from edgenext_core.models import list_models
from edgenext_core.weights.releases import (
    RELEASES,
    ReleaseError,
    cache_folder,
    local_path,
    pull_weights,
    releases_table,
)


def test_weights_in_the_cache_are_not_downloaded_again(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert cache_folder() == tmp_path / 'edgenext' / 'weights'
    path = local_path(RELEASES[0])
    path.parent.mkdir(parents=True)
    path.write_bytes(b'weights')
    assert pull_weights('edgenext_xx_small') == path
    assert '| edgenext_xx_small | edgenext_xx_small | 71.23 | 256 | MIT | yes |' in (
        releases_table())


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    for name in ('HOME', 'XDG_CACHE_HOME'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, 'getuid', lambda: 987_654_321)
    with pytest.raises(ReleaseError, match='set XDG_CACHE_HOME to a folder'):
        cache_folder()


def test_every_release_is_of_a_model_that_exists():
    assert len({release.name for release in RELEASES}) == len(RELEASES) == 11
    assert len({local_path(release) for release in RELEASES}) == 11
    assert {release.model for release in RELEASES} <= set(list_models())


def test_an_unknown_release_lists_the_known_ones():
    with pytest.raises(ReleaseError, match="called 'edgenext'; there are edgenext_xx_small, "):
        pull_weights('edgenext')
