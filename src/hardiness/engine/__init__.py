"""The only loop."""

from hardiness.engine.loop import evaluate
from hardiness.engine.request import Listener, Request, Silence

__all__ = ["Listener", "Request", "Silence", "evaluate"]
