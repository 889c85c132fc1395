"""The routes: each decodes a Struct, calls one SQL function and answers a Struct."""
