"""The command ``edgenext``: train, export, list and download models."""

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

DEMO_MODELS = {'segmentation': '', 'detection': 'segmentation', 'classification': 'segmentation'}
"""The demo's tasks in the order of their training, and whose encoder each starts from."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :param arguments: words after ``edgenext``; None takes the process's own
    :return: exit status; 1 if the command failed for a reason that the user can act on
    """
    logging.basicConfig(format='%(message)s')
    logging.getLogger('edgenext_core').setLevel(logging.INFO)
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except ModuleNotFoundError as error:
        return _complain(
            f'the Python package {error.name!r} is missing, and training and export need it; '
            "run: pip install 'edgenext_ros[train,export]'")
    except (OSError, ValueError) as error:
        return _complain(error)
    return 0


def _complain(message: object) -> int:
    print(f'edgenext: {message}', file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='edgenext', description=__doc__)
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    _add_train(commands.add_parser('train', help='train a model as a recipe says'))
    _add_export(commands.add_parser(
        'export', help='write a trained model, or released weights, as an ONNX file'))
    _add_evaluate(commands.add_parser('evaluate', help='measure an ONNX file on known truth'))
    _add_demo_models(commands.add_parser(
        'demo-models', help='train the models of the demo and export them'))
    _add_models(commands.add_parser(
        'models', help='list the models with parameters and multiply-adds'))
    _add_weights(commands.add_parser('weights', help='list and download released weights'))
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('recipe', type=Path, help='YAML file, see training/')
    parser.add_argument('--out', type=Path, help='folder of last.ckpt and logs '
                        '(default: out/training/<recipe>)')
    parser.add_argument('--data', type=Path, help='root of an image folder')
    parser.add_argument('--cache', type=Path, default=Path('out/scenes'),
                        help='folder of the drawn scenes (default: %(default)s)')
    parser.add_argument('--init', type=Path, help='start from the encoder of this checkpoint')
    parser.add_argument('--resume', type=Path, help='continue this interrupted run')
    parser.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> None:
    from edgenext_core.train.recipe import read_recipe
    from edgenext_core.train.run import train

    recipe = read_recipe(options.recipe)
    out = options.out or Path('out/training') / options.recipe.stem
    checkpoint = train(recipe, out=out, data=options.data, cache=options.cache,
                       init=options.init, resume=options.resume)
    print(f'trained weights: {checkpoint}')


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', help='last.ckpt of a training run, or a name of '
                        "'edgenext weights list'")
    parser.add_argument('out', type=Path, help='ONNX file to write')
    parser.add_argument('--input-size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'),
                        help="pixels (default: the recipe's, or the release's)")
    parser.add_argument('--float32', action='store_true',
                        help='store the weights in float32, not in float16')
    parser.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> None:
    from edgenext_core.export.exporter import export
    from edgenext_core.export.trained_network import from_release, from_run
    from edgenext_core.weights.releases import RELEASES

    released = any(options.source == release.name for release in RELEASES)
    source = from_release(options.source) if released else from_run(Path(options.source))
    report = export(
        source, options.out, half=not options.float32,
        input_size=options.input_size and tuple(options.input_size))
    print(f'PyTorch and ONNX Runtime differ by at most {report.parity:.2g}')
    if report.half_parity is not None:
        print(f'float32 and float16 weights differ by at most {report.half_parity:.2g}')
    print(f'{options.out}: {report.size_bytes / 1e6:.2f} MB')


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('model', type=Path, help='ONNX file')
    parser.add_argument('--data', type=Path,
                        help="root of a segmentation folder; without it, the world's stills")
    parser.add_argument('--split', default='val', help='of the folder (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=1_500_000,
                        help='first seed of the stills (default: %(default)s)')
    parser.add_argument('--scenes', type=int, default=200,
                        help='number of stills (default: %(default)s)')
    parser.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    from edgenext_core.data.mask_folder import SegmentationFolder
    from edgenext_core.export.evaluation import evaluate
    from synthetic_street import draw_scene

    samples: Iterable[Any]
    if options.data is None:
        samples = map(draw_scene, range(options.seed, options.seed + options.scenes))
    else:
        folder = SegmentationFolder(options.data, split=options.split)
        samples = map(folder.__getitem__, range(len(folder)))
    for name, value in evaluate(options.model, samples).items():
        print(f'{name:24} {value:.4f}')


def _add_demo_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--out', type=Path, default=Path('engines/demo'),
                        help='folder of the ONNX files (default: %(default)s)')
    parser.add_argument('--runs', type=Path, default=Path('out/training'),
                        help='folder of the runs, which continue if interrupted '
                        '(default: %(default)s)')
    parser.add_argument('--cache', type=Path, default=Path('out/scenes'),
                        help='folder of the drawn scenes (default: %(default)s)')
    parser.add_argument('--recipes', type=Path, default=Path('training'),
                        help='folder of the recipes (default: %(default)s)')
    parser.set_defaults(run=_demo_models)


def _demo_models(options: argparse.Namespace) -> None:
    from edgenext_core.export.exporter import export
    from edgenext_core.export.trained_network import from_run
    from edgenext_core.train.recipe import read_recipe
    from edgenext_core.train.run import train

    checkpoints: dict[str, Path] = {}
    for task, start in DEMO_MODELS.items():
        last = options.runs / task / 'last.ckpt'
        checkpoints[task] = train(
            read_recipe(options.recipes / f'world_{task}.yaml'), out=last.parent,
            cache=options.cache, init=checkpoints.get(start),
            resume=last if last.exists() else None)
        path = options.out / f'{task}.onnx'
        report = export(from_run(checkpoints[task]), path)
        print(f'{path}: {report.size_bytes / 1e6:.2f} MB')


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--resolution', type=int, metavar='PIXELS',
                        help='side of the square input (default: that of the paper)')
    parser.add_argument('--json', action='store_true', help='print JSON, not a table')
    parser.set_defaults(run=_models)


def _models(options: argparse.Namespace) -> None:
    from edgenext_core.paper.table import count_models, markdown

    rows = count_models(options.resolution)
    if options.json:
        print(json.dumps([row._asdict() for row in rows], indent=2))
    else:
        print(markdown(rows))


def _add_weights(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar='ACTION')
    listing = actions.add_parser('list', help='print what was released')
    listing.set_defaults(run=_list_weights)
    pull = actions.add_parser('pull', help="download into the user's cache")
    pull.add_argument('name', help='one of the list')
    pull.set_defaults(run=_pull_weights)


def _list_weights(options: argparse.Namespace) -> None:
    from edgenext_core.weights.releases import releases_table

    print(releases_table())


def _pull_weights(options: argparse.Namespace) -> None:
    from edgenext_core.weights.releases import pull_weights

    print(pull_weights(options.name))


if __name__ == '__main__':
    sys.exit(main())
