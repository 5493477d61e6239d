// his_call.js ADDRESS CA USER PASSWORD ACTION MESSAGE: one call of the HIS door by node-soap, WSDL and all; prints the answer's text.
const fs = require('fs');
const https = require('https');
const soap = require('soap');

const [address, ca, user, password, action, message] = process.argv.slice(2);
(async () => {
  const agent = new https.Agent({ ca: fs.readFileSync(ca) });
  const options = { wsdl_options: { httpsAgent: agent }, overrideRootElement: undefined };
  const client = await soap.createClientAsync(`${address}?wsdl`, options);
  client.setSecurity(new soap.BasicAuthSecurity(user, password, { agent }));
  try {
    const [found] = await client.HIPMessageServerAsync({ input1: action, input2: fs.readFileSync(message, 'utf8') }, { httpsAgent: agent });
    process.stdout.write(found.HIPMessageServerResult);
  } catch (error) {
    const fault = error.root && error.root.Envelope.Body.Fault;
    process.stdout.write(fault ? `FAULT ${fault.faultcode} ${fault.detail.Problem.Code}` : `BROKEN ${error.message}`);
  }
})();
