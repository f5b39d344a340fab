"""The double has what each version has, and no more."""

import json
import os
from pathlib import Path

import pytest
import tensorrt_double
from tensorrt_double.api_table import API, VERSIONS, has, names_of
from tensorrt_double.importers import importers_of

StrictError = tensorrt_double.StrictError


def test_the_spans_of_the_table_are_in_order_and_no_name_stands_twice():
    for name, table in API.items():
        for version in VERSIONS:
            names = [member for spans, members in table.items() if has(version, spans)
                     for member in members.split()]
            assert len(names) == len(set(names)), (name, version)
        for span in (span for spans in table for span in spans.split()):
            first, last = span.split('-')
            assert VERSIONS.index(first) <= VERSIONS.index(last)


@pytest.mark.parametrize('name, member, versions', [
    ('ICudaEngine', 'num_bindings', '8.2 8.5 8.6'),
    ('ICudaEngine', 'num_io_tensors', '8.5 8.6 10.3 10.13 11'),
    ('IExecutionContext', 'execute_async_v2', '8.2 8.5 8.6'),
    ('IExecutionContext', 'execute_async_v3', '8.5 8.6 10.3 10.13 11'),
    ('IExecutionContext', 'execute_v2', '8.2 8.5 8.6 10.3 10.13 11'),
    ('IBuilderConfig', 'max_workspace_size', '8.2 8.5 8.6'),
    ('IBuilderConfig', 'set_memory_pool_limit', '8.5 8.6 10.3 10.13 11'),
    ('BuilderFlag', 'FP16', '8.2 8.5 8.6 10.3 10.13'),
    ('BuilderFlag', 'OBEY_PRECISION_CONSTRAINTS', '8.2 8.5 8.6 10.3 10.13'),
    ('ILayer', 'precision', '8.2 8.5 8.6 10.3 10.13'),
    ('NetworkDefinitionCreationFlag', 'EXPLICIT_BATCH', '8.2 8.5 8.6 10.3 10.13'),
    ('NetworkDefinitionCreationFlag', 'STRONGLY_TYPED', '10.3 10.13 11'),
    ('ICudaEngine', 'device_memory_size', '8.2 8.5 8.6 10.3 10.13'),
    ('Builder', 'platform_has_fast_fp16', '8.2 8.5 8.6 10.3 10.13'),
    ('DataType', 'UINT8', '8.5 8.6 10.3 10.13 11'),
    ('IBuilderConfig', 'progress_monitor', '10.3 10.13 11'),
])
def test_the_module_has_a_name_exactly_where_the_facts_say(tmp_path, name, member, versions):
    for version in VERSIONS:
        with tensorrt_double.installed(version, tmp_path):
            import tensorrt
            assert hasattr(getattr(tensorrt, name), member) == (version in versions.split())


def test_every_class_has_the_names_of_the_table_and_no_others(tensorrt_version):
    import tensorrt
    for name, table in API.items():
        expected = names_of(tensorrt_version, table)
        cls = getattr(tensorrt, name, None)
        if not expected:
            assert cls is None, name
            continue
        if hasattr(cls, '__members__'):
            assert set(cls.__members__) == expected - {'name', 'value', 'itemsize'}
        else:
            base = set(dir(bytes)) if issubclass(cls, bytes) else set()
            assert {entry for entry in dir(cls)
                    if not entry.startswith('_')} - base == expected, name


@pytest.mark.skipif('TENSORRT_API' not in os.environ, reason='TENSORRT_API names no folder of '
                    'listings, VERSION.json with {class: [names]}')
@pytest.mark.parametrize('version', VERSIONS)
def test_the_table_says_what_the_real_bindings_say(version):
    listing = json.loads((Path(os.environ['TENSORRT_API']) / f'{version}.json').read_text())
    for name, table in API.items():
        real = {entry for entry in listing.get(name, []) if not entry.startswith('_')}
        assert names_of(version, table) == real, name


def test_what_the_double_has_not_made_up_is_there_and_says_so(tmp_path):
    with (pytest.raises(StrictError, match='add what it does'),
          tensorrt_double.installed('8.6', tmp_path)):
        import tensorrt
        builder = tensorrt.Builder(tensorrt.Logger())
        assert hasattr(builder, 'is_network_supported')
        builder.is_network_supported()


def test_an_attribute_that_a_version_has_not_can_neither_be_read_nor_set(tmp_path):
    with tensorrt_double.installed('10.3', tmp_path):
        import tensorrt
        config = tensorrt.Builder(tensorrt.Logger()).create_builder_config()
        with pytest.raises(AttributeError):
            config.max_workspace_size = 1
        with pytest.raises(AttributeError):
            tensorrt.BuilderFlag.STRICT_TYPES  # noqa: B018


def test_only_what_has_a_constructor_can_be_made_by_hand(tensorrt_version):
    import tensorrt
    with pytest.raises(TypeError, match='No constructor defined'):
        tensorrt.ICudaEngine()


def test_a_logger_must_call_the_constructor_of_its_base(tensorrt_version):
    import tensorrt

    class Forgetful(tensorrt.ILogger):
        def __init__(self):
            pass

    with pytest.raises(TypeError, match='must be called when overriding'):
        Forgetful()


def test_there_are_130_operators_in_8_2_and_none_is_lost_later():
    assert len(importers_of('8.2')) == 130
    for older, newer in zip(VERSIONS, VERSIONS[1:]):
        assert importers_of(older) <= importers_of(newer)
    assert 'LayerNormalization' not in importers_of('8.5')
    assert 'LayerNormalization' in importers_of('8.6')
