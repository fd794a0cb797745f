"""What tests play that speak to a node as a peer, over plain TCP (Python's ssl cannot export keying material): keys, and one
connection to a node's peer port. Signatures are libsodium's."""

import ctypes
import ctypes.util
import hashlib
import json
import os
import socket
import struct
import time

SODIUM_NAME = ctypes.util.find_library("sodium")
SODIUM = ctypes.CDLL(SODIUM_NAME) if SODIUM_NAME else None


def hash_of(domain, data):
    return hashlib.blake2b(bytes([len(domain)]) + domain + data, digest_size=32).digest()


class Key:
    def __init__(self):
        public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        SODIUM.crypto_sign_ed25519_keypair(public, secret)
        self.public, self._secret = public.raw, secret

    def sign(self, message):
        signature = ctypes.create_string_buffer(64)
        SODIUM.crypto_sign_ed25519_detached(signature, None, message, ctypes.c_ulonglong(len(message)), self._secret)
        return signature.raw


class Enemy:
    """One connection to a node's peer port."""

    def __init__(self, address, key=None, timeout_s=10):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=timeout_s)
        self.key = key or Key()
        self.data = b""
        self.sent = 0

    def close(self):
        self.socket.close()

    def send_payload(self, payload):
        self.socket.sendall(struct.pack(">I", len(payload)) + payload)

    def read_payload(self):
        while True:
            if len(self.data) >= 4:
                size = struct.unpack(">I", self.data[:4])[0]
                if len(self.data) >= 4 + size:
                    payload, self.data = self.data[4:4 + size], self.data[4 + size:]
                    return payload
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionResetError("closed by the node")
            self.data += piece

    def read_control(self, *types):
        """The next control message of one of these types."""
        while True:
            payload = self.read_payload()
            if payload[:1] == b"{":
                message = json.loads(payload)
                if message["type"] in types:
                    return message, payload

    def message(self, kind, payload, **changes):
        self.sent += 1
        made = {"type": kind, "id": (os.urandom(8) + self.sent.to_bytes(8, "big")).hex(), "from": self.key.public.hex(),
                "to": "*", "timestamp": int(time.time() * 1000), "ttl": 0, "payload": payload}
        made.update(changes)
        return json.dumps(made).encode()

    def send(self, kind, payload, **changes):
        self.send_payload(self.message(kind, payload, **changes))

    def claim(self, **changes):
        """Reads the node's claim and sends one that fits; returns both payloads as they were sent."""
        theirs, their_payload = self.read_control("handshake")
        payload = dict(theirs["payload"], nodeId=self.key.public.hex(), port=0, broadcast=False,
                       challenge=os.urandom(32).hex(), clock=int(time.time() * 1000), agent="enemy")
        payload.update(changes)
        ours = self.message("handshake", payload)
        self.send_payload(ours)
        self.network = bytes.fromhex(theirs["payload"]["network"])
        self.node_id = theirs["payload"]["nodeId"]
        return ours, their_payload

    def endorsement(self, ours, theirs):
        domain = b"peerbook/p2p/endorsement/1"
        handshake = b"peerbook/p2p/handshake-payload/1"
        return self.key.sign(bytes([len(domain)]) + domain + self.network + bytes(96) + b"\0" +
                             hash_of(handshake, ours) + hash_of(handshake, theirs))

    def authenticate(self, **changes):
        ours, theirs = self.claim(**changes)
        self.send("handshake_ack", {"endorsement": self.endorsement(ours, theirs).hex()})
        self.read_control("handshake_ack")
        return self

    def ended(self, seconds):
        """Whether the node closes the connection in this time; the reason of its goodbye, if any, or ''."""
        deadline = time.monotonic() + seconds
        reason = ""
        try:
            while time.monotonic() < deadline:
                self.socket.settimeout(max(deadline - time.monotonic(), 0.01))
                payload = self.read_payload()
                if payload[:1] == b"{" and b'"goodbye"' in payload:
                    reason = json.loads(payload)["payload"]["reason"]
        except TimeoutError:
            return None
        except OSError:
            return reason
        return None
