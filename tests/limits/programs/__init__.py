"""The smallest programs that are refused, by theme."""

from ..table import Theme
from .api import api
from .calls import calls
from .compiled import jit
from .containers import containers
from .mutation import mutation
from .nested import nested
from .syntax import syntax
from .tensors import tensors
from .traced import traced
from .types import types

THEMES: tuple[Theme, ...] = (syntax, mutation, containers, calls, types, nested, traced, jit, api, tensors)
