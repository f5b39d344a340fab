"""A test node that spins in a thread: publishes images, collects what other nodes publish."""

import threading
import time

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import GetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_value_to_python
from std_msgs.msg import Header

from edgenext_ros.camera_node import Camera
from edgenext_ros.images import image_from_frame
from edgenext_ros.perception_node import Perception

PATIENCE_S = 30.0


class Bench:
    """Publishers, collected messages and nodes under test in one executor."""

    def __init__(self, context):
        """Start to spin."""
        self._context = context
        self._parts = []
        self._stop = threading.Event()
        self._executor = SingleThreadedExecutor(context=context)
        self.node = self._add_node('bench')
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def close(self):
        """Close the parts that still run, then the nodes."""
        self._stop.set()
        self._thread.join()
        for part, _ in self._parts:
            part.stop()
            part.destroy()
        for node in [node for _, node in self._parts] + [self.node]:
            self._executor.remove_node(node)
            node.destroy_node()
        self._executor.shutdown()

    def run_perception(self, task, *, name=None, **parameters):
        """Run a perception node in this process; return its node."""
        node = self._add_node(name or task, parameters)
        self._run(Perception(node, task), node)
        return node

    def run_camera(self, **parameters):
        """Run a camera node in this process; return the event that tells its end."""
        ended = threading.Event()
        node = self._add_node('camera', parameters)
        self._run(Camera(node, ended), node)
        return ended

    def stop_newest(self):
        """End the newest part as its process would, the executor first; return its exit code."""
        part, node = self._parts.pop()
        self._executor.remove_node(node)
        part.stop()
        part.destroy()
        node.destroy_node()
        return part.exit_code

    def pause_newest(self):
        """Stop the newest part; return a function that starts it again."""
        part, node = self._parts[-1]
        self._executor.remove_node(node)
        part.stop()

        def resume():
            part.start()
            self._executor.add_node(node)
        return resume

    def newest(self):
        """Return the newest part and its node."""
        return self._parts[-1]

    def forget_newest(self):
        """Destroy the newest part's node; the part has been stopped and destroyed already."""
        _, node = self._parts.pop()
        node.destroy_node()

    def ask_parameters(self, node, *names):
        """Return a node's parameters as `ros2 param get` sees them: over its service."""
        client = self.node.create_client(GetParameters,
                                         node.get_fully_qualified_name() + '/get_parameters')
        self.wait_for(client.service_is_ready, 'the service')
        future = client.call_async(GetParameters.Request(names=names))
        self.wait_for(future.done, 'the parameters')
        self.node.destroy_client(client)
        return [parameter_value_to_python(value) for value in future.result().values]

    def collect(self, message_type, topic, qos=50):
        """Subscribe and return the list into which the messages go."""
        messages = []
        self.node.create_subscription(message_type, topic, messages.append, qos)
        return messages

    def collect_diagnostics(self, name):
        """Return the list into which the statuses of one name go."""
        statuses = []

        def store(array):
            statuses.extend(status for status in array.status if status.name == name)
        self.node.create_subscription(DiagnosticArray, '/diagnostics', store, 50)
        return statuses

    def publish(self, publisher, frame, *, stamp_s=1, encoding='bgr8'):
        """Publish a frame with a stamp that tells it apart; return the header."""
        header = Header(frame_id='lens')
        header.stamp.sec = stamp_s
        publisher.publish(image_from_frame(frame, header, encoding))
        return header

    def wait_for(self, condition, what):
        """Wait until a condition holds; fail with a sentence where it never does."""
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end_s:
                raise AssertionError(f'waited {PATIENCE_S:.0f} s in vain for {what}')
            time.sleep(0.01)

    def wait_for_count(self, messages, count):
        """Wait until a list has exactly so many messages."""
        self.wait_for(lambda: len(messages) == count, f'{count} messages')

    def wait_for_final_counters(self, statuses, results):
        """Wait until the counters add up and every result that was published has arrived."""
        def is_final():
            values = values_of(statuses[-1])
            done = [int(values[key]) for key in ('processed', 'dropped', 'failed')]
            return (int(values['received']) == sum(done)
                    and int(values['processed']) == int(values['published']) == len(results))
        self.wait_for(lambda: statuses and is_final(), 'counters that add up')

    def wait_for_value(self, statuses, key, value):
        """Wait until the newest status has a value."""
        self.wait_for(lambda: statuses and values_of(statuses[-1])[key] == str(value),
                      f'{key} to be {value}')

    def wait_for_subscriber(self, publisher, count=1):
        """Wait until a publisher has matched subscriptions."""
        self.wait_for(lambda: publisher.get_subscription_count() >= count, 'a subscription')

    def _run(self, part, node):
        part.create()
        part.start()
        self._parts.append((part, node))

    def _add_node(self, name, parameters=None):
        overrides = [Parameter(key, value=value) for key, value in (parameters or {}).items()]
        node = Node(name, context=self._context, use_global_arguments=False,
                    parameter_overrides=overrides)
        self._executor.add_node(node)
        return node

    def _spin(self):
        while not self._stop.is_set():
            self._executor.spin_once(timeout_sec=0.1)


def values_of(status):
    """Return a diagnostic status's values as a dict of strings."""
    return {pair.key: pair.value for pair in status.values}
