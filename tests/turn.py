"""A real TURN server with the file that is deployed, for as long as a test needs it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.service import free_port

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "turnserver.conf"
SECRET = "a-secret-of-this-test-alone"


@dataclass(frozen=True)
class TurnServer:
    """Where it listens on `host`: one port for UDP and TCP, one for TLS."""

    host: str
    port: int
    tls_port: int
    certificate: Path


@contextlib.asynccontextmanager
async def running_turn(
    folder: Path, host: str = "127.0.0.1", peer: str = "127.0.0.1"
) -> AsyncIterator[TurnServer]:
    """coturn, which relays to `peer` alone."""
    port = free_port(socket.SOCK_DGRAM)
    server = TurnServer(host, port, free_port(), folder / "turn.pem")
    _write_certificate(server.certificate, folder / "turn.key", host)
    process = await asyncio.create_subprocess_exec(
        *("turnserver", "-c", str(CONFIGURATION), f"--static-auth-secret={SECRET}"),
        *(f"--listening-ip={host}", f"--relay-ip={host}", f"--listening-port={port}"),
        *(f"--tls-listening-port={server.tls_port}", f"--cert={server.certificate}"),
        *(f"--pkey={folder / 'turn.key'}", "--no-dtls", "--allow-loopback-peers"),
        *(f"--allowed-peer-ip={peer}", f"--pidfile={folder / 'turn.pid'}"),
        f"--userdb={folder / 'turn.db'}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = bytearray()
    assert process.stdout is not None
    async for line in process.stdout:
        output += line
        if b"DB connection success" in line:  # the last thing that it says
            break
    assert b"Bad configuration" not in output, output.decode()
    draining = asyncio.create_task(process.stdout.read())
    try:
        yield server
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await draining


def _write_certificate(certificate: Path, key: Path, host: str) -> None:
    """Signed by itself."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
