"""Connections to servers that speak no HTTP: the name is resolved, its addresses are judged, an allowed one dialled."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from trunkline.outbound.addresses import AllowedAddresses, ForbiddenAddress


async def addresses_of(host: str, port: int, allowed: AllowedAddresses) -> list[str]:
    """The addresses of `host` that may be reached, in the order of the system's resolver.

    Raises ForbiddenAddress when there is none, OSError when the name is none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [address for each in found if _is_allowed(address := str(each[4][0]), allowed)]
    if not addresses:
        raise ForbiddenAddress(None, f"{host} has no address that may be reached")
    return addresses


async def reach(host: str, port: int, allowed: AllowedAddresses) -> socket.socket:
    """A connected socket to the first address of `host` that answers; who calls sets the deadline, and closes it.

    Raises ForbiddenAddress when it has no address that may be reached, OSError when none can be.
    """
    loop = asyncio.get_running_loop()
    failure: OSError | None = None
    for address in await addresses_of(host, port, allowed):
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            await loop.sock_connect(connection, (address, port))
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    assert failure is not None
    raise failure


def _is_allowed(host: str, allowed: AllowedAddresses) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return host in allowed
