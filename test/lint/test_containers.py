"""The container images, as far as they can be checked without building one."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from source_tree import ROOT
from test_tools import check

DOCKER = ROOT / 'docker'
DOCKERFILES = sorted(DOCKER.glob('Dockerfile.*'))
REQUIREMENTS = sorted(DOCKER.glob('requirements-*.txt'))
GUIDE = (ROOT / 'docs' / 'jetson_nano.md').read_text(encoding='utf-8')
# The Python and the machine that each file is for, as uv names them; and the packages that have no
# wheels for it.
PLATFORMS = {
    'jetson-nano': ('3.6', 'aarch64-manylinux2014', ('pycuda', 'pytools')),
    'jetpack6': ('3.10', 'aarch64-manylinux_2_35', ('pycuda',)),
    'x86': ('3.12', 'x86_64-manylinux_2_39', ()),
    'x86-gpu': ('3.12', 'x86_64-manylinux_2_39', ('pycuda',)),
}
NVIDIAS_OWN = re.compile(r'tensorrt.*')


def name_of(path):
    """Give what a Dockerfile or a file of requirements is for."""
    return re.sub(r'^(Dockerfile\.|requirements-)|\.txt$', '', path.name)


def pins_of(path):
    """Read a file of requirements as names and versions."""
    lines = path.read_text(encoding='utf-8').splitlines()
    return dict(line.split('==') for line in lines if line and not line.startswith('#'))


def in_build_context():
    """Give the patterns of the files that Docker is sent: everything else is ignored."""
    lines = (ROOT / '.dockerignore').read_text(encoding='utf-8').splitlines()
    rules = [line for line in lines if line and not line.startswith('#')]
    assert rules[0] == '*'
    return [line[1:] for line in rules if line.startswith('!')]


@pytest.fixture
def build_context(tmp_path):
    """Copy what Docker is sent."""
    for name in in_build_context():
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__'))
        else:
            shutil.copy(source, target)
    return tmp_path


def installed_by(setup, target):
    """Run a setup.py's install and give the installed files below the target."""
    shutil.rmtree(target, ignore_errors=True)
    work = target.with_name(f'{target.name}-work')
    subprocess.run(
        [sys.executable, 'setup.py', '--quiet', 'build', '--build-base', str(work), 'install',
         '--root', str(target), '--single-version-externally-managed', '--no-compile'],
        cwd=setup.parent, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {path.relative_to(target) for path in target.rglob('*') if path.is_file()}


def test_hadolint_finds_nothing():
    check('hadolint', '--config', '.hadolint.yaml', *map(str, DOCKERFILES))


def test_the_entry_point_is_a_program_that_bash_can_read():
    entry_point = DOCKER / 'entrypoint.sh'
    assert entry_point.stat().st_mode & 0o111
    subprocess.run(['bash', '-n', str(entry_point)], check=True)


@pytest.mark.parametrize('dockerfile', DOCKERFILES, ids=name_of)
def test_what_a_dockerfile_copies_is_there_and_sent_to_docker(dockerfile):
    copied = re.findall(r'^COPY (?!--from)(\S+) ', dockerfile.read_text(encoding='utf-8'),
                        re.MULTILINE)
    assert '.' in copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source == '.' or source.split('/')[0] in in_build_context(), source


@pytest.mark.parametrize('dockerfile', DOCKERFILES, ids=name_of)
def test_a_base_image_is_pinned_and_named_where_it_is_explained(dockerfile):
    bases = re.findall(r'^FROM (\S+:\S+)', dockerfile.read_text(encoding='utf-8'), re.MULTILINE)
    assert bases
    for base in bases:
        assert base in GUIDE, base


def test_docker_is_sent_everything_that_the_package_installs(build_context, tmp_path_factory):
    out = tmp_path_factory.mktemp('installed')
    everything = out / 'source'
    shutil.copytree(ROOT, everything, ignore=shutil.ignore_patterns(
        '.git', '.venv', 'out', 'build', 'dist', 'shared', '*.egg-info', '__pycache__'))
    from_source = installed_by(everything / 'setup.py', out / 'all')
    assert any(path.suffix == '.onnx' for path in from_source)
    assert installed_by(build_context / 'setup.py', out / 'some') == from_source


@pytest.mark.parametrize('path', REQUIREMENTS, ids=name_of)
def test_every_requirement_of_an_image_is_pinned(path):
    assert path.stem.split('-', 1)[1] in PLATFORMS
    for line in path.read_text(encoding='utf-8').splitlines():
        assert not line or re.fullmatch(r'#.*|[a-z0-9-]+==[\w.]+', line), line


@pytest.mark.parametrize('dockerfile', DOCKERFILES, ids=name_of)
def test_an_image_has_what_the_package_requires(dockerfile):
    text = dockerfile.read_text(encoding='utf-8')
    pins = pins_of(DOCKER / f'requirements-{name_of(dockerfile)}.txt')
    assert 'onnxruntime' in pins
    assert 'numpy' in pins or 'python3-numpy' in text
    # The Nano's base image brings OpenCV along.
    assert 'opencv-python-headless' in pins or 'python3-opencv' in text or 'r32.7' in text


def test_the_guide_names_the_versions_that_the_images_pin():
    pins = pins_of(DOCKER / 'requirements-jetson-nano.txt')
    for title, package in [('ONNX Runtime', 'onnxruntime'), ('NumPy', 'numpy'),
                           ('PyCUDA', 'pycuda')]:
        assert re.search(rf'^\| {title} {re.escape(pins[package])} \|', GUIDE, re.MULTILINE), title
    for title, package, image in [
        ('ONNX Runtime', 'onnxruntime', 'jetpack6'), ('ONNX Runtime', 'onnxruntime', 'x86'),
        ('PyCUDA', 'pycuda', 'jetpack6'), ('PyCUDA', 'pycuda', 'x86-gpu'),
        ('TensorRT', 'tensorrt-cu12', 'x86-gpu'),
    ]:  # fmt: skip
        version = pins_of(DOCKER / f'requirements-{image}.txt')[package]
        assert f'{title} {version}' in GUIDE, (title, version)


@pytest.mark.slow
@pytest.mark.parametrize('path', REQUIREMENTS, ids=name_of)
def test_an_index_has_the_pinned_versions_for_the_machine_and_nothing_is_missing(path, tmp_path):
    python, machine, compiled = PLATFORMS[name_of(path)]
    wanted = {name: version for name, version in pins_of(path).items()
              if not NVIDIAS_OWN.fullmatch(name)}
    asked = tmp_path / 'requirements.txt'
    asked.write_text(''.join(f'{name}=={version}\n' for name, version in wanted.items()),
                     encoding='utf-8')
    uv = shutil.which('uv') or str(Path(sys.executable).with_name('uv'))
    command = [uv, 'pip', 'compile', '--quiet', '--no-header', '--no-annotate',
               '--python-version', python, '--python-platform', machine,
               '--only-binary', ':all:', str(asked)]
    for package in compiled:
        command += ['--no-binary', package]
    result = subprocess.run(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False)
    assert result.returncode == 0, result.stderr
    found = dict(line.split('==') for line in result.stdout.splitlines())
    # The x86 image takes NumPy from Ubuntu.
    found = {name: version for name, version in found.items() if name != 'numpy' or name in wanted}
    assert found == wanted
