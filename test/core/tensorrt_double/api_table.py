"""
Which public name each TensorRT version binds to Python: the only thing that sets them apart here.

Read from the real thing, nothing is from memory:
8.2 and 8.5 from the pybind sources of NVIDIA/TensorRT at the tags 8.2.1 and 8.5.2
(python/src/infer/*.cpp, python/src/parsers/pyOnnx.cpp); 8.6, 10.3, 10.13 and 11 from ``dir()`` of
the bindings in the wheels tensorrt_bindings 8.6.1, tensorrt_cu12_bindings 10.3.0, 10.13.0.35 and
11.4.0.106, imported over empty libraries. Where both were read (8.6.1, 10.3.0, 10.13.0, 11.1),
they agree, but for ``Runtime.dla_workspace_allocation_strategy``, which 11.1 has not.
"""

VERSIONS = ('8.2', '8.5', '8.6', '10.3', '10.13', '11')

FULL_VERSIONS = {'8.2': '8.2.1.8', '8.5': '8.5.2.2', '8.6': '8.6.1', '10.3': '10.3.0',
                 '10.13': '10.13.0.35', '11': '11.4.0.106'}
"""What ``tensorrt.__version__`` says: the wheels' own; 8.2 and 8.5 as the README of their tags."""

API = {
    'Builder': {
        '8.2-11': (
            'build_serialized_network create_builder_config create_network '
            'create_optimization_profile error_recorder gpu_allocator is_network_supported '
            'logger max_DLA_batch_size num_DLA_cores reset'),
        '8.2-10.13': 'platform_has_fast_fp16 platform_has_fast_int8 platform_has_tf32',
        '8.2-8.6': 'build_engine max_batch_size',
        '8.5-11': 'max_threads',
        '8.6-11': 'get_plugin_registry',
        '10.13-11': 'build_engine_with_config build_serialized_network_to_stream',
    },
    'IBuilderConfig': {
        '8.2-11': (
            'DLA_core add_optimization_profile avg_timing_iterations can_run_on_DLA clear_flag '
            'create_timing_cache default_device_type engine_capability flags get_device_type '
            'get_flag get_tactic_sources get_timing_cache is_device_type_set '
            'num_optimization_profiles profile_stream profiling_verbosity reset '
            'reset_device_type set_device_type set_flag set_tactic_sources set_timing_cache'),
        '8.2-10.13': (
            'algorithm_selector clear_quantization_flag get_calibration_profile '
            'get_quantization_flag int8_calibrator quantization_flags set_calibration_profile '
            'set_quantization_flag'),
        '8.2-8.6': 'max_workspace_size min_timing_iterations',
        '8.5-11': (
            'get_memory_pool_limit get_preview_feature set_memory_pool_limit '
            'set_preview_feature'),
        '8.6-11': (
            'builder_optimization_level hardware_compatibility_level max_aux_streams '
            'plugins_to_serialize'),
        '10.3-11': 'progress_monitor runtime_platform',
        '10.13-11': (
            'l2_limit_for_tiling max_num_tactics remote_auto_tuning_config '
            'tiling_optimization_level'),
        '11-11': 'all_build_routes build_route',
    },
    'INetworkDefinition': {
        '8.2-11': (
            'add_activation add_assertion add_concatenation add_constant add_convolution_nd '
            'add_deconvolution_nd add_dequantize add_einsum add_elementwise add_fill add_gather '
            'add_gather_v2 add_identity add_if_conditional add_input add_loop add_lrn '
            'add_matrix_multiply add_padding_nd add_parametric_relu add_plugin_v2 '
            'add_pooling_nd add_quantize add_ragged_softmax add_reduce add_resize add_scale '
            'add_scale_nd add_scatter add_select add_shape add_shuffle add_slice add_softmax '
            'add_topk add_unary error_recorder get_input get_layer get_output '
            'has_implicit_batch_dimension mark_output mark_output_for_shapes name num_inputs '
            'num_layers num_outputs remove_tensor set_weights_name unmark_output '
            'unmark_output_for_shapes'),
        '8.2-8.6': (
            'add_convolution add_deconvolution add_fully_connected add_padding add_pooling '
            'add_rnn_v2 has_explicit_precision'),
        '8.5-11': 'add_grid_sample add_nms add_non_zero add_one_hot',
        '8.6-11': 'add_cast add_normalization add_reverse_sequence builder',
        '10.3-11': (
            'add_plugin_v3 are_weights_marked_refittable flags get_flag is_debug_tensor '
            'mark_debug mark_weights_refittable unmark_debug unmark_weights_refittable'),
        '10.13-11': (
            'add_cumulative add_dynamic_quantize add_plugin add_squeeze add_unsqueeze '
            'mark_unfused_tensors_as_debug_tensors unmark_unfused_tensors_as_debug_tensors'),
        '11-11': (
            'add_attention add_attention_v2 add_dist_collective add_dynamic_quantize_v2 '
            'add_kv_cache_update add_moe add_normalization_v2 add_rotary_embedding'),
    },
    'ILayer': {
        '8.2-11': (
            'get_input get_output get_output_type name num_inputs num_outputs set_input type'),
        '8.2-10.13': (
            'output_type_is_set precision precision_is_set reset_output_type reset_precision '
            'set_output_type'),
        '8.6-11': 'metadata',
        '11-11': 'num_ranks',
    },
    'ITensor': {
        '8.2-11': (
            'allowed_formats broadcast_across_batch dtype is_execution_tensor is_network_input '
            'is_network_output is_shape_tensor location name shape'),
        '8.2-10.13': 'dynamic_range reset_dynamic_range set_dynamic_range',
        '8.5-11': 'get_dimension_name set_dimension_name',
    },
    'OnnxParser': {
        '8.2-11': 'clear_errors get_error num_errors parse parse_from_file supports_operator',
        '8.2-10.13': 'parse_with_weight_descriptors supports_model',
        '8.6-11': 'clear_flag flags get_flag get_used_vc_plugin_libraries set_flag',
        '10.3-11': (
            'get_layer_output_tensor get_subgraph_nodes is_subgraph_supported num_subgraphs '
            'supports_model_v2'),
        '10.13-11': 'load_initializer load_model_proto parse_model_proto',
        '11-11': 'set_builder_config',
    },
    'ParserError': {
        '8.2-11': 'code desc file func line node',
        '10.3-11': 'local_function_stack local_function_stack_size node_name node_operator',
    },
    'ITimingCache': {
        '8.2-11': 'combine reset serialize',
        '10.13-11': 'query queryKeys update',
    },
    'IHostMemory': {
        '8.2-11': 'dtype nbytes',
    },
    'Runtime': {
        '8.2-11': (
            'DLA_core deserialize_cuda_engine error_recorder gpu_allocator logger num_DLA_cores'),
        '8.5-11': 'max_threads',
        '8.6-11': (
            'engine_host_code_allowed get_plugin_registry load_runtime tempfile_control_flags '
            'temporary_directory'),
        '11-11': 'dla_workspace_allocation_strategy',
    },
    'ICudaEngine': {
        '8.2-11': (
            'create_engine_inspector create_execution_context engine_capability error_recorder '
            'name num_layers num_optimization_profiles profiling_verbosity refittable serialize '
            'tactic_sources'),
        '8.2-10.13': (
            'create_execution_context_without_device_memory device_memory_size '
            'has_implicit_batch_dimension'),
        '8.2-8.6': (
            'binding_is_input get_binding_bytes_per_component '
            'get_binding_components_per_element get_binding_dtype get_binding_format '
            'get_binding_format_desc get_binding_index get_binding_name get_binding_shape '
            'get_binding_vectorized_dim get_location get_profile_shape get_profile_shape_input '
            'is_execution_binding is_shape_binding max_batch_size num_bindings'),
        '8.5-11': (
            'get_tensor_bytes_per_component get_tensor_components_per_element get_tensor_dtype '
            'get_tensor_format get_tensor_format_desc get_tensor_location get_tensor_mode '
            'get_tensor_name get_tensor_profile_shape get_tensor_shape '
            'get_tensor_vectorized_dim is_shape_inference_io num_io_tensors'),
        '8.6-11': 'hardware_compatibility_level num_aux_streams',
        '10.3-11': (
            'create_serialization_config device_memory_size_v2 '
            'get_device_memory_size_for_profile_v2 get_tensor_profile_values '
            'get_weight_streaming_automatic_budget is_debug_tensor serialize_with_config '
            'streamable_weights_size weight_streaming_budget_v2 '
            'weight_streaming_scratch_memory_size'),
        '10.3-10.13': (
            'get_device_memory_size_for_profile minimum_weight_streaming_budget '
            'weight_streaming_budget'),
        '10.13-11': 'create_runtime_config',
        '11-11': 'get_aliased_input_tensor get_engine_stat',
    },
    'IExecutionContext': {
        '8.2-11': (
            'active_optimization_profile all_binding_shapes_specified debug_sync device_memory '
            'engine enqueue_emits_profile error_recorder execute_v2 name profiler '
            'report_to_profiler set_optimization_profile_async'),
        '8.2-10.13': 'all_shape_inputs_specified',
        '8.2-8.6': (
            'execute execute_async execute_async_v2 get_binding_shape get_shape get_strides '
            'set_binding_shape set_shape_input'),
        '8.5-11': (
            'execute_async_v3 get_input_consumed_event get_max_output_size get_output_allocator '
            'get_tensor_address get_tensor_shape get_tensor_strides infer_shapes nvtx_verbosity '
            'persistent_cache_limit set_input_consumed_event set_input_shape '
            'set_output_allocator set_tensor_address temporary_allocator'),
        '8.6-11': 'set_aux_streams',
        '10.3-11': (
            'get_debug_listener get_debug_state set_all_tensors_debug_state set_debug_listener '
            'set_device_memory set_tensor_debug_state update_device_memory_size_for_shapes'),
        '10.13-11': 'get_runtime_config unfused_tensors_debug_state',
        '11-11': 'set_communicator',
    },
    'EngineInspector': {
        '8.2-11': (
            'error_recorder execution_context get_engine_information get_layer_information'),
    },
    'ILogger': {
        '8.2-11': 'ERROR INFO INTERNAL_ERROR Severity VERBOSE WARNING log',
    },
    'Logger': {
        '8.2-11': 'ERROR INFO INTERNAL_ERROR Severity VERBOSE WARNING log min_severity',
    },
    'IProgressMonitor': {
        '10.3-11': 'phase_finish phase_start step_complete',
    },
    'BuilderFlag': {
        '8.2-11': (
            'DEBUG DIRECT_IO DISABLE_TIMING_CACHE GPU_FALLBACK REFIT SAFETY_SCOPE '
            'SPARSE_WEIGHTS TF32 name value'),
        '8.2-10.13': (
            'FP16 INT8 OBEY_PRECISION_CONSTRAINTS PREFER_PRECISION_CONSTRAINTS '
            'REJECT_EMPTY_ALGORITHMS'),
        '8.2-8.6': 'STRICT_TYPES',
        '8.5-8.6': 'ENABLE_TACTIC_HEURISTIC',
        '8.6-11': 'EXCLUDE_LEAN_RUNTIME VERSION_COMPATIBLE',
        '8.6-10.13': 'FP8',
        '10.3-11': (
            'DISABLE_COMPILATION_CACHE ERROR_ON_TIMING_CACHE_MISS REFIT_IDENTICAL '
            'REFIT_INDIVIDUAL STRIP_PLAN WEIGHT_STREAMING'),
        '10.3-10.13': 'BF16 INT4 WEIGHTLESS',
        '10.13-11': (
            'DISTRIBUTIVE_INDEPENDENCE EDITABLE_TIMING_CACHE MONITOR_MEMORY STRICT_NANS'),
        '10.13-10.13': 'FP4',
    },
    'NetworkDefinitionCreationFlag': {
        '8.2-11': 'name value',
        '8.2-10.13': 'EXPLICIT_BATCH',
        '8.2-8.6': 'EXPLICIT_PRECISION',
        '10.3-11': 'STRONGLY_TYPED',
        '10.13-11': 'PREFER_AOT_PYTHON_PLUGINS PREFER_JIT_PYTHON_PLUGINS',
    },
    'MemoryPoolType': {
        '8.5-11': 'DLA_GLOBAL_DRAM DLA_LOCAL_DRAM DLA_MANAGED_SRAM WORKSPACE name value',
        '8.6-11': 'TACTIC_DRAM',
        '10.3-11': 'TACTIC_SHARED_MEMORY',
    },
    'ProfilingVerbosity': {
        '8.2-11': 'DETAILED LAYER_NAMES_ONLY NONE name value',
        '8.2-8.6': 'DEFAULT VERBOSE',
    },
    'LayerInformationFormat': {
        '8.2-11': 'JSON ONELINE name value',
    },
    'TensorIOMode': {
        '8.5-11': 'INPUT NONE OUTPUT name value',
    },
    'DataType': {
        '8.2-11': 'BOOL FLOAT HALF INT32 INT8 name value',
        '8.5-11': 'UINT8',
        '8.6-11': 'FP8',
        '10.3-11': 'BF16 INT4 INT64',
        '10.13-11': 'E8M0 FP4',
    },
    'LayerType': {
        '8.2-11': (
            'ACTIVATION ASSERTION CONCATENATION CONDITION CONDITIONAL_INPUT CONDITIONAL_OUTPUT '
            'CONSTANT CONVOLUTION DECONVOLUTION DEQUANTIZE EINSUM ELEMENTWISE FILL GATHER '
            'IDENTITY ITERATOR LOOP_OUTPUT LRN MATRIX_MULTIPLY PADDING PARAMETRIC_RELU PLUGIN '
            'PLUGIN_V2 POOLING QUANTIZE RAGGED_SOFTMAX RECURRENCE REDUCE RESIZE SCALE SCATTER '
            'SELECT SHAPE SHUFFLE SLICE SOFTMAX TOPK TRIP_LIMIT UNARY name value'),
        '8.2-8.6': 'FULLY_CONNECTED RNN_V2',
        '8.5-11': 'GRID_SAMPLE NMS NON_ZERO ONE_HOT',
        '8.6-11': 'CAST NORMALIZATION REVERSE_SEQUENCE',
        '10.3-11': 'PLUGIN_V3',
        '10.13-11': 'CUMULATIVE DYNAMIC_QUANTIZE SQUEEZE UNSQUEEZE',
        '11-11': (
            'ATTENTION_INPUT ATTENTION_OUTPUT DIST_COLLECTIVE KV_CACHE_UPDATE MOE '
            'ROTARY_EMBEDDING'),
    },
}
"""Names by class and by the first and the last of ``VERSIONS`` that has them."""

MODULE = {
    '8.2-11': 'init_libnvinfer_plugins float32 float16 int8 int32 bool nptype volume __version__',
    '8.5-11': 'uint8',
    '10.3-11': 'int64',
}
"""Functions and aliases of the module itself, as far as anything here could want them."""

OPSETS = {'8.2': 13, '8.5': 17, '8.6': 17, '10.3': 20, '10.13': 24, '11': 24}
"""
The newest opset that the parser's docs/operators.md promises.

onnx/onnx-tensorrt at 8.2-GA, 8.5-GA, 8.6-GA; 10.3 as of 10.1-GA, the last one published there. For
10.13 and 11 nobody says: 24 stands for no limit that matters here.
"""


def has(version, spans):
    """Tell whether a span such as '8.2-8.6', or one of several, holds a version."""
    at = VERSIONS.index(version)
    return any(VERSIONS.index(first) <= at <= VERSIONS.index(last)
               for first, last in (span.split('-') for span in spans.split()))


def names_of(version, table):
    """Give the names that a version has in a table of spans."""
    return {name for spans, names in table.items() if has(version, spans)
            for name in names.split()}
