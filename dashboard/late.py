"""The libraries of the engine are imported without what no answer needs of them; that is imported when it is asked for.

PyTorch brings its exporter, its ONNX converter and its reference implementations of every operation; timm brings data
sets, and what talks to a hub. Together they take as long as half of all that an answer does need. In their places stand
modules that hand on to the real ones, whatever is asked of them first; :func:`complete` imports the real ones when
nobody waits. Only the server is begun so: a process that trains or exports imports everything in its order.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# What is left for later, in the order in which it is imported then: the parts of PyTorch import one another, and find
# each other whole only from this end. Of each, the functions that others take from it by name when they are imported:
# they are called later, and what is called at once is owed.
LEFT: dict[str, tuple[str, ...]] = {
    "torch.export": (),
    "torch._meta_registrations": (),
    "torch._decomp": (),
    "torch._prims": (),
    "torch._refs": (),
    "torch.onnx": (),
    "torchvision.ops._register_onnx_ops": ("_register_custom_op",),
    "torchvision.datasets": (),
    "timm.data.dataset_factory": ("create_dataset",),
    "huggingface_hub.hf_api": ("HfApi", "model_info", "upload_file"),
}
PATIENCE = 20.0  # seconds
_owed: list[Callable[[], Any]] = []  # calls made while their module was left out
_held: list[_Later] = []
_importing, _whole = threading.Event(), threading.RLock()


class _Later(ModuleType):
    """Stands for a module, and hands on to it."""

    def __init__(self, name: str, calls: tuple[str, ...]) -> None:
        super().__init__(name)
        self.__dict__["_calls"] = calls

    def __getattr__(self, name: str) -> Any:
        if name == "__file__" or (name == "__path__" and self._calls):  # asked of every module, or of every package
            raise AttributeError(name)
        if name in self._calls:
            return self._later(name)
        if _importing.is_set():  # a library that needs it now has it now
            self.give_way()
        else:
            _complete_soon()
        return getattr(importlib.import_module(self.__name__), name)

    def _later(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            return getattr(importlib.import_module(self.__name__), name)(*args, **named)

        def later(*args: Any, **named: Any) -> Any:
            if _importing.is_set():
                return _owed.append(partial(call, *args, **named))
            _complete_soon()
            return call(*args, **named)

        return later

    def give_way(self) -> None:
        """Let the next import of this name find the module itself."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


class _There:
    """Finds a module that came while its package was asked for its folder: it is not made a second time."""

    @staticmethod
    def find_spec(name: str, _: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, _There) if target is None and name in sys.modules else None  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        there = sys.modules[spec.name]
        spec.loader_state = there.__spec__
        return there

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


@contextmanager
def left() -> Iterator[None]:
    """Import without :data:`LEFT`; what of it is loaded already stays. The places are kept until :func:`complete`."""
    _held.extend(_Later(name, calls) for name, calls in LEFT.items() if name not in sys.modules)
    sys.modules.update({one.__name__: one for one in _held})
    if _There not in sys.meta_path:
        sys.meta_path.insert(0, _There)  # type: ignore[arg-type]
    _importing.set()
    try:
        with _whole, _plainly():
            yield
    finally:
        _importing.clear()


def complete() -> None:
    """Import what was left, each as it would have been; at once where nothing is. Any thread may; the others wait."""
    with _whole, _plainly():
        for one in _held:
            one.give_way()
        while _held:
            importlib.import_module(_held.pop(0).__name__)
        while _owed:
            _owed.pop(0)()


def _complete_soon() -> None:
    # Whoever asks may be importing a module that another thread waits for while it completes: neither waits for ever.
    if _whole.acquire(timeout=PATIENCE):
        try:
            complete()
        finally:
            _whole.release()


@contextmanager
def _plainly() -> Iterator[None]:
    """In this thread a frame is told by its file and line, without its source, and packages are listed once.

    PyTorch notes the place of everything that is registered with it, by file and line; to give it the source as well,
    which nobody wants, Python would look through the files of all modules. Five libraries ask which plugins are
    installed, and each time the folders of all packages would be read.
    """
    whole, every, here = inspect.getframeinfo, metadata.entry_points, threading.get_ident()
    known: list[Any] = []

    def brief(frame: Any, context: int = 1) -> inspect.Traceback:
        return whole(frame, 0 if threading.get_ident() == here else context)

    def once(**wanted: Any) -> Any:
        if threading.get_ident() != here:
            return every(**wanted)
        if not known:
            known.append(every())
        return known[0].select(**wanted) if wanted else known[0]

    inspect.getframeinfo, metadata.entry_points = brief, once  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.getframeinfo, metadata.entry_points = whole, every
