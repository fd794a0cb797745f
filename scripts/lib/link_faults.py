"""What a link may suffer, and chance that repeats: for tcp_proxy.py. No sockets, no clock.

All chance comes from a seed, a word. Damage falls on the same bytes of a direction however they are cut into chunks,
and a storm is the same list of faults and spans each time; what happens to be on the way then depends on TCP.
"""

import dataclasses
import random

DIRECTIONS = ("up", "down")  # from the side that dialled to the side that was dialled, and back


@dataclasses.dataclass
class Faults:
    """The state of one link. Zero: no such fault."""

    frozen: set = dataclasses.field(default_factory=set)  # of DIRECTIONS
    delay_ms: int = 0
    rate_kib: int = 0  # KiB a second, each way
    damage_bytes: int = 0  # one of so many bytes gets a bit flipped
    lose_bytes: int = 0  # one of so many bytes is left out
    break_ms: int = 0  # mean time between two breaks

    def joined(self, other):
        """Both at once: the worse of each kind."""
        def least(a, b):
            return min(a, b) if a and b else a or b

        return Faults(self.frozen | other.frozen, max(self.delay_ms, other.delay_ms),
                      least(self.rate_kib, other.rate_kib), least(self.damage_bytes, other.damage_bytes),
                      least(self.lose_bytes, other.lose_bytes), least(self.break_ms, other.break_ms))

    def words(self):
        said = [f"frozen:{direction}" for direction in DIRECTIONS if direction in self.frozen]
        for name in ("delay_ms", "rate_kib", "damage_bytes", "lose_bytes", "break_ms"):
            if getattr(self, name):
                said.append(f"{name}:{getattr(self, name)}")
        return said


class Spoiler:
    """Spoils about one of `every` bytes of a stream: flips one bit of each, or leaves it out."""

    def __init__(self, seed, leaves_out=False):
        self.random = random.Random(seed)
        self.leaves_out = leaves_out
        self.every = 0
        self.to_next = 0  # bytes that still pass unharmed
        self.spoilt = 0

    def set_every(self, every):
        if every != self.every:
            self.every = every
            self.to_next = self.draw()

    def draw(self):
        return int(self.random.expovariate(1 / self.every)) if self.every else 0

    def pass_on(self, chunk):
        if not self.every:
            return chunk
        if self.to_next >= len(chunk):
            self.to_next -= len(chunk)
            return chunk
        made = bytearray(chunk)
        gone = []
        at = self.to_next
        while at < len(chunk):
            self.spoilt += 1
            if self.leaves_out:
                gone.append(at)
            else:
                made[at] ^= 1 << self.random.randrange(8)
            at += 1 + self.draw()
        self.to_next = at - len(chunk)
        for index in reversed(gone):
            del made[index]
        return bytes(made)


def breaks(seed):
    """For ever: (how many mean spans until the next break, which ends learn of it). An end that does not learn of it
    keeps a connection on which nothing comes any more, as when a router in between forgot it."""
    chance = random.Random(seed)
    while True:
        span = chance.expovariate(1)
        yield span, chance.choice((DIRECTIONS, DIRECTIONS, ("up",), ("down",)))


def storm(seed):
    """For ever: (seconds of calm, the fault after it, seconds that it lasts). Nothing lasts as long as 2 s, so that what
    nodes have to say to each other does get through."""
    chance = random.Random(seed)

    while True:
        calm = chance.randint(0, 1000) / 1000
        kind = chance.choice(("frozen", "one way", "delay", "rate", "damage", "damage", "lose", "break", "break"))
        fault = Faults()
        if kind == "frozen":
            fault.frozen = set(DIRECTIONS)
        elif kind == "one way":
            fault.frozen = {chance.choice(DIRECTIONS)}
        elif kind == "delay":
            fault.delay_ms = chance.randint(20, 300)
        elif kind == "rate":
            fault.rate_kib = chance.randint(4, 64)
        elif kind == "damage":
            fault.damage_bytes = 1 << chance.randint(6, 13)
        elif kind == "lose":
            fault.lose_bytes = 1 << chance.randint(6, 13)
        else:
            fault.break_ms = chance.randint(200, 1500)
        yield calm, fault, chance.randint(200, 1500) / 1000
