"""Who may import whom: the table of the architecture, checked on every file."""

import sys
from typing import NamedTuple

from source_tree import imports_of, project_modules


class Layer(NamedTuple):
    """What the modules of one layer may import."""

    project: tuple = ()
    outside: tuple = ()


ROS = (
    'ament_index_python', 'builtin_interfaces', 'diagnostic_msgs', 'geometry_msgs',
    'rcl_interfaces', 'rclpy', 'sensor_msgs', 'std_msgs', 'vision_msgs',
)  # fmt: skip
# The longest prefix of a module's name decides. A layer may always import itself.
LAYERS = {
    'edgenext_core.labels': Layer(),
    'edgenext_core.runtime': Layer(('edgenext_core.labels',), ('numpy', 'cv2')),
    'edgenext_core.measure': Layer(
        ('edgenext_core.runtime', 'edgenext_core.labels'), ('numpy', 'cv2', 'pycocotools')
    ),
    # Imported late: a robot need not have onnx or matplotlib.
    'edgenext_core.measure.benchmark_plot': Layer(
        ('edgenext_core.measure', 'edgenext_core.runtime'), ('matplotlib',)
    ),
    'edgenext_core.measure.range_audit': Layer(
        ('edgenext_core.measure.pictures', 'edgenext_core.runtime'),
        ('numpy', 'onnx', 'onnxruntime'),
    ),
    'edgenext_core.runtime.engines.onnxruntime': Layer(
        ('edgenext_core.runtime',), ('numpy', 'onnxruntime')
    ),
    'edgenext_core.runtime.engines.cuda_buffers': Layer(
        ('edgenext_core.runtime',), ('numpy', 'pycuda')
    ),
    'edgenext_core.runtime.engines.gpu_thread': Layer(('edgenext_core.runtime',), ('pycuda',)),
    'synthetic_street': Layer(
        ('edgenext_core.labels', 'edgenext_core.runtime.errors', 'edgenext_core.runtime.records'),
        ('numpy', 'cv2'),
    ),
    'edgenext_core.models': Layer(
        ('edgenext_core.runtime.errors', 'edgenext_core.runtime.records'),
        ('numpy', 'torch', 'torchvision'),
    ),
    'edgenext_core.paper': Layer(('edgenext_core.models',), ('torch', 'tqdm')),
    'edgenext_core.weights': Layer(
        ('edgenext_core.models', 'edgenext_core.runtime.errors'),
        ('numpy', 'torch', 'safetensors', 'gdown'),
    ),
    'edgenext_core.data': Layer(
        ('edgenext_core.labels', 'edgenext_core.runtime.preprocess',
         'edgenext_core.runtime.records', 'edgenext_core.runtime.errors',
         'edgenext_core.runtime.model_card'),
        ('numpy', 'cv2', 'torch', 'torchvision'),
    ),
    'edgenext_core.train': Layer(
        ('edgenext_core.models', 'edgenext_core.weights', 'edgenext_core.data',
         'edgenext_core.labels', 'edgenext_core.measure', 'edgenext_core.runtime'),
        ('numpy', 'torch', 'torchvision', 'lightning', 'jsonargparse', 'timm', 'yaml'),
    ),
    'edgenext_core.export': Layer(
        ('edgenext_core.models', 'edgenext_core.runtime', 'edgenext_core.measure',
         'edgenext_core.labels', 'edgenext_core.weights'),
        ('numpy', 'cv2', 'torch', 'onnx', 'onnxruntime', 'onnxslim'),
    ),
    'edgenext_core.commands': Layer(),
    'edgenext_core.commands.prepare': Layer(
        ('edgenext_core.runtime.errors', 'synthetic_street'), ('cv2', 'tqdm')
    ),
    'edgenext_core.commands.build': Layer(('edgenext_core.runtime',)),
    'edgenext_core.commands.export': Layer(('edgenext_core.export', 'edgenext_core.weights')),
    'edgenext_core.commands.verify': Layer(
        ('edgenext_core.commands.progress', 'edgenext_core.measure', 'edgenext_core.runtime')
    ),
    'edgenext_core.commands.benchmark': Layer(
        ('edgenext_core.commands.progress', 'edgenext_core.measure', 'edgenext_core.runtime'),
        ('numpy',),
    ),
    'edgenext_core.commands.models': Layer(('edgenext_core.paper',)),
    'edgenext_core.commands.predict': Layer(
        ('edgenext_core.runtime', 'edgenext_core.commands.progress'), ('numpy',)
    ),
    'edgenext_core.commands.progress': Layer((), ('rich',)),
    'edgenext_core.commands.weights': Layer(('edgenext_core.weights',)),
    'edgenext_core.commands.fit': Layer(('edgenext_core.train',)),
    'edgenext_core.commands.doctor': Layer(('edgenext_core.measure',)),
    'edgenext_core.commands.evaluate': Layer(
        ('edgenext_core.train.tasks', 'edgenext_core.data', 'edgenext_core.labels',
         'edgenext_core.measure', 'edgenext_core.runtime'),
        ('tqdm',),
    ),
    'edgenext_core.cli': Layer(('edgenext_core.commands', 'edgenext_core.runtime.errors')),
    'edgenext_ros': Layer(
        ('edgenext_core.runtime', 'edgenext_core.measure.latency'), ('numpy', 'cv2', *ROS)
    ),
    'edgenext_ros.camera_node': Layer(
        ('edgenext_ros', 'edgenext_core.runtime', 'synthetic_street'), ROS
    ),
    'edgenext_ros.street_source': Layer(
        ('edgenext_ros', 'synthetic_street', 'edgenext_core.runtime'), ('numpy',)
    ),
    'edgenext_demo': Layer(
        ('edgenext_ros', 'edgenext_core.runtime', 'edgenext_core.measure', 'synthetic_street'),
        ('numpy', 'cv2', 'av', 'rich', 'rosbags', *ROS),
    ),
    'launch': Layer(outside=('launch', 'launch_ros')),
}
# Robots have no torch and not every backend, so these files import late; the downloader takes four
# times as long to import as everything else that lists the releases; a probe is the child process
# in which such a package is tried.
LATE_IMPORTERS = (
    'edgenext_core.cli',
    'edgenext_core.commands.progress',
    'edgenext_core.measure.benchmark_plot',
    'edgenext_core.measure.health.probe',
    'edgenext_core.measure.range_audit',
    'edgenext_core.measure.timed_models',
    'edgenext_core.runtime.engines.backends',
    'edgenext_core.runtime.engines.build_process',
    'edgenext_core.runtime.engines.nvidia',
    'edgenext_core.weights.download',
)


def layer_of(module):
    """Give the name of the layer that a module belongs to, or None."""
    return max((name for name in LAYERS if is_within(module, name)), key=len, default=None)


def is_within(module, prefix):
    """Tell whether a dotted name is the prefix or lies under it."""
    return module == prefix or module.startswith(prefix + '.')


def in_project(module):
    """Tell whether a dotted name is one of ours; `launch` in an import is ROS's."""
    return module.split('.')[0] in (
        'edgenext_core', 'edgenext_ros', 'edgenext_demo', 'synthetic_street'
    )


def may_import(importer, module):
    """Tell whether a module of the project may import another one."""
    name = layer_of(importer)
    layer = LAYERS[name]
    if module == 'edgenext_core':  # the version
        return True
    if in_project(module):
        return is_within(module, name) or any(
            is_within(module, prefix) for prefix in layer.project
        )
    top = module.split('.')[0]
    return top in sys.stdlib_module_names or top in layer.outside


def test_every_module_belongs_to_a_layer():
    lost = [
        name for name in project_modules() if layer_of(name) is None and name != 'edgenext_core'
    ]
    assert not lost, 'add these to LAYERS: ' + ', '.join(lost)


def test_a_module_imports_only_what_its_layer_may():
    wrong = [
        f'{name}, line {found.line}: {found.module}'
        for name, path in project_modules().items()
        for found in imports_of(path)
        if layer_of(name) and not may_import(name, found.module)
    ]
    assert not wrong, 'not allowed by LAYERS:\n' + '\n'.join(wrong)


def test_imports_stand_at_the_top_of_their_file():
    late = [
        f'{name}, line {found.line}: {found.module}'
        for name, path in project_modules().items()
        for found in imports_of(path)
        if found.inside_function and name not in LATE_IMPORTERS
    ]
    assert not late, 'imported inside a function:\n' + '\n'.join(late)


def test_no_import_goes_in_a_circle():
    modules = project_modules()
    graph = {
        name: {found.module for found in imports_of(path) if not found.inside_function}
        & modules.keys() - {name}
        for name, path in modules.items()
    }
    while graph:
        leaves = {name for name, imported in graph.items() if not imported}
        assert leaves, 'these modules import each other in a circle: ' + ', '.join(sorted(graph))
        graph = {name: imported - leaves for name, imported in graph.items() if name not in leaves}
