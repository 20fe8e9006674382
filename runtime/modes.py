"""Is the graph being recorded here?  Grad modes, isolated per thread and per task.

>>> with no_grad():
...     is_grad_enabled()
False
>>> is_grad_enabled()
True
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import Any

# A context variable starts at its default in every new thread and is inherited by every new task,
# so a worker that switches recording off never switches it off for its neighbours.
GRAD: ContextVar[bool] = ContextVar("retrograd_grad_enabled", default=True)
INFERENCE: ContextVar[bool] = ContextVar("retrograd_inference_mode", default=False)
ANOMALY: ContextVar[tuple[bool, bool]] = ContextVar("retrograd_anomaly", default=(False, True))

is_grad_enabled = GRAD.get
is_inference_mode_enabled = INFERENCE.get


def is_anomaly_enabled() -> bool:
    return ANOMALY.get()[0]


class Mode:
    """A context manager and decorator that sets context variables and puts them back.

    A generator keeps the mode inside its body only: its consumer runs in its own.
    """

    def __init__(self, *settings: tuple[ContextVar[Any], Any]) -> None:
        self.settings = settings
        self.previous: list[list[Any]] = []

    def __enter__(self) -> Any:
        self.previous.append([variable.get() for variable, _ in self.settings])
        self.switch_on()
        return None

    def switch_on(self) -> None:
        for variable, value in self.settings:
            variable.set(value)

    def __exit__(self, *exception: object) -> None:
        for (variable, _), value in zip(self.settings, self.previous.pop(), strict=True):
            variable.set(value)

    def clone(self) -> Mode:
        return Mode(*self.settings)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)

        @functools.wraps(function)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return within

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def within(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with self.clone():
                generator = function(*args, **kwargs)
            return (yield from _resumed_in(self, generator))

        return within


def _resumed_in(mode: Mode, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Drive a generator so that only its own body runs in ``mode``."""
    resume: Callable[[], Any] = functools.partial(next, generator)
    try:
        while True:
            with mode.clone():
                try:
                    item = resume()
                except StopIteration as stop:
                    return stop.value
            try:
                sent = yield item
                resume = functools.partial(generator.send, sent)
            except GeneratorExit:
                raise
            except BaseException as error:  # thrown in by the consumer: the body decides what to do with it
                resume = functools.partial(generator.throw, error)
    finally:
        with mode.clone():
            generator.close()


def _mode_or_decorated(cls: type, args: tuple[Any, ...]) -> Any:
    """``@no_grad`` works without parentheses, as ``@no_grad()`` does."""
    mode = object.__new__(cls)
    if len(args) == 1 and callable(args[0]):
        mode.__init__()  # type: ignore[misc]
        return mode(args[0])
    return mode


class no_grad(Mode):
    """Nothing is recorded inside: results do not require grad.

    >>> @no_grad()
    ... def recording():
    ...     return is_grad_enabled()
    >>> recording()
    False
    """

    def __new__(cls, *args: Any) -> Any:
        return _mode_or_decorated(cls, args)

    def __init__(self) -> None:
        super().__init__((GRAD, False))


class enable_grad(Mode):
    """Recording is on inside, even within ``no_grad``."""

    def __new__(cls, *args: Any) -> Any:
        return _mode_or_decorated(cls, args)

    def __init__(self) -> None:
        super().__init__((GRAD, True))


class set_grad_enabled(Mode):
    """Switch recording at once; as a context manager, put it back on leaving.

    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}")
        super().__init__((GRAD, mode))
        self.mode = mode
        self.before = GRAD.get()
        GRAD.set(mode)

    def __enter__(self) -> None:
        self.previous.append([self.before])
        GRAD.set(self.mode)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        GRAD.set(self.before)  # a decorator switches inside the function, not at the decoration
        return super().__call__(function)


class inference_mode(Mode):
    """``no_grad`` whose tensors may never be saved for a derivative later."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return _mode_or_decorated(cls, args)

    def __init__(self, mode: bool = True) -> None:
        super().__init__(*([(GRAD, False), (INFERENCE, True)] if mode is True else [(INFERENCE, False)]))


class detect_anomaly(Mode):
    """Report the forward line of the operation whose derivative fails or is NaN."""

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__((ANOMALY, (True, check_nan)))


class set_detect_anomaly(Mode):
    """Switch anomaly detection at once; as a context manager, put it back on leaving."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__((ANOMALY, (mode, check_nan)))
        self.before = ANOMALY.get()
        self.switch_on()

    def __enter__(self) -> None:
        self.previous.append([self.before])
        self.switch_on()
