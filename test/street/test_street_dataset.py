import contextlib
import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from synthetic_street import HELD_OUT_SEED, StreetError, draw_scene
from synthetic_street.dataset import SPLITS, draw_frame, street_fingerprint, write_dataset
from synthetic_street.labels import STREET_OBJECTS, STREET_SCENES, STREET_SURFACES

ROOT = Path(__file__).resolve().parents[2]
SMALL = {'width': 160, 'height': 120}
COUNTS = {'train': 9, 'val': 4, 'test': 3}
FIRST_SEEDS = {'train': 0, 'val': 2_000_000, 'test': 1_500_000}


class StoppedError(Exception):
    """Stand for whatever ends a run."""


def write(folder, **options):
    return write_dataset(folder, **{'counts': COUNTS, **SMALL, **options})


def stop_after(frames):
    def map_frames(draw, drawings):
        for done, drawing in enumerate(drawings):
            if done == frames:
                raise StoppedError
            yield draw(drawing)

    return map_frames


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob('*')) if path.is_file()}


def scene_of(split, number):
    return draw_scene(FIRST_SEEDS[split] + number, **SMALL)


def read_coco(path):
    with contextlib.redirect_stdout(None):
        return COCO(str(path))


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp('street')
    assert write(folder) == 16
    return folder


def test_a_data_set_has_an_image_and_a_mask_for_every_frame_and_nothing_else(written):
    expected = {'classes.json'}
    for split, count in COUNTS.items():
        expected |= {f'{split}/{name}' for name in ('drawn.jsonl', 'instances.json', 'labels.csv')}
        for number in range(count):
            expected |= {f'{split}/images/{number:06}.jpg', f'{split}/masks/{number:06}.png'}
    assert set(contents(written)) == expected


@pytest.mark.parametrize('split', COUNTS)
def test_masks_are_exact_and_images_nearly_so(written, split):
    for number in range(COUNTS[split]):
        scene = scene_of(split, number)
        image = cv2.imread(str(written / split / 'images' / f'{number:06}.jpg'))
        mask = cv2.imread(str(written / split / 'masks' / f'{number:06}.png'),
                          cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, scene.mask)
        assert image.shape == scene.image_bgr.shape
        assert cv2.PSNR(image, scene.image_bgr) > 28


@pytest.mark.parametrize('split', COUNTS)
def test_pycocotools_reads_the_boxes_and_classes_of_the_scenes(written, split):
    coco = read_coco(written / split / 'instances.json')
    names = {category['id']: category['name'] for category in coco.loadCats(coco.getCatIds())}
    assert min(names) == 1 and tuple(names.values()) == STREET_OBJECTS.names
    assert min(coco.getAnnIds()) == 1
    assert len(coco.getImgIds()) == COUNTS[split]
    for image in coco.loadImgs(coco.getImgIds()):
        assert (image['width'], image['height']) == (160, 120)
        scene = scene_of(split, int(image['file_name'].partition('.')[0]))
        found = coco.loadAnns(coco.getAnnIds(imgIds=image['id']))
        boxes = np.array([annotation['bbox'] for annotation in found], float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        np.testing.assert_array_equal(boxes, scene.boxes_xyxy)
        assert ([names[annotation['category_id']] for annotation in found]
                == [STREET_OBJECTS.names[i] for i in scene.box_class_ids])
        for annotation in found:
            assert annotation['area'] == annotation['bbox'][2] * annotation['bbox'][3]
            assert annotation['iscrowd'] == 0


@pytest.mark.parametrize('split', COUNTS)
def test_the_table_of_labels_names_the_label_of_every_frame(written, split):
    with open(written / split / 'labels.csv', newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {'file_name': f'{number:06}.jpg',
         'label': STREET_SCENES.names[scene_of(split, number).label_id]}
        for number in range(COUNTS[split])
    ]


def test_the_classes_have_their_names_and_colours(written):
    classes = json.loads((written / 'classes.json').read_text())
    labels = {'scenes': STREET_SCENES, 'objects': STREET_OBJECTS, 'surfaces': STREET_SURFACES}
    assert set(classes) == set(labels)
    for kind, of_kind in labels.items():
        assert tuple(classes[kind]['names']) == of_kind.names
        assert tuple(map(tuple, classes[kind]['colors_rgb'])) == of_kind.colors_rgb
    assert classes['surfaces']['ignore_index'] == 255
    assert 'ignore_index' not in classes['objects']


def test_splits_share_no_seed_and_what_measures_is_held_out():
    seeds = {split.name: split.seeds for split in SPLITS}
    assert {name: of_split[0] for name, of_split in seeds.items()} == FIRST_SEEDS
    assert (seeds['train'][-1] < HELD_OUT_SEED <= seeds['test'][0]
            <= seeds['test'][-1] < seeds['val'][0])


@pytest.mark.parametrize('frames', [0, 1, 9, 12])
def test_a_stopped_run_goes_on_to_the_same_data_set(written, tmp_path, frames):
    with pytest.raises(StoppedError):
        write(tmp_path, map_frames=stop_after(frames))
    for split in COUNTS:
        assert not (tmp_path / split / 'instances.json').exists()
    assert write(tmp_path) == 16 - frames
    assert contents(tmp_path) == contents(written)


def test_a_killed_run_leaves_no_half_file_and_goes_on_to_the_same_data_set(tmp_path):
    code = ('import sys, pathlib; from synthetic_street.dataset import write_dataset; '
            'write_dataset(pathlib.Path(sys.argv[1]), counts={"train": 400}, width=160, '
            'height=120)')
    folder, journal = tmp_path / 'killed', tmp_path / 'killed' / 'train' / 'drawn.jsonl'
    with subprocess.Popen([sys.executable, '-c', code, str(folder)], cwd=ROOT) as process:
        while not (journal.exists() and journal.read_bytes().count(b'\n') > 20):
            assert process.poll() is None
            time.sleep(0.002)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    pictures = [*(folder / 'train' / 'images').glob('*.jpg'),
                *(folder / 'train' / 'masks').glob('*.png')]
    assert len(pictures) >= 40
    for path in pictures:
        assert cv2.imread(str(path)).shape == (120, 160, 3)
    known = journal.read_bytes().count(b'\n') - 1
    assert write(folder, counts={'train': known + 5}) == 5
    assert write(tmp_path / 'whole', counts={'train': known + 5}) == known + 5
    assert contents(folder) == contents(tmp_path / 'whole')


@pytest.mark.parametrize('cut', [1, 7, 20, 100])
def test_a_line_of_the_journal_that_was_cut_is_drawn_again(written, tmp_path, cut):
    write(tmp_path)
    journal = tmp_path / 'train' / 'drawn.jsonl'
    lost = journal.read_bytes()[-cut:].count(b'\n')
    os.truncate(journal, journal.stat().st_size - cut)
    assert write(tmp_path) == lost
    assert contents(tmp_path) == contents(written)


@pytest.mark.parametrize('spoil', [Path.unlink, lambda path: path.write_bytes(b'')])
@pytest.mark.parametrize('name', ['images/000002.jpg', 'masks/000005.png'])
def test_a_frame_that_got_lost_is_drawn_again(written, tmp_path, name, spoil):
    write(tmp_path)
    spoil(tmp_path / 'train' / name)
    assert write(tmp_path) == 1
    assert contents(tmp_path) == contents(written)


def test_what_a_stopped_run_left_half_done_is_cleared_away(written, tmp_path):
    with pytest.raises(StoppedError):
        write(tmp_path, map_frames=stop_after(2))
    (tmp_path / 'train' / 'images' / '000002.jpg.part').write_bytes(b'half')
    (tmp_path / 'train' / 'masks' / '000100.png').write_bytes(b'drawn ahead of the journal')
    write(tmp_path)
    assert contents(tmp_path) == contents(written)


def test_a_finished_data_set_is_not_drawn_again(tmp_path):
    write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.jpg')}
    assert write(tmp_path) == 0
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.jpg')}


def test_a_split_grows_and_another_can_be_added_later(written, tmp_path):
    assert write(tmp_path, counts={'train': 4}) == 4
    assert not (tmp_path / 'val').exists()
    assert write(tmp_path) == 12
    assert contents(tmp_path) == contents(written)


@pytest.mark.parametrize('change, message', [
    ({'width': 200}, 'holds frames with width 160, and these would have 200; name another folder'),
    ({'height': 121}, 'holds frames with height 120, and these would have 121'),
    ({'counts': {'train': 8}}, 'holds 9 frames, and 8 were asked for; ask for as many or more')])
def test_another_data_set_is_not_mixed_into_one_that_is_there(tmp_path, change, message):
    write(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(StreetError, match=message):
        write(tmp_path, **change)
    assert contents(tmp_path) == before


def test_frames_of_another_version_of_the_street_are_not_mixed_in(tmp_path):
    write(tmp_path, counts={'val': 2})
    journal = tmp_path / 'val' / 'drawn.jsonl'
    now = street_fingerprint()
    journal.write_text(journal.read_text().replace(now, '0123456789ab'))
    with pytest.raises(StreetError, match=f'street_version 0123456789ab, .* would have {now}'):
        write(tmp_path, counts={'train': 2})
    assert not (tmp_path / 'train').exists()


def test_a_folder_that_holds_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / 'train' / 'images').mkdir(parents=True)
    (tmp_path / 'train' / 'images' / '000000.jpg').write_bytes(b'mine')
    with pytest.raises(StreetError, match=r'train holds files but no drawn\.jsonl'):
        write(tmp_path)
    assert contents(tmp_path) == {'train/images/000000.jpg': b'mine'}


@pytest.mark.parametrize('text', ['', 'no json\n', '{}\n', '[1, 2]\n'])
def test_a_journal_that_is_none_is_refused(tmp_path, text):
    (tmp_path / 'train').mkdir()
    (tmp_path / 'train' / 'drawn.jsonl').write_text(text)
    with pytest.raises(StreetError, match=r'drawn\.jsonl cannot be read; remove .*train, or name'):
        write(tmp_path)


@pytest.mark.parametrize('options, message', [
    ({'counts': {'train': -1}}, r'-1 frames of train cannot be drawn, expected 0\.\.1000000'),
    ({'counts': {'test': 500_001}}, r'500001 frames of test .* expected 0\.\.500000'),
    ({'counts': {'val': 0}}, 'no frames were asked for'),
    ({'width': 8}, 'a frame of 8x120 pixels cannot be drawn')])
def test_what_cannot_be_drawn_is_refused_before_anything_is_written(tmp_path, options, message):
    with pytest.raises(StreetError, match=message):
        write(tmp_path / 'new', **options)
    assert not (tmp_path / 'new').exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(StreetError, match=r'file/train.* cannot be written \(Not a directory\)'):
        write(tmp_path / 'file')


def test_a_disk_that_is_full_is_named_and_what_was_drawn_is_kept(written, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(path.stat().st_size for path in (written / 'train' / 'images').iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, hard))
    try:
        with pytest.raises(StreetError, match=r'\.jpg cannot be written \(File too large\)'):
            write(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.rglob('*.part'))
    write(tmp_path)
    assert contents(tmp_path) == contents(written)


def test_files_that_vanish_while_others_are_drawn_are_reported(tmp_path):
    def map_frames(draw, drawings):
        yield from map(draw_frame, drawings)
        (tmp_path / 'train' / 'images' / '000001.jpg').unlink()

    with pytest.raises(StreetError, match='train lost frame 1 while others were drawn'):
        write(tmp_path, map_frames=map_frames, counts={'train': 3})
    assert not (tmp_path / 'train' / 'instances.json').exists()
