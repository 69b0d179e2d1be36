"""The actors that dramaturg brings to the workloads, in three flavours."""

from __future__ import annotations

from benchmarks.peers._cast._async import ASYNC
from benchmarks.peers._cast._base import Cast
from benchmarks.peers._cast._model import MODEL
from benchmarks.peers._cast._plain import PLAIN, Quota

__all__ = ["ASYNC", "MODEL", "PLAIN", "Cast", "Quota"]
