"""A wire with latency, in user space: relays TCP connections and delays every byte by half a round trip each way.

`python bench/wire.py LISTEN_PORT TARGET_PORT ROUND_TRIP_MS [MBIT]` serves on loopback until it is ended. The rate
holds for each direction of all connections together, as on a real link.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque

CHUNK = 1 << 16


class Link:
    """One direction of the wire: bytes leave at most at the link's rate, and arrive a delay later."""

    def __init__(self, delay: float, bytes_per_second: float) -> None:
        self.delay = delay
        self.rate = bytes_per_second
        self.free_at = 0.0

    def arrival(self, now: float, size: int) -> float:
        """Return when `size` bytes that are sent now have arrived."""
        start = max(now, self.free_at)
        self.free_at = start + (size / self.rate if self.rate else 0.0)
        return self.free_at + self.delay


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link) -> None:
    """Carry one direction of one connection until it ends."""
    loop = asyncio.get_running_loop()
    under_way: deque[tuple[float, bytes]] = deque()
    arrived = asyncio.Event()

    async def deliver() -> None:
        while True:
            while not under_way:
                arrived.clear()
                await arrived.wait()
            due, data = under_way.popleft()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    delivery = asyncio.create_task(deliver())
    try:
        while True:
            data = await reader.read(CHUNK)
            under_way.append((link.arrival(loop.time(), len(data)), data))
            arrived.set()
            if not data:
                break
            while len(under_way) > 512:
                await asyncio.sleep(0.001)
        await delivery
    except (ConnectionError, OSError):
        delivery.cancel()
        writer.close()


async def serve(listen: int, target: int, round_trip_ms: float, mbit: float) -> None:
    """Relay every connection to `target`."""
    rate = mbit * 1e6 / 8
    there, back = Link(round_trip_ms / 2000, rate), Link(round_trip_ms / 2000, rate)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(pump(reader, far_writer, there), pump(far_reader, writer, back))

    server = await asyncio.start_server(relay, "127.0.0.1", listen)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float((sys.argv + ["0"])[4])))
