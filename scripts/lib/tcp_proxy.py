#!/usr/bin/env python3
"""A TCP proxy whose links can be cut, frozen and slowed while they run: partitions without privileges.

    tcp_proxy.py --control HOST:PORT LINK=LISTEN_HOST:PORT>TARGET_HOST:PORT ...

Commands, one line each on a connection to the control address, answered with "ok" or "error: why":
    cut LINK        close the link's connections and refuse new ones
    freeze LINK     keep connections open but let no byte through (a silent partition)
    delay LINK MS   hold each chunk back for MS milliseconds
    heal LINK       back to normal (a delay is kept until "delay LINK 0")
    links           the links and their state, as "ok name=state,..."
"""

import argparse
import asyncio
import sys

CHUNK_BYTES = 64 * 1024


class Link:
    def __init__(self, name, listen, target):
        self.name = name
        self.listen = listen
        self.target = target
        self.delay_s = 0.0
        self.state = "open"
        self.server = None
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.writers = set()

    async def open(self):
        if self.server is None:
            self.server = await asyncio.start_server(self.accept, *self.listen)

    async def accept(self, reader, writer):
        self.writers.add(writer)
        target_writer = None
        try:
            target_reader, target_writer = await asyncio.open_connection(*self.target)
            self.writers.add(target_writer)
            # Either side's end closes both, as when a cable is pulled: half-open connections are not kept.
            pumps = [asyncio.create_task(self.pump(reader, target_writer)),
                     asyncio.create_task(self.pump(target_reader, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass
        finally:
            for each in (writer, target_writer):
                if each is not None:
                    self.writers.discard(each)
                    each.close()

    async def pump(self, reader, writer):
        """Carries one direction until either end closes. Chunks leave in order, each `delay_s` after it came."""
        held = asyncio.Queue(maxsize=256)  # bounds what is held back; then TCP pushes back to the sender

        async def take():
            chunk = b"first"
            while chunk:
                try:
                    chunk = await reader.read(CHUNK_BYTES)
                except OSError:
                    chunk = b""
                await held.put((asyncio.get_running_loop().time() + self.delay_s, chunk))

        taking = asyncio.create_task(take())
        try:
            while True:
                due, chunk = await held.get()
                if not chunk:
                    return
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
                await self.flowing.wait()
                writer.write(chunk)
                await writer.drain()
        except OSError:
            return
        finally:
            taking.cancel()

    async def cut(self):
        self.state = "cut"
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()
            self.server = None
        for writer in list(self.writers):
            writer.transport.abort()

    def freeze(self):
        self.state = "frozen"
        self.flowing.clear()

    async def heal(self):
        self.state = "open"
        self.flowing.set()
        await self.open()


class Proxy:
    def __init__(self, links):
        self.links = {link.name: link for link in links}

    async def obey(self, words):
        if words == ["links"]:
            return "ok " + ",".join(f"{link.name}={link.state}" for link in self.links.values())
        if len(words) not in (2, 3) or words[1] not in self.links:
            return "error: expected cut, freeze, delay or heal and the name of a link"
        link = self.links[words[1]]
        if words[0] == "cut" and len(words) == 2:
            await link.cut()
        elif words[0] == "freeze" and len(words) == 2:
            link.freeze()
        elif words[0] == "heal" and len(words) == 2:
            await link.heal()
        elif words[0] == "delay" and len(words) == 3 and words[2].isdigit():
            link.delay_s = int(words[2]) / 1000
        else:
            return "error: expected cut, freeze, delay or heal and the name of a link"
        return "ok"

    async def control(self, reader, writer):
        try:
            while line := await reader.readline():
                writer.write((await self.obey(line.decode("utf-8", "replace").split()) + "\n").encode())
                await writer.drain()
        except OSError:
            pass
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


async def run(control, links):
    made = [Link(*each) for each in links]
    proxy = Proxy(made)
    for each in made:
        await each.open()
    server = await asyncio.start_server(proxy.control, *control)
    async with server:
        await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description="TCP proxy whose links can be cut, frozen and slowed.")
    parser.add_argument("--control", type=address, required=True, metavar="HOST:PORT")
    parser.add_argument("links", type=link, nargs="+", metavar="LINK=LISTEN>TARGET")
    arguments = parser.parse_args()
    try:
        asyncio.run(run(arguments.control, arguments.links))
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"tcp_proxy: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
