"""The only loop, and the writers of trees."""

from hardiness.engine.evaluation import Evaluated, evaluate
from hardiness.engine.request import Listener, Request, Silence

__all__ = ["Evaluated", "Listener", "Request", "Silence", "evaluate"]
