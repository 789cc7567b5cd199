"""How training is shown."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any


class Progress:
    """Calls `on_event` with each event, and moves tqdm's bar where `shown` and where it is installed."""

    def __init__(self, on_event: Callable[[dict[str, Any]], object] | None, shown: bool) -> None:
        self.on_event = on_event
        self.bar: Any = None
        self.make: Any = None
        if shown:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self.make = tqdm

    def __enter__(self) -> Progress | None:
        return None if self.on_event is None and self.make is None else self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, event: dict[str, Any]) -> None:
        if self.make is not None:
            self.show(event)
        if self.on_event is not None:
            self.on_event(event)

    def show(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "start":
            if self.bar is not None:
                self.bar.close()
            self.bar = self.make(total=event["total_steps"], initial=event.get("resumed_at", 0), desc=event["run"])
        elif self.bar is None:
            return
        elif kind == "step":
            self.bar.set_postfix(loss=event["loss"], refresh=False)
            self.bar.update(event["step"] - self.bar.n)
        elif kind == "eval":
            metrics = ", ".join(f"{name} {value:.4f}" for name, value in event["metrics"].items())
            self.bar.write(f"{event['split']}: {metrics}", file=self.bar.fp)
        elif kind == "message":
            self.bar.write(event["text"], file=self.bar.fp)
