"""Keys as the JOSE library takes them, without ever writing out a private one: its dictionary holds the public half only.

So a key in a slot serves like any other, and a dump of the library's object has nothing to tell.
"""

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.jwk import ECKey, RSAKey


def rsa_jwk(key: rsa.RSAPrivateKey | rsa.RSAPublicKey) -> RSAKey:
    if isinstance(key, rsa.RSAPublicKey):
        return RSAKey.import_key(key)
    return RSAKey(key, RSAKey.import_key(key.public_key()).as_dict())


def ec_jwk(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> ECKey:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return ECKey.import_key(key)
    return ECKey(key, ECKey.import_key(key.public_key()).as_dict())
