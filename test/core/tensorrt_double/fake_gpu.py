"""
A GPU made of Python: its memory, its streams, its contexts, and what was done wrong with them.

Nothing happens on a stream before somebody synchronises it, memory that was not written holds
0xCB, and an address is never given out twice. What a real GPU would answer with an error raises
that error; what it would answer with garbage, a crash or a leak is a fault: it raises
``StrictError`` and is written down, so that no ``except`` hides it.
"""

import collections
import itertools
import threading

import numpy as np

POISON = 0xCB


class StrictError(AssertionError):
    """Something that a real GPU would have answered with garbage, a crash or a leak."""


class Block:
    """
    A piece of device memory.

    ``dtype`` is that of the values which were written last, None before the first ones.
    """

    def __init__(self, address, size, context):
        self.address = address
        self.size = size
        self.context = context
        self.bytes = np.full(size, POISON, np.uint8)
        self.dtype = None


class Queue:
    """A stream: work that waits until somebody synchronises."""

    def __init__(self, handle, context):
        self.handle = handle
        self.context = context
        self.waiting = []

    def run(self):
        """Do all that waits, in order."""
        while self.waiting:
            self.step()

    def step(self):
        """Do the next thing that waits."""
        work, blocks = self.waiting.pop(0)
        for other in gpu().queues.values():
            if other is not self and any(block in touched for _, touched in other.waiting
                                         for block in blocks):
                gpu().fault('two streams work on the same memory and neither waits for the other')
        work()


class Gpu:
    """
    The device of a process.

    :param name: as the driver says it
    :param compute_capability: two numbers
    :param memory_mib: of the device
    """

    def __init__(self, name, compute_capability, memory_mib):
        self.name = name
        self.compute_capability = tuple(compute_capability)
        self.memory = memory_mib << 20
        self.initialized = False
        self.faults = []
        self.blocks = {}
        self.queues = {0: Queue(0, None)}
        self.live = {}
        self.primary_users = 0
        self._addresses = itertools.count(0x7f0000000000, 1 << 24)
        self._handles = itertools.count(0x555500000010, 16)
        self._numbers = itertools.count()
        self._stacks = []
        self._local = threading.local()

    def fault(self, text):
        """Write down what is wrong, and raise it."""
        self.faults.append(text)
        raise StrictError(text)

    def note(self, text):
        """Write down what is wrong where nothing may be raised, as in a destructor."""
        self.faults.append(text)

    @property
    def stack(self):
        """Give this thread's contexts, the current one last."""
        if not hasattr(self._local, 'stack'):
            self._local.stack = []
            self._stacks.append((threading.current_thread(), self._local.stack))
        return self._local.stack

    @property
    def current(self):
        """Give this thread's current context or None."""
        return self.stack[-1] if self.stack else None

    def require_context(self, what, context):
        """Call it a fault that TensorRT is used without the context it was made in."""
        if self.current is None:
            self.fault(f'{what} in a thread without a CUDA context; it belongs to the thread '
                       'that made it')
        if context is not None and self.current.handle != context.handle:
            self.fault(f'{what} in another CUDA context than it was made in (invalid resource '
                       'handle)')

    def born(self, kind):
        """Count something that must be gone at the end; the number is for ``died``."""
        number = next(self._numbers)
        self.live[number] = kind
        return number

    def died(self, number):
        """Count it out."""
        self.live.pop(number, None)

    def allocate(self, size):
        """Give a block, or None if there is no room."""
        if sum(block.size for block in self.blocks.values()) + size > self.memory:
            return None
        block = Block(next(self._addresses), size, self.current)
        self.blocks[block.address] = block
        return block

    def free(self, address):
        """Give a block back; pending work on it would write into nothing."""
        block = self.blocks.pop(address)
        for queue in self.queues.values():
            if any(block in touched for _, touched in queue.waiting):
                self.note(f'device memory of {block.size} bytes freed with work pending on it')

    def block(self, address, what):
        """Give the block at an address, which must be alive."""
        block = self.blocks.get(int(address))
        if block is None:
            self.fault(f'{what}: no device memory at {int(address):#x}, it was freed or never '
                       'allocated (an illegal memory access was encountered)')
        return block

    def add_queue(self):
        """Make a stream."""
        queue = Queue(next(self._handles), self.current)
        self.queues[queue.handle] = queue
        return queue

    def queue(self, handle, what):
        """Give the stream of a handle, which must be alive."""
        queue = self.queues.get(int(handle))
        if queue is None:
            self.fault(f'{what}: no stream {int(handle):#x}, it was destroyed or never made '
                       '(invalid resource handle)')
        return queue

    def require_idle(self, blocks, what):
        """Call it a fault that something else is still to happen to these blocks."""
        for queue in self.queues.values():
            for _, touched in queue.waiting:
                if any(block in touched for block in blocks):
                    self.fault(f'{what} while an asynchronous copy or execution on that memory '
                               'is pending; synchronise its stream first')

    def close(self):
        """Give the faults, with all that is left over."""
        faults = list(self.faults)
        for thread, stack in self._stacks:
            if stack:
                faults.append(f'PyCUDA ERROR: The context stack was not empty upon module '
                              f'cleanup (thread {thread.name}): the process is aborted')
        faults += [f'leak: {kind}, {count} of it'
                   for kind, count in collections.Counter(self.live.values()).items()]
        if self.primary_users:
            faults.append(f'leak: the primary context is retained {self.primary_users} time(s)')
        pending = sum(len(queue.waiting) for queue in self.queues.values())
        if pending:
            faults.append(f'{pending} asynchronous operation(s) never synchronised')
        return faults


_GPUS = []


def install(gpu):
    """Make a GPU the process's own."""
    _GPUS[:] = [gpu]


def is_installed():
    """Tell whether the process has one."""
    return bool(_GPUS)


def gpu():
    """Give the process's GPU."""
    return _GPUS[0]
