"""
Start the perception nodes, and a camera where asked for.

    ros2 launch edgenext_ros perception.launch.py image_topic:=/front/image_raw
    ros2 launch edgenext_ros perception.launch.py start:=detection detection_model:=vehicles.onnx
    ros2 launch edgenext_ros perception.launch.py camera:=true camera_source:=0

`ros2 launch edgenext_ros perception.launch.py --show-args` describes the arguments.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

PACKAGE = 'edgenext_ros'
TASKS = ('classification', 'detection', 'segmentation')
# Fast DDS 2 (up to Jazzy) reads the first one, Fast DDS 3 the second one.
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')


def packaged(*parts):
    """
    Name a file of the installed package.

    :param parts: path below share/edgenext_ros
    :return: a substitution that gives the absolute path
    """
    return PathJoinSubstitution([FindPackageShare(PACKAGE)] + list(parts))


def arguments():
    """
    List what may be set on the command line.

    :return: launch arguments, each with a default and a description
    """
    described = [
        ('namespace', '', 'namespace of every node and of their topics'),
        (
            'image_topic',
            'image',
            'the camera topic (sensor_msgs/Image); relative to the namespace unless it starts '
            'with /. With the parameter image_transport: compressed, its /compressed is read',
        ),
    ]
    described += [
        (
            f'{task}_model',
            packaged('engines', 'demo', f'{task}.onnx'),
            f'ONNX model file of the {task} node, with its model card inside',
        )
        for task in TASKS
    ]
    described += [
        ('start', ','.join(TASKS), 'which perception nodes, separated by commas'),
        (
            'params_file',
            packaged('config', 'perception.yaml'),
            'parameters of the perception nodes; the file that it defaults to lists all of them',
        ),
        ('log_level', 'info', 'debug, info, warn, error or fatal'),
        ('use_sim_time', 'false', 'true: take the time from /clock'),
        ('camera', 'false', 'true: start a camera node that publishes image_topic'),
        (
            'camera_source',
            'synthetic',
            'what the camera shows: synthetic, synthetic-stills, a video file, an image folder, '
            'a camera index, or the url of a stream',
        ),
    ]
    return [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, default, description in described
    ]


def node(executable, name, parameters, **options):
    """
    Describe one node with what all of them share.

    :param executable: its executable
    :param name: its name in the graph
    :param parameters: its own parameters, parameter files or dicts
    :param options: passed to the launch action
    :return: the launch action
    """
    topic = LaunchConfiguration('image_topic')
    sim_time = ParameterValue(LaunchConfiguration('use_sim_time'), value_type=bool)
    return Node(
        package=PACKAGE,
        executable=executable,
        name=name,
        namespace=LaunchConfiguration('namespace'),
        parameters=parameters + [{'use_sim_time': sim_time}],
        remappings=[('image', topic), ('image/compressed', [topic, '/compressed'])],
        arguments=['--ros-args', '--log-level', LaunchConfiguration('log_level')],
        output='screen',
        **options,
    )


def text(name):
    """
    Give a launch argument as a string parameter, whatever it looks like.

    :param name: of the argument
    :return: the parameter's value
    """
    return ParameterValue(LaunchConfiguration(name), value_type=str)


def perception_nodes(context):
    """
    Describe the perception nodes that the argument start names.

    :param context: of the launch
    :return: launch actions
    :raises ValueError: when start names something else, or nothing
    """
    start = LaunchConfiguration('start').perform(context)
    wanted = [word.strip() for word in start.split(',') if word.strip()]
    if not wanted or not set(wanted) <= set(TASKS):
        raise ValueError(
            f'start:={start} must name one or more of {", ".join(TASKS)}, separated by commas'
        )
    return [
        node(
            f'{task}_node',
            task,
            [LaunchConfiguration('params_file'), {'model': text(f'{task}_model')}],
        )
        for task in TASKS
        if task in wanted
    ]


def profiles(context):
    """
    Give Fast DDS the profile that is sized for images, where the user has not chosen one.

    :param context: of the launch
    :return: launch actions
    """
    if any(context.environment.get(variable) for variable in PROFILE_VARIABLES):
        return []
    return [
        SetEnvironmentVariable(variable, packaged('config', 'fastdds.xml'))
        for variable in PROFILE_VARIABLES
    ]


def generate_launch_description():
    """
    Describe the launch.

    :return: what `ros2 launch` runs
    """
    camera = node(
        'camera_node',
        'camera',
        [{'source': text('camera_source')}],
        condition=IfCondition(LaunchConfiguration('camera')),
    )
    return LaunchDescription(
        arguments()
        + [OpaqueFunction(function=profiles), OpaqueFunction(function=perception_nodes), camera]
    )
