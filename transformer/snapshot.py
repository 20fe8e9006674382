"""The state of a lowering, to be gone back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .lower import Lowering


class Snapshot:
    """What an abandoned attempt must not leave behind: an error may stop it in the middle of a branch or loop."""

    def __init__(self, low: Lowering) -> None:
        self.low, build = low, low.build
        self.envs = [(frame, frame.env, dict(frame.env)) for frame in low.all_frames()]
        self.contents, self.escaped, self.caught = dict(low.heap.contents), list(low.escaped), list(low.caught)
        self.known, self.passes = dict(low.heap.known), list(low.passes)
        self.place = (low.frame, list(low.frames), low.depth, low.loop_depth, low.node)
        self.building = (build.loc, build.quiet, build.forward)
        self.notes = len(low.notes)

    def restore(self) -> None:
        low, build = self.low, self.low.build
        for frame, env, held in self.envs:
            frame.env = env
            env.clear()
            env.update(held)
        low.heap.contents, low.escaped[:], low.caught[:] = dict(self.contents), self.escaped, self.caught
        low.heap.known, low.passes[:] = dict(self.known), self.passes
        low.frame, low.frames[:], low.depth, low.loop_depth, low.node = self.place
        build.loc, build.quiet, build.forward = self.building
        del low.notes[self.notes :]
