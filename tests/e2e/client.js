// client.js - a gRPC client nobody here wrote (grpc-js), as a partner's own program would use one.
//
//   node client.js ADDRESS TOKEN_FILE health [SERVICE]        standard health check
//   node client.js ADDRESS TOKEN_FILE list [v1|v1alpha]       services, by reflection
//   node client.js ADDRESS TOKEN_FILE call METHOD [JSON]      by proto/planner.proto
//   node client.js ADDRESS TOKEN_FILE reflected METHOD [JSON] knowing no .proto but reflection's
//
// ADDRESS is 127.0.0.1:PORT or unix:/PATH; TOKEN_FILE "-" shows no token. Each message of the answer
// is a line of JSON on stdout. Exit 0: status OK; 1: another one, as {"status","details"} on
// stderr; 2: wrong usage. Run from the top of the tree.
'use strict';
const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const OPTIONS = { keepCase: true, longs: Number, enums: String, defaults: true };
const SERVICE = 'patto.planner.v1.Planner';
const PATIENCE_MS = Number(process.env.PATTO_E2E_TIMEOUT_MS || 60000);

function fromFile(name, path) {
  return loader.loadSync(path, { ...OPTIONS, includeDirs: ['.'] })[name];
}

function connect(target, tokenFile) {
  const metadata = new grpc.Metadata();
  if (tokenFile !== '-') {
    metadata.set('authorization', 'Bearer ' + fs.readFileSync(tokenFile, 'utf8').trim());
  }
  return { target, metadata, options: () => ({ deadline: Date.now() + PATIENCE_MS }) };
}

// One call of any kind with one request: the answer's messages, in order.
function call(at, service, method, request) {
  const known = service[method];
  if (!known) throw new Error('no method ' + method);
  const Client = grpc.makeGenericClientConstructor(service);
  const client = new Client(at.target, grpc.credentials.createInsecure());
  return new Promise((resolve, reject) => {
    const answer = [];
    const one = (e, message) => (e ? reject(e) : resolve([message]));
    const many = (stream) =>
      stream.on('data', (m) => answer.push(m)).on('error', reject).on('end', () => resolve(answer));
    if (known.requestStream) {
      const stream = known.responseStream
        ? many(client[method](at.metadata, at.options()))
        : client[method](at.metadata, at.options(), one);
      stream.write(request);
      stream.end();
    } else if (known.responseStream) {
      many(client[method](request, at.metadata, at.options()));
    } else {
      client[method](request, at.metadata, at.options(), one);
    }
  }).finally(() => client.close());
}

async function reflect(at, version, question) {
  const path = version === 'v1' ? 'proto/reflection.proto' : 'proto/reflection_v1alpha.proto';
  const service = fromFile(`grpc.reflection.${version}.ServerReflection`, path);
  const [answer] = await call(at, service, 'ServerReflectionInfo', question);
  if (answer.error_response) throw new Error('reflection: ' + answer.error_response.error_message);
  return answer;
}

// A FileDescriptorSet is its files, each behind tag 1 and a length.
function descriptorSet(files) {
  const parts = [];
  for (const file of files) {
    const head = [0x0a];
    let n = file.length;
    for (; n > 0x7f; n >>>= 7) head.push((n & 0x7f) | 0x80);
    head.push(n);
    parts.push(Buffer.from(head), file);
  }
  return Buffer.concat(parts);
}

async function serviceByReflection(at) {
  const answer = await reflect(at, 'v1', { file_containing_symbol: SERVICE });
  const set = descriptorSet(answer.file_descriptor_response.file_descriptor_proto);
  return loader.loadFileDescriptorSetFromBuffer(set, OPTIONS)[SERVICE];
}

const COMMANDS = {
  async health(at, service) {
    const health = fromFile('grpc.health.v1.Health', 'proto/health.proto');
    return call(at, health, 'Check', { service: service || '' });
  },
  async list(at, version) {
    const answer = await reflect(at, version || 'v1', { list_services: '*' });
    return answer.list_services_response.service.map((s) => s.name);
  },
  async call(at, method, request) {
    const service = fromFile(SERVICE, 'proto/planner.proto');
    return call(at, service, method, JSON.parse(request || '{}'));
  },
  async reflected(at, method, request) {
    return call(at, await serviceByReflection(at), method, JSON.parse(request || '{}'));
  },
};

async function main([target, tokenFile, command, ...rest]) {
  if (!Object.hasOwn(COMMANDS, command || '')) {
    console.error('usage: client.js ADDRESS TOKEN_FILE health|list|call|reflected [ARGUMENTS]');
    return 2;
  }
  try {
    const answer = await COMMANDS[command](connect(target, tokenFile), ...rest);
    for (const message of answer) console.log(JSON.stringify(message));
    return 0;
  } catch (e) {
    const status = e.code === undefined ? 'FAILED' : grpc.status[e.code] || String(e.code);
    console.error(JSON.stringify({ status, details: e.details || e.message }));
    return 1;
  }
}

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
