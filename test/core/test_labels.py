"""The names of ImageNet-1K's classes."""

from pathlib import Path

import timm.data

from edgenext_core.labels.label_set import known_label_sets, parse_label_set, read_label_set

IMAGENET_1K = read_label_set('imagenet_1k')


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


def test_every_label_set_has_a_colour_for_each_of_its_names():
    assert {'camvid', 'imagenet_1k'} <= set(known_label_sets())
    for name in known_label_sets():
        labels = read_label_set(name)
        assert len(labels.names) == len(labels.colors_rgb) == len(set(labels.names))
        assert all(0 <= part <= 255 for color in labels.colors_rgb for part in color)


def test_a_label_set_is_names_colours_void_and_comments():
    labels = parse_label_set('# two classes\nroad: 128 64 128\n\nignore_index: 255\nstop sign\n')

    assert labels.names == ('road', 'stop sign')
    assert labels.colors_rgb[0] == (128, 64, 128) and labels.colors_rgb[1] != (128, 64, 128)
    assert labels.ignore_index == 255
