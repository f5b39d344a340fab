"""All checks in their order: the machine, its packages, ROS, and at last the models."""

import os
from typing import Dict, Iterator, Sequence

from edgenext_core.measure.health.device import (
    check_gpu,
    check_machine,
    check_memory,
    check_power,
    find_gpus,
)
from edgenext_core.measure.health.finding import (
    ERROR,
    OK,
    WARN,
    Finding,
    Surroundings,
    make_check,
)
from edgenext_core.measure.health.models import check_model, find_models
from edgenext_core.measure.health.packages import (
    check_numpy,
    check_onnxruntime,
    check_opencv,
    check_pycuda,
    check_python,
    check_tensorrt,
    check_torch,
)
from edgenext_core.measure.health.ros import (
    check_cv_bridge,
    check_dds_profile,
    check_messages,
    check_ros,
    check_shared_memory,
    check_socket_buffer,
)
from edgenext_core.measure.machine import describe_machine
from edgenext_core.measure.share_folders import PACKAGE, find_share

CHECKS = (
    ('Machine', check_machine),
    ('Memory', check_memory),
    ('Power', check_power),
    ('GPU', check_gpu),
    ('Python', check_python),
    ('NumPy', check_numpy),
    ('OpenCV', check_opencv),
    ('ONNX Runtime', check_onnxruntime),
    ('TensorRT', check_tensorrt),
    ('PyCUDA', check_pycuda),
    ('PyTorch', check_torch),
    ('ROS', check_ros),
    ('Messages', check_messages),
    ('DDS profile', check_dds_profile),
    ('Sockets', check_socket_buffer),
    ('/dev/shm', check_shared_memory),
    ('cv_bridge', check_cv_bridge),
)
"""The name and the function of each check that needs no model."""


def look_around(root: str = '/') -> Surroundings:
    """
    Collect what the checks look at.

    :param root: folder that has proc, sys, etc and var
    :return: this machine as this process sees it
    """
    gpus, no_gpu = find_gpus()
    return Surroundings(describe_machine(root), root, dict(os.environ), gpus, no_gpu)


def examine(models: Sequence[str], surroundings: Surroundings) -> Iterator[Finding]:
    """
    Make all checks.

    :param models: that the user names; without any, those that lie in engines/ are tried
    :param surroundings: what the checks look at
    :return: a finding after the other, as each is made
    """
    levels: Dict[str, str] = {}
    for name, check in CHECKS:
        finding = make_check(name, check, surroundings)
        if finding is not None:
            levels[name] = finding.level
            yield finding
    yield judge_backends(levels, has_gpu=bool(surroundings.gpus))
    paths = list(models) or find_models(find_share(PACKAGE))
    if not paths:
        yield Finding('Model', WARN, 'none in engines/ and engines/demo/', 'edgenext export '
                      'writes one; or name one: edgenext doctor MODEL')
    for path in paths:
        yield check_model(path, wanted=bool(models))


def judge_backends(levels: Dict[str, str], *, has_gpu: bool) -> Finding:
    """
    Say what models can run on.

    :param levels: of the findings by name
    :param has_gpu: whether CUDA's driver knows a GPU
    :return: an error where there is nothing
    """
    backends = []
    if has_gpu and levels.get('TensorRT') == levels.get('PyCUDA') == OK:
        backends.append('TensorRT on the GPU')
    if levels.get('ONNX Runtime') == OK:
        backends.append('ONNX Runtime on the CPU')
    if not backends:
        return Finding('Backend', ERROR, 'none', 'no model can run; the least is: pip install '
                       'onnxruntime')
    return Finding('Backend', OK, ', '.join(backends), 'what models can run on')
