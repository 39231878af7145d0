// The certified provider `oidc-provider` on a free port of loopback; prints its issuer.
// Whoever signs in as NAME has the claims of PEOPLE[NAME]. A line `rotate` on standard input makes it
// sign with another key, and forget the first one.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const PEOPLE = JSON.parse(process.env.PEOPLE);
const REDIRECT_URI = process.env.REDIRECT_URI;

function newKey(kid) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
}

function provider(issuer, key) {
  return new Provider(issuer, {
    clients: [
      {
        client_id: 'runhook',
        client_secret: 'a secret of many characters',
        redirect_uris: [REDIRECT_URI],
        post_logout_redirect_uris: [new URL('/sign-in', REDIRECT_URI).href],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: { email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    cookies: { keys: ['a key for cookies'] },
    features: { rpInitiatedLogout: { enabled: true } },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, ...PEOPLE[id] }),
    }),
    jwks: { keys: [key] },
    pkce: { required: () => true },
    scopes: ['openid', 'email', 'profile', 'groups'],
  });
}

let answer = null;
const server = createServer((request, response) => answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  answer = provider(issuer, newKey('first')).callback();
  console.log(issuer);
  createInterface({ input: process.stdin }).on('line', () => {
    answer = provider(issuer, newKey('second')).callback();
    console.log('rotated');
  });
});
