// Reads a JSON list of jobs, prints the list of their results: {text} or {error}.
// {verify: document, cert}: what xml-crypto says was signed. {sign: document, key, …}: the signed document.
const fs = require('fs');
const { SignedXml } = require('xml-crypto');
const { DOMParser } = require('@xmldom/xmldom');
const xpath = require('xpath');

const SIGNATURE = "//*[local-name(.)='Signature' and namespace-uri(.)='http://www.w3.org/2000/09/xmldsig#']";

function verify({ verify: document, cert }) {
  const signed = new SignedXml({ publicCert: cert, getCertFromKeyInfo: () => null });
  signed.loadSignature(xpath.select(SIGNATURE, new DOMParser().parseFromString(document, 'text/xml'))[0]);
  if (!signed.checkSignature(document)) throw new Error('does not hold');
  return signed.getSignedReferences().join('');
}

function sign({ sign: document, key, signature, digest, c14n, target, transforms, prefix, place, id }) {
  const signed = new SignedXml({ privateKey: key, signatureAlgorithm: signature, canonicalizationAlgorithm: c14n, idAttribute: id });
  signed.addReference({ xpath: target, transforms, digestAlgorithm: digest, isEmptyUri: target === '/*' });
  signed.computeSignature(document, { prefix, location: { reference: place, action: 'append' } });
  return signed.getSignedXml();
}

function attempt(job) {
  try {
    return { text: 'verify' in job ? verify(job) : sign(job) };
  } catch (error) {
    return { error: String(error) };
  }
}

process.stdout.write(JSON.stringify(JSON.parse(fs.readFileSync(0, 'utf8')).map(attempt)));
