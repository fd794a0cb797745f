#!/usr/bin/env python3
"""A TCP proxy whose links can be cut, frozen, slowed, damaged and broken while they run: faults without privileges.

    tcp_proxy.py --control HOST:PORT [--seed WORD] [--storm] LINK=LISTEN_HOST:PORT>TARGET_HOST:PORT ...

Commands, one line each on a connection to the control address, answered with "ok" or "error: why":
    cut LINK            close the link's connections and refuse new ones
    freeze LINK [WAY]   keep connections open but let nothing through, not even an end (a silent partition). WAY is
                        "up", from the side that dials, or "down", to it; then the other way stays open
    heal LINK           mend what was cut or frozen; the faults below stay
    delay LINK MS       hold each chunk back for MS milliseconds
    rate LINK KIB       let at most KIB KiB a second through each way; what waits fills a bounded buffer, then TCP
                        holds the sender back
    damage LINK BYTES   flip a bit in about one of BYTES bytes
    lose LINK BYTES     leave out about one of BYTES bytes
    break LINK MS       break the connections at random times, MS apart in the mean: what is on the way is lost, and
                        one end of two may not learn of it and wait for ever. New connections work at once
                        (0 ends delay, rate, damage, lose and break)
    storm WORD          on every link one fault after another, beside those asked for, as the seed WORD says
    calm                end the storm and mend everything on every link
    links               the links and their faults, as "ok name=state,..."; state is "open", or faults joined by "+"
    counts              what was done so far, as "ok damaged=N,lost=N,broken=N,faults=N,connections=N"

By hand or in a storm, the same seed gives the same faults: see link_faults.py for what repeats.
"""

import argparse
import asyncio
import socket
import struct
import sys

from link_faults import DIRECTIONS, Faults, Spoiler, breaks, storm

CHUNK_BYTES = 64 * 1024
HELD_BYTES_MAX = 4 * 1024 * 1024  # of one direction of a connection
CONNECTIONS_MAX = 64  # of a link; the oldest one makes room
RATE_STEP_S = 0.05  # a limited direction sends what fits into this span, then rests for it
COMMAND_BYTES_MAX = 1024


def reset(writer):
    """Closes with a reset where the system still can: what is in flight is lost, and the other side sees an error."""
    try:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass  # it is closed already
    writer.transport.abort()


class Way:
    """One direction of a link: what all its connections have in common."""

    def __init__(self, seed):
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.spoilers = [Spoiler(f"{seed} damage"), Spoiler(f"{seed} lose", leaves_out=True)]


class Connection:
    """A pair of sockets. Ends when either side does, when a task fails, or when it is told to."""

    def __init__(self, link, reader, writer):
        self.link = link
        self.ends = {"up": (reader, writer)}  # by the direction that is read there: "up" is the side that dialled
        self.told = asyncio.get_running_loop().create_future()  # the ends that learn that the connection broke

    async def run(self):
        try:
            self.ends["down"] = await asyncio.open_connection(*self.link.target)
            tasks = [asyncio.create_task(self.pump("up", "down")), asyncio.create_task(self.pump("down", "up"))]
            await asyncio.wait([*tasks, self.told], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.told.done():
                await self.swallow(self.told.result())
        except OSError:
            pass
        finally:
            for _, writer in self.ends.values():
                writer.close()

    def close(self, told=DIRECTIONS):
        """Breaks it. Ends that are not told keep their half until they give it up themselves."""
        for end in told:
            if end in self.ends:
                reset(self.ends[end][1])
        if not self.told.done():
            self.told.set_result(told)

    async def swallow(self, told):
        for end in DIRECTIONS:
            if end not in told:
                while await self.ends[end][0].read(CHUNK_BYTES):
                    pass

    async def pump(self, here, there):
        """Carries one direction to its end. Chunks leave in order, each `delay_ms` after it came; the end does too."""
        reader, writer = self.ends[here][0], self.ends[there][1]
        loop = asyncio.get_running_loop()
        held = asyncio.Queue()
        held_bytes = 0
        room = asyncio.Event()
        room.set()

        async def take():
            nonlocal held_bytes
            chunk = b"first"
            while chunk:
                await room.wait()
                try:
                    chunk = await reader.read(CHUNK_BYTES)
                except OSError:
                    chunk = b""
                held_bytes += len(chunk)
                if held_bytes >= HELD_BYTES_MAX:
                    room.clear()
                held.put_nowait((loop.time() + self.link.faults.delay_ms / 1000, chunk))

        taking = asyncio.create_task(take())
        try:
            while True:
                due, chunk = await held.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                await self.link.ways[here].flowing.wait()
                if not chunk:
                    return
                await self.send(writer, here, chunk)
                held_bytes -= len(chunk)
                if held_bytes < HELD_BYTES_MAX:
                    room.set()
        except OSError:
            return
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)  # it lets go of the reader

    async def send(self, writer, here, chunk):
        for spoiler in self.link.ways[here].spoilers:
            chunk = spoiler.pass_on(chunk)
        while chunk:
            kib = self.link.faults.rate_kib
            size = max(1, int(kib * 1024 * RATE_STEP_S)) if kib else len(chunk)
            writer.write(chunk[:size])
            await writer.drain()
            if kib:
                await asyncio.sleep(min(size, len(chunk)) / (kib * 1024))
                await self.link.ways[here].flowing.wait()
            chunk = chunk[size:]


class Link:
    def __init__(self, name, listen, target):
        self.name = name
        self.listen = listen
        self.target = target
        self.is_cut = False
        self.server = None
        self.connections = []  # oldest first
        self.by_hand, self.weather = Faults(), Faults()
        self.faults = Faults()  # both together
        self.breaking = self.storming = None  # tasks
        self.counts = {"broken": 0, "faults": 0, "connections": 0}
        self.sow("")

    def sow(self, seed):
        """The beginning of everything that chance decides."""
        self.seed = f"{seed} {self.name}"
        self.ways = {direction: Way(f"{self.seed} {direction}") for direction in DIRECTIONS}
        self.breaks = breaks(f"{self.seed} break")

    async def open(self):
        self.is_cut = False
        if self.server is None:
            self.server = await asyncio.start_server(self.accept, *self.listen)

    async def accept(self, reader, writer):
        connection = Connection(self, reader, writer)
        self.counts["connections"] += 1
        self.connections.append(connection)
        if len(self.connections) > CONNECTIONS_MAX:
            self.connections[0].close()
        try:
            await connection.run()
        finally:
            self.connections.remove(connection)

    async def cut(self):
        self.is_cut = True
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()
            self.server = None
        for connection in list(self.connections):
            connection.close()

    def set_by_hand(self, **changes):
        for name, value in changes.items():
            setattr(self.by_hand, name, value)
        self.apply()

    def apply(self):
        """Puts what is asked for and the weather into force."""
        before, self.faults = self.faults, self.by_hand.joined(self.weather)
        for direction, way in self.ways.items():
            if direction in self.faults.frozen:
                way.flowing.clear()
            else:
                way.flowing.set()
            damage, lose = way.spoilers
            damage.set_every(self.faults.damage_bytes)
            lose.set_every(self.faults.lose_bytes)
        if self.faults.break_ms != before.break_ms:
            if self.breaking is not None:
                self.breaking.cancel()
            self.breaking = asyncio.create_task(self.break_often()) if self.faults.break_ms else None

    async def break_often(self):
        for spans, told in self.breaks:
            await asyncio.sleep(spans * self.faults.break_ms / 1000)
            for connection in list(self.connections):
                if not connection.told.done():  # else what is left of it stays until its end gives up
                    self.counts["broken"] += 1
                    connection.close(told)

    async def follow(self, seed):
        for calm_s, fault, seconds in storm(f"{seed} {self.name} storm"):
            await asyncio.sleep(calm_s)
            self.counts["faults"] += 1
            self.weather = fault
            self.apply()
            await asyncio.sleep(seconds)
            self.weather = Faults()
            self.apply()

    def begin_storm(self, seed):
        self.end_storm()
        self.storming = asyncio.create_task(self.follow(seed))

    def end_storm(self):
        if self.storming is not None:
            self.storming.cancel()
        self.storming = None
        self.weather = Faults()
        self.apply()

    async def calm(self):
        self.by_hand = Faults()
        self.end_storm()
        await self.open()

    def state(self):
        return "+".join((["cut"] if self.is_cut else []) + self.faults.words()) or "open"

    def spoilt(self, which):
        return sum(way.spoilers[which].spoilt for way in self.ways.values())


class Proxy:
    NUMBERS = {"delay": "delay_ms", "rate": "rate_kib", "damage": "damage_bytes", "lose": "lose_bytes",
               "break": "break_ms"}

    def __init__(self, links):
        self.links = {link.name: link for link in links}

    async def obey(self, words):
        """Performs a command and returns the answer."""
        everyone = self.links.values()
        match words:
            case ["links"]:
                return "ok " + ",".join(f"{link.name}={link.state()}" for link in everyone)
            case ["counts"]:
                counts = {"damaged": sum(link.spoilt(0) for link in everyone),
                          "lost": sum(link.spoilt(1) for link in everyone)}
                for name in ("broken", "faults", "connections"):
                    counts[name] = sum(link.counts[name] for link in everyone)
                return "ok " + ",".join(f"{name}={count}" for name, count in counts.items())
            case ["storm", seed]:
                for link in everyone:
                    link.begin_storm(seed)
            case ["calm"]:
                for link in everyone:
                    await link.calm()
            case [_, name, *_] if name not in self.links:
                return f"error: there is no link {name}"
            case ["cut", name]:
                await self.links[name].cut()
            case ["freeze", name]:
                self.links[name].set_by_hand(frozen=set(DIRECTIONS))
            case ["freeze", name, ("up" | "down") as way]:
                self.links[name].set_by_hand(frozen=self.links[name].by_hand.frozen | {way})
            case ["heal", name]:
                self.links[name].set_by_hand(frozen=set())
                await self.links[name].open()
            case [kind, name, number] if kind in self.NUMBERS and number.isdigit() and len(number) < 10:
                self.links[name].set_by_hand(**{self.NUMBERS[kind]: int(number)})
            case _:
                return "error: no such command; the head of tcp_proxy.py lists them"
        return "ok"

    async def control(self, reader, writer):
        try:
            while line := await reader.readline():
                writer.write((await self.obey(line.decode("utf-8", "replace").split()) + "\n").encode())
                await writer.drain()
        except (OSError, ValueError):
            pass  # gone, or a line that is too long
        finally:
            writer.close()


def address(text):
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, not {text!r}")
    return host, int(port)


def link(text):
    name, equals, rest = text.partition("=")
    listen, arrow, target = rest.partition(">")
    if not name or not equals or not arrow:
        raise argparse.ArgumentTypeError(f"expected LINK=LISTEN>TARGET, not {text!r}")
    return name, address(listen), address(target)


async def run(arguments):
    made = [Link(*each) for each in arguments.links]
    proxy = Proxy(made)
    for each in made:
        each.sow(arguments.seed)
        await each.open()
        if arguments.storm:
            each.begin_storm(arguments.seed)
    server = await asyncio.start_server(proxy.control, *arguments.control, limit=COMMAND_BYTES_MAX)
    async with server:
        await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description="TCP proxy whose links can be cut, frozen, slowed, damaged and broken.")
    parser.add_argument("--control", type=address, required=True, metavar="HOST:PORT")
    parser.add_argument("--seed", default="0", metavar="WORD", help="of all that is left to chance (default: 0)")
    parser.add_argument("--storm", action="store_true", help="begin with a storm")
    parser.add_argument("links", type=link, nargs="+", metavar="LINK=LISTEN>TARGET")
    arguments = parser.parse_args()
    try:
        asyncio.run(run(arguments))
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"tcp_proxy: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
