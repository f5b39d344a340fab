"""What the robot side brings along."""

import pathlib
import subprocess
import sys

import edgenext_core.runtime

PROGRAM = """
import importlib, pathlib, sys
folder = pathlib.Path(sys.argv[1])
backends = ('tensorrt', 'cuda_buffers', 'gpu_thread')  # these are not on every machine
for path in sorted(folder.rglob('*.py')):
    if path.stem in backends:
        continue
    name = '.'.join(path.relative_to(folder.parents[1]).with_suffix('').parts)
    importlib.import_module(name.replace('.__init__', ''))
print(*sorted({name.split('.')[0] for name in sys.modules}))
"""


def loaded_by(program):
    folder = pathlib.Path(edgenext_core.runtime.__file__).parent
    output = subprocess.check_output([sys.executable, '-c', program, str(folder)],
                                     cwd=str(folder.parent.parent), universal_newlines=True)
    return set(output.split())


def test_a_robot_needs_neither_torch_nor_onnx_nor_ros():
    loaded = loaded_by(PROGRAM)

    assert {'numpy', 'cv2', 'onnxruntime'} <= loaded
    assert loaded.isdisjoint({'torch', 'torchvision', 'onnx', 'timm', 'lightning', 'rclpy',
                              'edgenext_ros'})


def test_a_card_is_read_without_a_backend():
    loaded = loaded_by('import sys, edgenext_core.runtime.model_card\n'
                       'import edgenext_core.runtime.engines.interface\n'
                       'print(*{name.split(".")[0] for name in sys.modules})')

    assert 'onnxruntime' not in loaded
