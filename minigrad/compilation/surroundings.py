"""What a function sees outside itself: a program holds only while that is the same."""

from __future__ import annotations

import dis
import functools
import operator
import os
import site
import sys
import sysconfig
import types
import weakref
from array import array
from collections import UserDict, UserList, deque
from collections.abc import Callable, ItemsView, Iterator, KeysView, Sequence, ValuesView
from pathlib import Path
from typing import Any

import numpy as np

from .. import settings

PLAIN = (bool, int, float, complex, str, bytes, type(None), range)
"""Types whose values are numbers, or as good as numbers."""

VIEWS = (KeysView, ValuesView, ItemsView)
"""Looks at a dictionary."""

DIRECT = {np.ndarray, float, int, bool, str}
"""Types of arguments that are neither trees nor Tensors."""

READ_ANEW = ("_pack", "_work")
"""What an optimizer makes anew in a step."""


class Surroundings:
    """
    What Python can see from a function besides its arguments, as it was when this was made.

    A replay reads Tensors, optimizers and generators anew. The rest became part of the program when it was
    captured: numbers, lists, attributes, arrays, helper functions, in closures, globals and objects, however
    far one has to go for them, up to the border of installed packages.

    Parameters
    ----------
    roots : sequence
        The function, and objects among its arguments.

    Attributes
    ----------
    tensors, generators : list
        What was met on the way, and is not part of the program.
    """

    def __init__(self, *roots: Any) -> None:
        self.tensors: list[Any] = []
        self.generators: list[np.random.Generator] = []
        self._settings: list[tuple[Any, tuple[Any, ...]]] = []
        self._places: list[tuple[Callable[[], Any], Any, str]] = []
        self._cells: list[tuple[Any, Any, str]] = []
        self._attributes: list[tuple[Any, str, Any, str]] = []
        self._entries: list[tuple[Any, Any, Any, str]] = []
        self._arrays: list[tuple[np.ndarray[Any, Any], bytes, str]] = []
        self._collections: list[tuple[Any, tuple[Any, ...], str]] = []
        self._seen: dict[int, Any] = {}
        self._names: set[str] = set()
        self._foreign: list[tuple[Any, str]] = []
        self._optimizers: list[Any] = []
        self._changes = settings.changes()
        self.include(*roots)

    def include(self, *roots: Any) -> None:
        """Watch more."""
        for root in roots:
            self._see(root, getattr(root, "__name__", type(root).__name__))
        self._look_into_foreign()
        for optimizer in self._optimizers:
            for name, value in vars(optimizer).items():
                if name in self._names and isinstance(value, (float, tuple)):
                    self._entry(vars(optimizer), name, f"{type(optimizer).__name__}.{name}")

    def known(self, leaves: Sequence[Any]) -> tuple[int, ...]:
        """Return which arguments are Tensors that the function also finds outside: their ids, and 0s."""
        if not self.tensors or all(type(leaf) in DIRECT for leaf in leaves):
            return ()
        ids = {id(tensor) for tensor in self.tensors}
        return tuple(id(leaf) if id(leaf) in ids else 0 for leaf in leaves)

    def watch_packs(self) -> None:
        """Watch where optimizers remember what they do, once they have taken a step."""
        for optimizer in self._optimizers:
            self._entries.append((vars(optimizer), "_pack", optimizer._pack, f"{type(optimizer).__name__}"))

    def changed(self) -> str | None:
        """Return the name of something that is no longer as it was, or None."""
        for cell, value, name in self._cells:
            try:
                if cell.cell_contents is not value and not _same(cell.cell_contents, value):
                    return name
            except ValueError:  # emptied
                return name
        for mapping, key, value, name in self._entries:
            if (now := mapping.get(key, MISSING)) is not value and not _same(now, value):
                return name
        for owner, attribute, value, name in self._attributes:
            if (now := getattr(owner, attribute, MISSING)) is not value and not _same(now, value):
                return name
        for collection, items, name in self._collections:
            same = len(collection) == len(items) and all(map(operator.is_, collection, items))
            if not same and not _same(tuple(collection), items):
                return name
        for read, value, name in self._places:
            if not _same(read(), value):
                return name
        for watched, numbers, name in self._arrays:
            if watched.tobytes() != numbers:
                return name
        count = settings.changes()
        if count != self._changes:
            for owner, then in self._settings:
                if not _same(_settings(owner), then):
                    return f"an attribute of a {type(owner).__name__}"
            self._changes = count
        return None

    def _look_into_foreign(self) -> None:
        """Watch what the code mentions of Python modules, and of objects of other people's classes."""
        done: set[tuple[int, str]] = set()
        while True:
            pairs = [
                (owner, path, name)
                for owner, path in self._foreign
                for name in self._names
                if (id(owner), name) not in done
            ]
            if not pairs:
                return
            for owner, path, name in pairs:
                done.add((id(owner), name))
                if name in vars(owner):
                    self._entry(vars(owner), name, f"{path}.{name}")

    # How to get on from each kind of thing

    def _see(self, thing: Any, name: str) -> None:
        if thing is MISSING or type(thing) in PLAIN or id(thing) in self._seen:
            return
        self._seen[id(thing)] = thing  # kept, so that nothing else gets its id
        if isinstance(thing, np.ndarray) and thing.dtype.hasobject:
            self._held(lambda: tuple(thing.flat), name)
        elif isinstance(thing, np.ndarray):
            self._arrays.append((thing, thing.tobytes(), name))
            self._place(lambda: (thing.shape, thing.dtype), name)
        elif isinstance(thing, np.random.Generator):
            self.generators.append(thing)
        elif isinstance(thing, np.random.RandomState):
            self._place(lambda: repr(thing.get_state(legacy=False)), name)
        elif isinstance(thing, (bytearray, memoryview, array)):
            self._place(lambda: bytes(thing), name)
        elif isinstance(thing, VIEWS):
            self._held(lambda: tuple(thing), name)
        elif isinstance(thing, types.MappingProxyType):
            self._held(lambda: tuple(thing.items()), name)
        elif isinstance(thing, (UserDict, UserList)):
            self._see(thing.data, name)
        elif isinstance(thing, weakref.ref):
            self._held(lambda: (thing(),), name)
        elif isinstance(thing, types.BuiltinMethodType):
            self._see(thing.__self__, name)
        elif hasattr(thing, "_record") and hasattr(thing, "_node"):
            self.tensors.append(thing)
            self._settings.append((thing, _settings(thing)))
        elif isinstance(thing, types.FunctionType):
            self._function(thing)
        elif isinstance(thing, types.MethodType):
            self._see(thing.__func__, name)
            self._see(thing.__self__, name)
        elif hasattr(thing, "_entries") and hasattr(thing, "function"):  # compiled itself
            self._see(thing.function, name)
        elif isinstance(thing, functools.partial):
            self._see(thing.func, name)
            self._see((thing.args, thing.keywords), name)
        elif isinstance(thing, types.ModuleType):
            if not _installed(getattr(thing, "__file__", None), thing.__name__):
                self._foreign.append((thing, thing.__name__))
        elif isinstance(thing, dict):
            self._place(lambda: len(thing), name)
            for key in thing:
                self._entry(thing, key, f"{name}[{key!r}]")
        elif isinstance(thing, (list, tuple, set, frozenset, deque)):
            self._collections.append((thing, tuple(thing), name))
            for item in thing:
                self._see(item, name)
        elif isinstance(thing, type):
            self._class(thing)
        elif isinstance(thing, (staticmethod, classmethod)):
            self._see(thing.__func__, name)
        elif isinstance(thing, property):
            self._see((thing.fget,), name)
        else:
            self._object(thing, name)

    def _object(self, thing: Any, name: str) -> None:
        kind = type(thing)
        noted = hasattr(kind, "named_modules") or hasattr(kind, "zero_grad")  # their changes are counted
        if hasattr(kind, "zero_grad") and hasattr(kind, "update"):
            self._optimizers.append(thing)
        elif not noted and _installed_class(kind):
            if isinstance(getattr(thing, "__dict__", None), dict):
                self._foreign.append((thing, name))
            return
        if noted:
            self._settings.append((thing, _settings(thing)))
            for key, value in _settings(thing):
                self._see(value, f"{name}.{key}")
        else:
            own = getattr(thing, "__dict__", {})
            self._collections.append((own, tuple(own), name))
            for key in tuple(own):
                self._entry(vars(thing), key, f"{name}.{key}")
        for part in kind.__mro__:
            for key in _slots(part):
                self._attribute(thing, key, f"{name}.{key}")
        self._see(kind, kind.__name__)

    def _class(self, kind: type) -> None:
        for part in kind.__mro__:
            if _installed_class(part):
                continue
            for key, value in list(vars(part).items()):
                if not key.startswith("__") or isinstance(value, types.FunctionType):
                    self._entry(vars(part), key, f"{part.__name__}.{key}")

    def _function(self, function: types.FunctionType) -> None:
        code, name = function.__code__, function.__name__
        if _installed(code.co_filename):  # what it was made with may be the user's
            self._see(tuple(_contents(cell) for cell in function.__closure__ or ()), name)
            return
        for attribute in ("__code__", "__defaults__", "__kwdefaults__"):
            self._attribute(function, attribute, f"{name}.{attribute}")
        for variable, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                self._cells.append((cell, cell.cell_contents, variable))
                self._see(cell.cell_contents, variable)
            except ValueError:  # not filled yet
                self._place(functools.partial(_contents, cell), variable)
        self._names.update(_attributes(code) if "update" not in function.__qualname__.split(".") else ())
        for variable in _globals(code):
            self._entry(function.__globals__, variable, variable)
        for imported in _imports(code):
            self._see(sys.modules.get(imported), imported)

    def _entry(self, mapping: Any, key: Any, name: str) -> None:
        value = mapping.get(key, MISSING)
        self._entries.append((mapping, key, value, name))
        self._see(value, name)

    def _attribute(self, owner: Any, attribute: str, name: str) -> None:
        value = getattr(owner, attribute, MISSING)
        self._attributes.append((owner, attribute, value, name))
        self._see(value, name)

    def _held(self, read: Callable[[], tuple[Any, ...]], name: str) -> None:
        """Watch what a collection holds, and those things themselves."""
        self._place(read, name)
        self._see(read(), name)

    def _place(self, read: Callable[[], Any], name: str) -> None:
        self._places.append((read, read(), name))


class _Missing:
    """Stands for what is not there."""


MISSING = _Missing()


def _same(now: Any, before: Any) -> bool:
    """Return whether two values are one object, or equal numbers."""
    if now is before:
        return True
    if type(now) is not type(before):
        return False
    if type(now) is tuple:
        return len(now) == len(before) and all(map(_same, now, before))
    return (type(now) in PLAIN or isinstance(now, np.dtype)) and now == before and repr(now) == repr(before)


def _settings(thing: Any) -> tuple[tuple[str, Any], ...]:
    """Return what a program depends on of a module, an optimizer or a Tensor."""
    if hasattr(thing, "named_modules"):
        rest = tuple((name, value) for name, value in vars(thing).items() if name != "training")
        return (("training", thing.training), *rest)
    if hasattr(thing, "requires_grad"):
        return (("requires_grad", thing.requires_grad),)
    return tuple(
        (name, value)
        for name, value in vars(thing).items()
        if name not in READ_ANEW and not isinstance(value, (float, tuple))
    )


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def _inside(code: types.CodeType) -> Iterator[types.CodeType]:
    """Iterate over a function's code, and that of the functions written inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _inside(constant)


@functools.lru_cache(maxsize=1024)
def _globals(code: types.CodeType) -> tuple[str, ...]:
    """Return the global names that code reads."""
    found = (
        instruction.argval
        for part in _inside(code)
        for instruction in dis.get_instructions(part)
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    )
    return tuple(dict.fromkeys(found))


def _attributes(code: types.CodeType) -> set[str]:
    """Return all names in code that are no local variables."""
    return {name for part in _inside(code) for name in part.co_names}


def _imports(code: types.CodeType) -> tuple[str, ...]:
    """Return the modules that code imports when it runs."""
    return tuple(name for name in _attributes(code) if name in sys.modules and not _installed(None, name))


def _slots(kind: type) -> tuple[str, ...]:
    """Return the names of a class's slots."""
    slots = vars(kind).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _installed_class(kind: type) -> bool:
    """Return whether a class is Python's, or of an installed package."""
    module = sys.modules.get(kind.__module__)
    return _installed(getattr(module, "__file__", None), kind.__module__)


@functools.lru_cache(maxsize=4096)
def _installed(file: str | None, module: str = "") -> bool:
    """Return whether code is Python's own, of an installed package, or the library's."""
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names and root != "__main__":
        return True
    return file is not None and file.startswith(_INSTALLED)


_FOLDERS: list[Any] = [Path(__file__).parents[1], Path(np.__file__).parent, sysconfig.get_paths()["stdlib"]]
_INSTALLED = (
    "<frozen",
    *(f"{Path(folder).resolve()}{os.sep}" for folder in _FOLDERS + site.getsitepackages()),
)
