"""The only loop."""

from hardiness.engine.loop import Evaluated, evaluate
from hardiness.engine.request import Listener, Request, Silence

__all__ = ["Evaluated", "Listener", "Request", "Silence", "evaluate"]
