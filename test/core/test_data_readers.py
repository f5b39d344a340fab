"""Data sets as people have them: read with their classes, or refused in a sentence."""

import json

import cv2
import numpy as np
import pytest
from tiny_recipes import COLORS_BGR, NAMES, SURFACES, write_data

from edgenext_core.data.classes import find_classes, named_classes
from edgenext_core.data.coco import CocoFolder
from edgenext_core.data.image_folder import LabelledImages
from edgenext_core.data.mask_folder import MaskFolder
from edgenext_core.data.samples import DataError
from edgenext_core.train.tasks import TRAINING_TASKS
from synthetic_street import draw_scene
from synthetic_street.dataset import write_dataset

READERS = [task.open_frames for task in TRAINING_TASKS.values()]


@pytest.fixture
def root(tmp_path):
    return write_data(tmp_path)


@pytest.fixture
def folders(tmp_path):
    """Two classes, a folder each, in train; one of them in val."""
    for split, name in (('train', 'cat'), ('train', 'dog'), ('val', 'dog')):
        (tmp_path / split / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / split / name / 'a.jpg'), np.zeros((20, 30, 3), np.uint8))
    return tmp_path


def classes(*names, **more):
    return named_classes(names, source='the test', **more)


def edit_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_mask_folder_gives_pictures_in_the_order_of_names(root):
    frames = MaskFolder(root, split='train', classes=classes(*SURFACES))
    assert len(frames) == 4
    assert frames.labels.names == SURFACES
    for index, color in enumerate(COLORS_BGR):
        image, truth = frames[index]
        inside = truth.class_ids == index + 1
        assert inside.sum() == 48 * 48
        assert (image[inside] == color).all()


def test_the_classes_of_masks_are_void_where_ignored(root):
    path = root / 'train' / 'masks' / '000000.png'
    mask = np.zeros((96, 96), np.uint8)
    mask[0], mask[1] = 255, 4
    cv2.imwrite(str(path), mask)
    ignoring = classes(*SURFACES[:4], ignore_index=4)
    truth = MaskFolder(root, split='train', classes=ignoring)[0].truth
    assert (truth.class_ids[:2] == 255).all()
    assert (truth.class_ids[2:] == 0).all()


def test_masks_are_renumbered_by_the_names_of_the_labels(root):
    other = classes('more', *reversed(SURFACES))
    frames = MaskFolder(root, split='train', classes=classes(*SURFACES), labels=other)
    assert frames.labels == other
    for index, name in enumerate(NAMES):
        found = {other.names[class_id] for class_id in np.unique(frames[index].truth.class_ids)}
        assert found == {'dark', name}


def test_a_mask_with_a_value_that_is_no_class_is_named(root):
    frames = MaskFolder(root, split='train', classes=classes(*SURFACES[:4]))
    assert len(frames[0].truth.class_ids) == 96
    with pytest.raises(DataError, match=r'000003.png has the value 4, expected .* 0 to 3, or 255'):
        frames[3]


def test_masks_whose_classes_nobody_names_are_refused(root):
    with pytest.raises(DataError, match='holds numbers only, and nobody says which classes'):
        MaskFolder(root, split='train')


def test_masks_have_at_most_254_classes(root):
    MaskFolder(root, split='train', classes=classes(*map(str, range(254))))
    with pytest.raises(DataError, match='there are 255 classes, expected at most 254'):
        MaskFolder(root, split='train', classes=classes(*map(str, range(255))))


def test_a_missing_mask_is_named(root):
    (root / 'train' / 'masks' / '000001.png').unlink()
    (root / 'train' / 'masks' / '000002.png').unlink()
    with pytest.raises(DataError, match=r'masks/000001\.png is missing, as are 1 more'):
        MaskFolder(root, split='train', classes=classes(*SURFACES))


@pytest.mark.parametrize('mask', [
    np.zeros((5, 5), np.uint8), np.zeros((96, 96, 3), np.uint8), np.zeros((96, 96), np.uint16)])
def test_a_mask_of_another_form_is_refused(root, mask):
    cv2.imwrite(str(root / 'train' / 'masks' / '000000.png'), mask)
    with pytest.raises(DataError, match=r'000000.png is \(.*, expected one channel of uint8'):
        MaskFolder(root, split='train', classes=classes(*SURFACES))[0]


@pytest.mark.parametrize('content', [b'no picture', b''])
@pytest.mark.parametrize('reader', READERS)
def test_a_broken_picture_is_named(root, reader, content):
    (root / 'train' / 'images' / '000002.png').write_bytes(content)
    frames = reader(root, split='train', classes=find_classes(root, 'surfaces'))
    with pytest.raises(DataError, match=r'000002\.png cannot be decoded'):
        frames[2]


@pytest.mark.parametrize('reader', READERS)
def test_a_missing_root_or_split_is_named(root, reader):
    with pytest.raises(DataError, match='nowhere is not there; give the root of a data set'):
        reader(root / 'nowhere', split='train')
    with pytest.raises(DataError, match=r"has no split 'test', .* it has train, val"):
        reader(root, split='test')


@pytest.mark.parametrize(('reader', 'message'), [
    (MaskFolder, 'images holds no pictures'),
    (CocoFolder, 'has no boxes, expected .*instances.json or .*instances_train.json'),
    (LabelledImages, 'holds no classes of pictures, expected a folder a class'),
])
def test_an_empty_split_says_what_it_lacks(tmp_path, reader, message):
    (tmp_path / 'train').mkdir()
    with pytest.raises(DataError, match=message):
        reader(tmp_path, split='train')


@pytest.mark.parametrize('reader', [CocoFolder, LabelledImages])
def test_a_missing_picture_is_named(root, reader):
    (root / 'train' / 'images' / '000003.png').unlink()
    with pytest.raises(DataError, match=r'000003\.png is missing; add what is missing'):
        reader(root, split='train')


def test_what_lies_beside_the_pictures_is_no_picture(root):
    for name in ('notes.txt', '.hidden.png', 'Thumbs.db'):
        (root / 'train' / 'images' / name).write_bytes(b'')
    assert len(MaskFolder(root, split='train', classes=classes(*SURFACES))) == 4


def test_boxes_are_read_with_the_categories_of_the_file(root):
    frames = CocoFolder(root, split='train')
    assert frames.labels.names == NAMES
    for index, color in enumerate(COLORS_BGR):
        image, truth = frames[index]
        left, top, right, bottom = truth.boxes_xyxy[0].astype(int)
        assert truth.class_ids.tolist() == [index]
        assert (image[top:bottom, left:right] == color).all()
        assert (right - left, bottom - top) == (48, 48)


def test_cocos_own_layout_is_read_too(root):
    (root / 'annotations').mkdir()
    (root / 'val' / 'instances.json').rename(root / 'annotations' / 'instances_val.json')
    for path in (root / 'val' / 'images').iterdir():
        path.rename(root / 'val' / path.name)
    assert CocoFolder(root, split='val')[3].truth.class_ids.tolist() == [3]


def test_categories_may_have_any_ids_and_follow_the_names_of_the_labels(root):
    def change(content):
        for row in content['categories']:
            row['id'] = 90 - 10 * row['id']
        for row in content['annotations']:
            row['category_id'] = 90 - 10 * row['category_id']

    edit_json(root / 'train' / 'instances.json', change)
    own = CocoFolder(root, split='train')
    assert own.labels.names == tuple(reversed(NAMES))
    assert own[0].truth.class_ids.tolist() == [3]
    assert CocoFolder(root, split='train', classes=classes(*NAMES))[0].truth.class_ids == [0]


def test_crowds_and_boxes_without_an_area_are_left_out(root):
    def change(content):
        content['annotations'][0]['iscrowd'] = 1
        content['annotations'][1]['bbox'][2] = 0

    edit_json(root / 'train' / 'instances.json', change)
    frames = CocoFolder(root, split='train')
    assert [len(frames[index].truth.boxes_xyxy) for index in range(4)] == [0, 0, 1, 1]


@pytest.mark.parametrize(('change', 'message'), [
    (lambda content: content.pop('categories'), 'has no categories, expected a list'),
    (lambda content: content.update(images=[]), 'has no images, expected a list'),
    (lambda content: content.update(annotations=[]), 'has no annotations, expected a list'),
    (lambda content: content.update(annotations={}), 'has no annotations, expected a list'),
    (lambda content: content['images'][1].pop('file_name'), 'entry 1 of images is incomplete'),
    (lambda content: content['annotations'].insert(2, 3), 'entry 2 of annotations is incomplete'),
    (lambda content: content['annotations'][3].update(category_id=9), 'category 9, expected ids'),
    (lambda content: content['annotations'][3].update(image_id='9'), "of image '9'"),
    (lambda content: content['annotations'][3].update(bbox=[1, 2, 3]), r'is \[1, 2, 3\], expec'),
    (lambda content: content['annotations'][3].update(bbox='box'), "is 'box', expected"),
    (lambda content: content['categories'][0].update(name='red'), "the class 'red' twice"),
])
def test_a_file_that_is_not_in_cocos_form_is_refused(root, change, message):
    edit_json(root / 'train' / 'instances.json', change)
    with pytest.raises(DataError, match=message):
        CocoFolder(root, split='train')


@pytest.mark.parametrize('content', ['{', '[]', '"text"', 'null', ''])
def test_a_file_that_is_no_json_object_is_refused(root, content):
    (root / 'train' / 'instances.json').write_text(content)
    with pytest.raises(DataError, match='(is no JSON|has no images)'):
        CocoFolder(root, split='train')


def test_folders_are_classes(folders):
    frames = LabelledImages(folders, split='train')
    assert frames.labels.names == ('cat', 'dog')
    assert [frames[index].truth.class_ids.tolist() for index in range(2)] == [[0], [1]]
    val = LabelledImages(folders, split='val', labels=frames.labels)
    assert val[0].truth.class_ids.tolist() == [1]


def test_a_folder_without_pictures_is_refused(folders):
    (folders / 'train' / 'cow').mkdir()
    with pytest.raises(DataError, match='with pictures in each.*cow'):
        LabelledImages(folders, split='train')


def test_a_table_names_the_classes_of_pictures(root):
    frames = LabelledImages(root, split='train')
    assert frames.labels.names == NAMES
    assert [int(frames[index].truth.class_ids[0]) for index in range(4)] == [0, 1, 2, 3]
    other = LabelledImages(root, split='train', classes=classes(*reversed(NAMES)))
    assert [int(other[index].truth.class_ids[0]) for index in range(4)] == [3, 2, 1, 0]


@pytest.mark.parametrize('text', [
    '', 'file_name,label\n', 'picture,label\n000000.png,red\n', 'file_name,label\n000000.png\n',
    'file_name,label\n000000.png,\n', '000000.png,red\n'])
def test_a_table_that_is_incomplete_is_refused(root, text):
    (root / 'train' / 'labels.csv').write_text(text)
    with pytest.raises(DataError, match='labels.csv is incomplete, expected a first line file_'):
        LabelledImages(root, split='train')


def test_pictures_of_masks_or_boxes_are_no_classes(root):
    (root / 'train' / 'labels.csv').unlink()
    with pytest.raises(DataError, match='nothing says of which class they are'):
        LabelledImages(root, split='train')


@pytest.mark.parametrize('reader', READERS)
def test_a_class_that_the_labels_lack_is_named_with_both(root, reader):
    with pytest.raises(DataError, match=r'has the classes .*white, of which .* none of dark, red'):
        reader(root, split='train', classes=find_classes(root, 'surfaces'),
               labels=classes('dark', 'red'))


def test_the_street_is_a_data_set_like_any_other(tmp_path):
    write_dataset(tmp_path, counts={'train': 3}, width=160, height=120)
    for task, entry in (('classification', 'scenes'), ('detection', 'objects'),
                        ('segmentation', 'surfaces')):
        frames = TRAINING_TASKS[task].open_frames(
            tmp_path, split='train', classes=find_classes(tmp_path, entry))
        image, truth = frames[2]
        expected = draw_scene(2, width=160, height=120)
        assert np.abs(image.astype(int) - expected.image_bgr).mean() < 8  # a JPEG
        if task == 'classification':
            assert truth.class_ids.tolist() == [expected.label_id]
        elif task == 'detection':
            np.testing.assert_allclose(truth.boxes_xyxy, expected.boxes_xyxy)
            np.testing.assert_array_equal(truth.class_ids, expected.box_class_ids)
        else:
            np.testing.assert_array_equal(truth.class_ids, expected.mask)


def test_classes_are_found_where_somebody_names_them(root):
    assert find_classes(root, ['a', 'b']).names == ('a', 'b')
    assert find_classes(root, 'surfaces').names == SURFACES
    assert find_classes(root, 'surfaces').ignore_index == 255
    assert find_classes(root, 'camvid').ignore_index == 11
    assert find_classes(root, None) is None
    assert find_classes(root, None, like=SURFACES).names == SURFACES
    (root / 'classes.json').write_text('{"names": ["c"], "colors_rgb": [[1, 2, 3]]}')
    assert find_classes(root, None) == classes('c', colors_rgb=[[1, 2, 3]])
    (root / 'classes.json').unlink()
    assert find_classes(root, None) is None


def test_a_data_folder_that_is_not_there_is_named_before_its_classes(root):
    with pytest.raises(DataError, match=r'the data folder .*absent is not there'):
        find_classes(root / 'absent', 'surfaces')


def test_a_file_of_classes_in_another_form_is_left_alone(root):
    for content in ('[1, 2]', '{"classes": [{"id": 0, "name": "sky"}], "ignore_index": 11}'):
        (root / 'classes.json').write_text(content)
        assert find_classes(root, None) is None
        assert find_classes(root, 'camvid').names[0] == 'sky'


def test_unknown_classes_are_refused_with_what_there_is(root):
    with pytest.raises(DataError, match=r"no classes 'trees', .*\(objects, surfaces\).*camvid"):
        find_classes(root, 'trees')


@pytest.mark.parametrize(('content', 'message'), [
    ('{', 'is no JSON'),
    ('{"names": ["a", "b", "a"]}', "names the class 'a' twice"),
    ('{"names": []}', 'names no class'),
    ('{"names": ["a", "b"], "colors_rgb": [[1, 2, 3]]}', 'has 1 colours for 2 classes'),
])
def test_a_wrong_file_of_classes_is_refused(root, content, message):
    (root / 'classes.json').write_text(content)
    with pytest.raises(DataError, match=message):
        find_classes(root, None)
