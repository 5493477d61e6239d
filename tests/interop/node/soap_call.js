// soap_call.js WSDL ENDPOINT KEY CERT CLAIM: one signed call by node-soap; prints the raw answer.
const fs = require('fs');
const soap = require('soap');

const [wsdl, endpoint, keyFile, certificateFile, claim] = process.argv.slice(2);
(async () => {
  const client = await soap.createClientAsync(wsdl, {}, endpoint);
  client.setSecurity(new soap.WSSecurityCert(fs.readFileSync(keyFile, 'utf8'), fs.readFileSync(certificateFile, 'utf8'), '', {
    hasTimeStamp: true,
    signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    signerOptions: { idMode: 'wssecurity' },
  }));
  const [, raw] = await client.SubmitAsync({ claim });
  process.stdout.write(raw);
})();
