// A certified OpenID provider shaped like Amazon Cognito's hosted pages: its claims, its paths, its logout, its
// revocation. Everybody's password is `password`. For tests on this machine only.
//
// Test controls: POST /test/rotate signs with a new key from now on; GET /test/revoked counts revoked tokens.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

const port = Number(process.env.PORT);
const issuer = `http://127.0.0.1:${port}`;
const relyingParty = 'http://127.0.0.1:3322';

// As the demo people, and two whose ID token must not be accepted as it is.
const PEOPLE = {
  steward: { groups: ['staff', 'stewards'] },
  analyst: { groups: ['staff'] },
  'owner-ops': { groups: ['staff', 'owners-ops'] },
  'partner-ua': { groups: ['partners'], carrier: 'UA' },
  'partner-dl': { groups: ['partners'], carrier: 'DL' },
  'without-groups': {},
  'with-access-token': { groups: ['staff'], tokenUse: 'access' },
};

function claims(name) {
  const person = PEOPLE[name];
  return {
    sub: `sub-${name}`,
    token_use: person.tokenUse ?? 'id',
    'cognito:username': name,
    ...(person.groups && { 'cognito:groups': person.groups }),
    ...(person.carrier && { 'custom:carrier': person.carrier }),
    email: `${name}@example.com`,
    email_verified: true,
  };
}

const newKey = () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
};
const keys = [newKey()];
const cookieKeys = [randomUUID()];
let revoked = 0;

function provider() {
  const made = new Provider(issuer, {
    clients: [
      {
        client_id: 'penstock',
        client_secret: 'a-secret-for-tests-only-0123456789',
        redirect_uris: [`${relyingParty}/auth/callback`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [...keys] },
    cookies: { keys: cookieKeys },
    pkce: { required: () => true },
    scopes: ['openid', 'email', 'profile'],
    claims: {
      openid: ['sub', 'token_use', 'cognito:username', 'cognito:groups', 'custom:carrier'],
      email: ['email', 'email_verified'],
    },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false }, revocation: { enabled: true }, rpInitiatedLogout: { enabled: false } },
    routes: {
      authorization: '/oauth2/authorize',
      token: '/oauth2/token',
      revocation: '/oauth2/revoke',
      userinfo: '/oauth2/userInfo',
      jwks: '/.well-known/jwks.json',
    },
    interactions: { url: (_, interaction) => `/login/${interaction.uid}` },
    findAccount: (_, sub) => ({ accountId: sub, claims: async () => claims(sub.slice('sub-'.length)) }),
    issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
    // Cognito asks for no consent.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
    ttl: { Session: 3600, Grant: 3600, IdToken: 3600, AccessToken: 3600, RefreshToken: 86_400, Interaction: 600 },
  });
  made.on('refresh_token.destroyed', () => (revoked += 1));
  made.on('grant.revoked', () => (revoked += 1));
  made.on('server_error', (_, error) => console.error(error));
  return made;
}

let current = provider();

const page = (uid, error) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Example Airways</title></head><body>
<h1>Sign in to Example Airways</h1>${error ? `<p role="alert">${error}</p>` : ''}
<form method="post" action="/login/${uid}">
<label>User name <input name="username" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button type="submit">Sign in</button>
</form></body></html>`;

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
}

async function answer(request, response) {
  const url = new URL(request.url, issuer);
  const html = (status, text) => response.writeHead(status, { 'content-type': 'text/html' }).end(text);

  if (url.pathname.startsWith('/login/')) {
    const { uid } = await current.interactionDetails(request, response);
    if (request.method !== 'POST') return html(200, page(uid));
    const form = await body(request);
    const name = form.get('username');
    if (!Object.hasOwn(PEOPLE, name) || form.get('password') !== 'password') {
      return html(401, page(uid, 'Incorrect user name or password.'));
    }
    return current.interactionFinished(request, response, { login: { accountId: `sub-${name}` } });
  }
  // Cognito's sign-out: no discovery, no ID token hint; the address must be registered.
  if (url.pathname === '/logout') {
    const to = url.searchParams.get('logout_uri') ?? '';
    if (url.searchParams.get('client_id') !== 'penstock' || !to.startsWith(`${relyingParty}/`)) {
      return html(400, 'client_id or logout_uri is not registered');
    }
    const gone = ['_session', '_session.legacy', '_session.sig', '_session.legacy.sig'];
    const cookies = gone.map((name) => `${name}=; Path=/; Max-Age=0`);
    return response.writeHead(302, { location: to, 'set-cookie': cookies }).end();
  }
  if (url.pathname === '/test/rotate' && request.method === 'POST') {
    keys.unshift(newKey());
    current = provider();
    return response.end('rotated');
  }
  if (url.pathname === '/test/revoked') return response.end(`${revoked}`);
  return current.callback()(request, response);
}

createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end('the test provider failed');
  });
}).listen(port, '127.0.0.1');
