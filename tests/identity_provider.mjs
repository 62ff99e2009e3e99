// An OpenID Connect provider for tests: oidc-provider on loopback, which signs anybody in under any name.
//
// It prints its issuer as one line once it listens. POST /test/next says what is wrong with the next ID token:
// {"claims": {...}} overwrites claims and signs with the provider's own key, {"forged": true} signs with a stranger's
// key, {"unsigned": true} not at all. POST /test/in-id-token says whether claims stand in the ID token or in UserInfo.

import { createServer } from 'node:http';
import { generateKeyPairSync, sign } from 'node:crypto';
import Provider from 'oidc-provider';

const CLIENT = { client_id: 'tongquan', client_secret: 'a secret of the tests' };
const CALLBACK = '/login/oidc/callback';
const SIGNED_OUT = '/login/oidc/signed-out';

const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const own = pair();
const stranger = pair();
let next = null;
let inIdToken = false;

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function tampered(token, { claims = {}, forged = false, unsigned = false }) {
  const [head, payload] = token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  const header = unsigned ? { alg: 'none' } : head;
  const content = `${encoded(header)}.${encoded({ ...payload, ...claims })}`;
  if (unsigned) return `${content}.`;
  return `${content}.${sign('sha256', Buffer.from(content), forged ? stranger : own).toString('base64url')}`;
}

const loopback = (path) => (uri) => {
  const { hostname, pathname } = new URL(uri);
  return hostname === '127.0.0.1' && pathname === path;
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      ...CLIENT,
      redirect_uris: [`http://127.0.0.1${CALLBACK}`],
      post_logout_redirect_uris: [`http://127.0.0.1${SIGNED_OUT}`],
      application_type: 'native',
    }],
    jwks: { keys: [{ ...own.export({ format: 'jwk' }), kid: 'own', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['a secret of the tests'] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'name'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (ctx, id) => ({
      accountId: id,
      claims: (use) => ({
        sub: id,
        ...(use === 'id_token' && !inIdToken ? {} : { preferred_username: id, name: 'somebody' }),
      }),
    }),
  });
  // The site listens on another port in each test.
  provider.Client.prototype.redirectUriAllowed = loopback(CALLBACK);
  provider.Client.prototype.postLogoutRedirectUriAllowed = loopback(SIGNED_OUT);
  provider.use(async (ctx, continued) => {
    if (ctx.path.startsWith('/test/')) {
      const parts = [];
      for await (const part of ctx.req) parts.push(part);
      const told = JSON.parse(Buffer.concat(parts));
      if (ctx.path === '/test/next') next = told;
      if (ctx.path === '/test/in-id-token') inIdToken = told;
      ctx.status = 204;
      return;
    }
    await continued();
    if (ctx.oidc?.route === 'token' && next !== null && ctx.body?.id_token) {
      ctx.body = { ...ctx.body, id_token: tampered(ctx.body.id_token, next) };
      next = null;
    }
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
