"""DTLS as other programs set it up: RSA keys, one SRTP profile alone, no preference of ours."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import SSL

from bridge.fingerprint import Fingerprint

GCM, CM = b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80"


class ForeignCertificate:
    """Stands where `transport.Certificate` does, with OpenSSL's own defaults.

    Args:
        kind: ``rsa`` or ``ecdsa``.
        profiles: SRTP profiles that it offers, its best first.
    """

    def __init__(self, kind, *profiles):
        self._key = (
            rsa.generate_private_key(65537, 2048)
            if kind == "rsa"
            else ec.generate_private_key(ec.SECP256R1())
        )
        self._certificate = _self_signed(self._key)
        digest = self._certificate.fingerprint(hashes.SHA256())
        self.fingerprint = Fingerprint("sha-256", digest.hex(":").upper())
        self._profiles = b":".join(profiles)

    def connection(self, role):
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(self._certificate)
        context.use_privatekey(self._key)
        context.set_tlsext_use_srtp(self._profiles)
        context.set_options(SSL.OP_NO_QUERY_MTU)
        connection = SSL.Connection(context)
        connection.set_ciphertext_mtu(1200)
        if role == "server":
            connection.set_accept_state()
        else:
            connection.set_connect_state()
        return connection


def _self_signed(key):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
