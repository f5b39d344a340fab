"""The names of ImageNet-1K's classes."""

from pathlib import Path

import timm.data

from edgenext_core.labels.imagenet_1k import IMAGENET_1K


def test_there_are_1000_different_names_in_the_order_that_trained_models_have():
    assert len(IMAGENET_1K.names) == len(IMAGENET_1K.colors_rgb) == 1000
    assert len(set(IMAGENET_1K.names)) == 1000
    assert IMAGENET_1K.names[0] == 'tench'
    assert IMAGENET_1K.names[281] == 'tabby'
    assert IMAGENET_1K.names[999] == 'toilet tissue'


def test_names_agree_with_timms_lists():
    info = Path(timm.data.__file__).parent / '_info'
    lemmas = dict(line.split('\t') for line
                  in (info / 'imagenet_synset_to_lemma.txt').read_text().splitlines())
    synsets = (info / 'imagenet_synsets.txt').read_text().split()
    for name, synset in zip(IMAGENET_1K.names, synsets, strict=True):
        assert name.split(' (')[0] == lemmas[synset].split(',')[0].strip()
