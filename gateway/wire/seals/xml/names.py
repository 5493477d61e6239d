"""The namespaces and value types of XML-DSig, WS-Security 1.0 and 1.1 with X.509 tokens, and XML-Enc."""

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_WSS11 = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1"
WSSE = _WSS + "wssecurity-secext-1.0.xsd"
WSU = _WSS + "wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
XML = "http://www.w3.org/XML/1998/namespace"

ENVELOPED = DS + "enveloped-signature"
X509_V3 = _WSS + "x509-token-profile-1.0#X509v3"
X509_SKI = _WSS + "x509-token-profile-1.0#X509SubjectKeyIdentifier"
THUMBPRINT = _WSS11 + "#ThumbprintSHA1"
BASE64 = _WSS + "soap-message-security-1.0#Base64Binary"
CONTENT = XENC + "Content"

WSU_ID = f"{{{WSU}}}Id"
SOAP_ENVELOPES = (f"{{{SOAP11}}}Envelope", f"{{{SOAP12}}}Envelope")


def wsse(name: str) -> str:
    return f"{{{WSSE}}}{name}"


def wsu(name: str) -> str:
    return f"{{{WSU}}}{name}"


def ds(name: str) -> str:
    return f"{{{DS}}}{name}"


def xenc(name: str) -> str:
    return f"{{{XENC}}}{name}"


def xenc11(name: str) -> str:
    return f"{{{XENC11}}}{name}"
